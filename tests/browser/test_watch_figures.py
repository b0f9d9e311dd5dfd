"""The figures of `watch`: long names, what matters, several objectives, several sweeps at once."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

import sweeps
from sweeps.analysis.importances import Importances
from sweeps.findings.pareto import front_trials
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import Outcome
from sweeps.report.style import briefly
from sweeps.watch.what_matters import measure
from tests.browser.test_watch_page import PATIENCE_S, text_of, wait_for
from tests.sweeps.watch.test_server import TOKEN, served

pytestmark = pytest.mark.browser
LONG_NAME = "the_strength_of_the_augmentation_of_the_second_stage"
OPTIONS = ["adafactor-with-relative-steps", "sgd-with-nesterov-momentum", "adam-with-decoupling"]
LOOP = """
def train(trial, lr, optimizer, the_strength_of_the_augmentation_of_the_second_stage):
    def evaluate(rows):
        return {"loss": 1.0 - lr + (optimizer == "sgd-with-nesterov-momentum"), "cost": lr * lr}

    for epoch in trial.epochs(evaluate):
        yield
"""
SWEEP = """
name: {name}
seed: {seed}
objective: [{{metric: dev_loss}}, {{metric: dev_cost}}]
metrics: {{loss: {{goal: min}}, cost: {{goal: min}}}}
search: {{method: random, trials: 12}}
trial: {{sanity_check: skip}}
space:
  training:
    kind: custom
    target: "watched_loop:train"
    resume: from_start
    epochs: 2
    options:
      lr: {{float: [0.0, 1.0]}}
      optimizer: {{choice: {options}}}
      {long}: {{float: [0.0, 0.5]}}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("watched")
    (folder / "watched_loop.py").write_text(LOOP)
    for seed, name in enumerate(["first", "second"]):
        path = folder / f"{name}.yaml"
        path.write_text(SWEEP.format(name=name, seed=seed, options=OPTIONS, long=LONG_NAME))
        sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")
    return folder / "runs"


@pytest.fixture(scope="module")
def address(runs: Path) -> Iterator[str]:
    with served(runs) as address:
        yield f"{address}/{TOKEN}"


@pytest.fixture
def page(browser: webdriver.Chrome, address: str) -> webdriver.Chrome:
    browser.set_window_size(1400, 2600)
    browser.get(f"{address}/sweep/first/")
    wait_for(browser, "#state", "ended")
    return browser


def drawn(browser: webdriver.Chrome, place: str) -> Any:
    """Return a figure's traces and axes, once it is drawn."""
    script = (
        "const place = document.querySelector(arguments[0]);"
        "return place && place.dataset.drawn ? {data: place.data, layout: place.layout} : null"
    )
    return WebDriverWait(browser, PATIENCE_S).until(lambda one: one.execute_script(script, place))


def test_every_option_has_its_name_at_the_axis_of_its_parameter(page: webdriver.Chrome) -> None:
    at = 1
    drawn(page, f"#slices [data-dimension='{at}']")
    marks = page.find_elements(By.CSS_SELECTOR, f"#slices [data-dimension='{at}'] .xtick text")
    assert [one.text for one in marks] == briefly(OPTIONS, 14)


def test_names_and_options_leave_room_for_the_next_axis(page: webdriver.Chrome) -> None:
    axes = drawn(page, "#parallel")["data"][0]["dimensions"]
    names = {axis["label"]: axis["ticktext"] for axis in axes}
    assert names["optimizer"] == briefly(OPTIONS, 14)
    assert list(names)[2] == briefly([LONG_NAME, ""], 24)[0]


def test_an_outcome_is_told_by_its_shape_and_not_by_colour_alone(page: webdriver.Chrome) -> None:
    script = """
        const done = arguments[0];
        import(new URL("theme.js", document.querySelector("script[type=module]").src))
            .then((theme) => done(theme.OUTCOMES.map((one) => [one, theme.symbol(one)])))
            .catch((error) => done(String(error)));
    """
    shapes = dict(page.execute_async_script(script))
    # Those that have points with a value; others are drawn as crosses, or not at all.
    ended = {str(one): shapes[str(one)] for one in Outcome if one is not Outcome.REJECTED}
    assert len(set(ended.values())) == len(ended), ended


def test_a_sweep_without_data_is_on_no_data(page: webdriver.Chrome) -> None:
    assert text_of(page, "#about") == "random search for a low dev_loss."


def test_a_sweep_that_is_not_there_is_named(browser: webdriver.Chrome, address: str) -> None:
    browser.get(f"{address}/sweep/nope/")
    wait_for(browser, "#error", "there is no sweep nope here: `all sweeps` lists those that are")


def test_what_matters_is_drawn_as_the_report_measures_it(
    page: webdriver.Chrome, runs: Path
) -> None:
    found = measure(RunFolder.open(runs / "first"))
    assert isinstance(found, Importances)
    made = drawn(page, "#matters")
    shares = [one.share for one in reversed(found.found)]
    assert made["data"][0]["x"] == pytest.approx(shares)
    # Shuffled results of so few trials may give a share above 1, for which there is no place.
    lines = [one["x0"] for one in made["layout"]["shapes"]]
    assert lines == pytest.approx([one for one in [found.by_chance] if one < 1])
    assert found.sentence in text_of(page, "#matters-note")


def test_what_matters_comes_to_a_page_that_was_opened_before_there_were_results(
    browser: webdriver.Chrome, runs: Path, tmp_path: Path
) -> None:
    shutil.copytree(runs / "first", tmp_path / "first")
    ledger = tmp_path / "first" / "ledger.jsonl"
    whole = ledger.read_bytes()
    lines = whole.splitlines(keepends=True)
    first = next(at for at, line in enumerate(lines) if b'"outcome"' in line)
    ledger.write_bytes(b"".join(lines[: first + 1]))
    with served(tmp_path) as address:
        browser.get(f"{address}/{TOKEN}/sweep/first/")
        wait_for(browser, "#matters-note", "1 result is too few; importances need 10")
        ledger.write_bytes(whole)
        made = drawn(browser, "#matters")
    assert len(made["data"][0]["x"]) == 3


def test_escape_lets_go_of_every_choice(page: webdriver.Chrome) -> None:
    for row in (2, 1):
        page.find_element(By.CSS_SELECTOR, f"#trials tbody tr:nth-child({row})").click()
        wait_for(page, "#filters", "1 of 12 trials chosen")
        page.find_element(By.CSS_SELECTOR, "#outcomes .chip").click()
        wait_for(page, "#filters", "clear all")
        page.find_element(By.CSS_SELECTOR, "body").send_keys(Keys.ESCAPE)
        WebDriverWait(page, PATIENCE_S).until(lambda one: text_of(one, "#filters") == "")
        assert len(page.find_elements(By.CSS_SELECTOR, "#trials tbody tr")) == 12


def test_an_axis_over_many_powers_of_ten_is_marked_at_these_alone(page: webdriver.Chrome) -> None:
    script = """
        const done = arguments[0];
        const at = (name) => new URL(name, document.querySelector("script[type=module]").src);
        const parts = [import(at("figures.js")), import(at("store.js"))];
        Promise.all(parts).then(([figures, { Store }]) => {
          const store = new Store();
          store.sweep = { metric: "loss", mode: "min", wanted: 9, others: [], best: 0 };
          store.trials = Array.from({ length: 9 }, (_, trial) =>
            ({ trial, value: 10 ** (trial / 2), outcome: "completed", others: [], values: [] }));
          store.rank();
          const place = document.body.appendChild(document.createElement("div"));
          return figures.history(place, store, document.createElement("p")).then(() =>
            done([...place.querySelectorAll(".ytick text")].map((one) => one.textContent)));
        }).catch((error) => done(String(error)));
    """
    assert page.execute_async_script(script) == ["1", "10", "100", "1e+3", "1e+4"]


def test_the_parameter_that_matters_most_comes_first(page: webdriver.Chrome, runs: Path) -> None:
    drawn(page, "#matters")
    found = measure(RunFolder.open(runs / "first"))
    assert isinstance(found, Importances)
    cards = page.find_elements(By.CSS_SELECTOR, "#slices h3")
    cards.sort(key=lambda card: (card.location["y"], card.location["x"]))
    assert [one.text for one in cards] == [one.name for one in found.found]
    axes = [one["label"] for one in drawn(page, "#parallel")["data"][0]["dimensions"]]
    assert axes[0] == found.found[0].name.rpartition(".")[2]


def test_several_objectives_have_their_front_in_a_figure_and_the_table(
    page: webdriver.Chrome, runs: Path
) -> None:
    record = read_record(RunFolder.open(runs / "first"))
    on = front_trials(record)
    rings, trials = drawn(page, "#front [data-objective='0']")["data"]
    assert set(rings["customdata"]) == on
    assert len(trials["x"]) == 12
    assert 1 < len(on) < 12
    heads = [one.text for one in page.find_elements(By.CSS_SELECTOR, "#trials th button")]
    column = heads.index("front")
    lines = [
        [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
        for row in page.find_elements(By.CSS_SELECTOR, "#trials tbody tr")
    ]
    assert {int(line[0]) for line in lines if line[column] == "yes"} == on
    costs = {int(line[0]): float(line[heads.index("dev_cost")]) for line in lines}
    other = record.objective.others[0]
    wanted = {one.trial.index: one.value_of(other) for one in record.trials}
    assert costs == pytest.approx(wanted, rel=1e-4)


def test_sweeps_that_are_ticked_in_the_list_are_compared(
    browser: webdriver.Chrome, address: str, runs: Path
) -> None:
    browser.set_window_size(1400, 2000)
    browser.get(f"{address}/")
    wait_for(browser, "#sweeps", "second")
    for name in ("first", "second"):
        label = f"compare {name} with others"
        browser.find_element(By.CSS_SELECTOR, f"input[aria-label='{label}']").click()
    wait_for(browser, "#compare", "compare 2 sweeps")
    browser.find_element(By.ID, "compare").click()
    records = {one: read_record(RunFolder.open(runs / one)) for one in ("first", "second")}
    lines = drawn(browser, "#by-trials")["data"]
    assert {line["name"] for line in lines} == records.keys()
    for line in lines:
        record = records[line["name"]]
        assert record.best is not None
        assert line["y"][-1] == record.value(record.best)
        assert line["x"][-1] == 12
        assert line["y"] == sorted(line["y"], reverse=True)
    table = text_of(browser, "#sides")
    times = [divmod(math.floor(round(one.active_s, 1) + 0.5), 60) for one in records.values()]
    shown = [f"{minutes} min {s} s" if minutes else f"{s} s" for minutes, s in times]
    assert all(one in table for one in shown)
    changed = [
        [cell.text for cell in row.find_elements(By.CSS_SELECTOR, "th, td")]
        for row in browser.find_elements(By.CSS_SELECTOR, "#settings tr")
    ]
    assert ["seed", "0", "1"] in changed
    assert all(row[1] != row[2] for row in changed[1:])


def test_a_comparison_with_a_sweep_that_is_not_there_names_it(
    browser: webdriver.Chrome, address: str
) -> None:
    browser.get(f"{address}/compare/?sweep=first&sweep=nope")
    wait_for(browser, "#error", "there is no sweep nope here")
    wait_for(browser, "#sides", "first")

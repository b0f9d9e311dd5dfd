"""The figures of `watch`: long names, what matters, several objectives, several sweeps at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

import sweeps
from sweeps.report.style import briefly
from tests.browser.test_watch_page import PATIENCE_S, text_of, wait_for
from tests.sweeps.watch.test_server import TOKEN, served

pytestmark = pytest.mark.browser
LONG_NAME = "the_strength_of_the_augmentation_of_the_second_stage"
OPTIONS = ["adafactor-with-relative-steps", "sgd-with-nesterov-momentum", "adam-with-decoupling"]
LOOP = """
def train(trial, lr, optimizer, the_strength_of_the_augmentation_of_the_second_stage):
    def evaluate(rows):
        return {"loss": 1.0 - lr, "cost": lr * lr}

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


def test_a_sweep_without_data_is_on_no_data(page: webdriver.Chrome) -> None:
    assert text_of(page, "#about") == "random search for a low dev_loss."


def test_a_sweep_that_is_not_there_is_named(browser: webdriver.Chrome, address: str) -> None:
    browser.get(f"{address}/sweep/nope/")
    wait_for(browser, "#error", "there is no sweep nope here: `all sweeps` lists those that are")

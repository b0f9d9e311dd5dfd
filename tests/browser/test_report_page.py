"""Chromium opens the report of a real sweep, from a file and without a network."""

from __future__ import annotations

import json

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

import sweeps
from sweeps.findings.results import Results
from tests.sweeps.sweep_files import space, write_sweep

pytestmark = pytest.mark.browser
PATIENCE_S = 60
SGD_OR_ADAM = "{choice: [{kind: sgd, lr: {float: [0.001, 1.0], log: true}}, {kind: adam}]}"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("report")
    path = write_sweep(
        folder,
        search="{method: random, trials: 14}",
        stopping="{scheduler: asha, audit: 1}",
        final="{top_k: 2, seeds: 2}",
        space=space("{kind: mlp, hidden_units: {choice: [16, 4, 256]}}", SGD_OR_ADAM),
    )
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def opened(browser: webdriver.Chrome, results: Results, width: int) -> None:
    browser.get_log("browser")
    browser.get_log("performance")
    browser.set_window_size(width, 1000)
    browser.get((results.path / "report.html").as_uri())
    WebDriverWait(browser, PATIENCE_S).until(
        lambda page: (
            len(page.find_elements(By.CSS_SELECTOR, "[data-drawn]"))
            == len(page.find_elements(By.CSS_SELECTOR, "[data-figure]"))
            > 10
        )
    )


@pytest.mark.parametrize("width", [500, 1920])
def test_every_figure_is_drawn_without_an_error_or_a_request(
    browser: webdriver.Chrome, results: Results, width: int
) -> None:
    opened(browser, results, width)
    errors = [one for one in browser.get_log("browser") if one["level"] == "SEVERE"]
    assert errors == []
    messages = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
    asked = {
        message["params"]["request"]["url"].partition(":")[0]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    }
    assert asked <= {"file", "data", "blob"}
    empty = browser.execute_script(
        "return [...document.querySelectorAll('[data-figure]')].filter(place =>"
        " !place.querySelector('.trace, .points path, .bars path, .parcoords, .boxes path'))"
        ".map(place => place.getAttribute('aria-label'))"
    )
    assert empty == []
    sizes = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    wanted, there = browser.execute_script(sizes)
    assert wanted <= there


def test_the_texts_at_an_axis_of_a_choice_are_its_options(
    browser: webdriver.Chrome, results: Results
) -> None:
    opened(browser, results, 1200)
    place, *_ = [
        one
        for one in browser.find_elements(By.CSS_SELECTOR, "[data-figure]")
        if str(one.get_attribute("aria-label")).startswith("model.hidden_units.")
    ]
    marks = [one.text for one in place.find_elements(By.CSS_SELECTOR, ".xtick text")]
    assert marks == ["16", "4", "256"]


def test_every_figure_has_words_and_names_its_n(
    browser: webdriver.Chrome, results: Results
) -> None:
    opened(browser, results, 1200)
    for place in browser.find_elements(By.CSS_SELECTOR, "[data-figure]"):
        words = str(place.get_attribute("aria-label"))
        assert len(words) > 30
        assert any(mark in words for mark in ("n = ", "trials", "rows", "epochs")), words


def test_a_row_of_the_table_is_some_lines_high_whatever_its_texts_are(
    browser: webdriver.Chrome, results: Results
) -> None:
    opened(browser, results, 1200)
    heights = browser.execute_script(
        "return [...document.querySelectorAll('tbody tr')].map(row => row.offsetHeight)"
    )
    assert len(heights) == 14
    assert max(heights) < 200


def test_the_table_sorts_and_filters(browser: webdriver.Chrome, results: Results) -> None:
    opened(browser, results, 1920)

    def column(at: int) -> list[str]:
        rows = browser.find_elements(By.CSS_SELECTOR, "tbody tr")
        return [row.find_elements(By.TAG_NAME, "td")[at].text for row in rows]

    ranked = [str(trial.trial.index) for trial in results.record.ranked()]
    assert column(0) == ranked
    heads = browser.find_elements(By.CSS_SELECTOR, "thead button")
    browser.execute_script("arguments[0].click()", heads[0])
    assert column(0) == [str(at) for at in range(14)]
    browser.execute_script("arguments[0].click()", heads[0])
    assert column(0) == [str(at) for at in reversed(range(14))]
    field = browser.find_element(By.CSS_SELECTOR, "input[type=search]")
    field.send_keys("adam pruned")
    adam = [
        str(trial.trial.index)
        for trial in results.record.trials
        if trial.trial.configuration["optimizer"]["kind"] == "adam" and trial.outcome == "pruned"
    ]
    assert sorted(column(0)) == sorted(adam)
    assert adam

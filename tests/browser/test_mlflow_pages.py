"""Chromium opens the MLflow UI on a finished sweep and finds what a reviewer looks for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

import sweeps
from tests.mlflow_server import MlflowServer
from tests.sweeps.sweep_files import write_sweep

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
    ),
]
PATIENCE_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A server on the store of a finished sweep."""
    folder = tmp_path_factory.mktemp("browser")
    runs = folder / "runs"
    path = write_sweep(folder, search="{method: random, trials: 3}")
    uri = f"sqlite:///{runs / 'mlflow.db'}"
    sweeps.run(path, runs=runs, runner="local", tracking_uri=uri)
    server = MlflowServer(runs)
    server.start()
    yield server
    server.kill()


def text_of_page(browser: webdriver.Chrome, url: str, *wanted: str) -> str:
    """Return the visible text of a page once it has all that is wanted."""
    browser.get(url)
    return wait_for(browser, *wanted)


def nested_runs_are_shown(browser: webdriver.Chrome) -> bool:
    """Click the [+] beside the sweep's name until its trials are listed below it.

    The table is drawn again while it loads, so that a first click may be lost.
    """
    if "blobs-0000" in browser.find_element(By.TAG_NAME, "body").text:
        return True
    for button in browser.find_elements(By.CSS_SELECTOR, "[col-id*='Run Name'] button")[:1]:
        browser.execute_script("arguments[0].click()", button)
    return False


def wait_for(browser: webdriver.Chrome, *wanted: str) -> str:
    """Return the visible text once it has all that is wanted."""

    def has_all(driver: webdriver.Chrome) -> bool:
        text = driver.find_element(By.TAG_NAME, "body").text
        return all(word in text for word in wanted)

    try:
        WebDriverWait(browser, PATIENCE_S).until(has_all, f"the page does not show {wanted}")
    finally:
        keep = os.environ.get("SCREENSHOTS")
        if keep:
            Path(keep).mkdir(exist_ok=True)
            browser.save_screenshot(f"{keep}/{len(os.listdir(keep))}.png")
    return str(browser.find_element(By.TAG_NAME, "body").text)


def test_the_address_that_is_printed_lists_the_sweeps_as_model_training(
    server: MlflowServer, browser: webdriver.Chrome
) -> None:
    [address] = re.findall(r"http\S+/#/\S+", (server.runs / "server.log").read_text())
    text = text_of_page(browser, address, "blobs", "Model registry")
    assert "Prompts" not in text


def test_model_training_is_chosen_once_as_the_hint_says(
    server: MlflowServer, browser: webdriver.Chrome
) -> None:
    text_of_page(browser, f"{server.uri}/#/experiments/1", "Model training", "Overview")
    switch = browser.find_element(By.XPATH, "//*[text()='Model training']")
    browser.execute_script("arguments[0].click()", switch)
    wait_for(browser, "matching runs")
    text_of_page(browser, f"{server.uri}/#/experiments", "blobs", "Model registry")
    text_of_page(browser, f"{server.uri}/#/experiments/1", "matching runs")


def test_the_runs_page_nests_the_trials_below_the_sweep(
    server: MlflowServer, browser: webdriver.Chrome
) -> None:
    text = text_of_page(browser, f"{server.uri}/#/experiments/1/runs", "blobs", "matching runs")
    assert "blobs-0000" not in text
    WebDriverWait(browser, PATIENCE_S, poll_frequency=4).until(nested_runs_are_shown)
    text = wait_for(browser, "blobs-0000", "blobs-0002")
    assert "blobs-0001" in text


def test_a_trials_page_shows_its_parameters_and_best_metrics(
    server: MlflowServer, browser: webdriver.Chrome
) -> None:
    client = MlflowClient(tracking_uri=server.uri)
    [run] = client.search_runs(["1"], "tags.`sweeps.trial` = '1'")
    url = f"{server.uri}/#/experiments/1/runs/{run.info.run_id}"
    text = text_of_page(browser, url, "optimizer.lr", "best/dev_loss")
    assert run.data.params["optimizer.lr"][:6] in text
    assert "completed" in text


def test_a_trials_curves_are_drawn(server: MlflowServer, browser: webdriver.Chrome) -> None:
    client = MlflowClient(tracking_uri=server.uri)
    [run] = client.search_runs(["1"], "tags.`sweeps.trial` = '1'")
    url = f"{server.uri}/#/experiments/1/runs/{run.info.run_id}/model-metrics"
    text_of_page(browser, url, "dev\n(4)", "train\n(4)")
    drawn = ".js-plotly-plot .scatterlayer path.js-line, .js-plotly-plot .scatterlayer .points path"

    def has_lines(driver: webdriver.Chrome) -> bool:
        return len(driver.find_elements(By.CSS_SELECTOR, drawn)) >= 2

    WebDriverWait(browser, PATIENCE_S).until(has_lines, "no curve is drawn")

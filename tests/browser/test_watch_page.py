"""Chromium watches a real sweep while it runs, and when it is over."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

import sweeps
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep
from tests.sweeps.watch.test_server import TOKEN, served

pytestmark = pytest.mark.browser
PATIENCE_S = 120
TRIALS = 12
WAITS = """
        while not (HERE / "go").exists():
            time.sleep(0.05)
"""
OPTIMIZER = "{kind: adam, lr: {float: [1.0e-3, 1.0e-1], log: true}}"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Path]:
    """A sweep whose trials of one option wait for a file called `go`."""
    body = f"        if self.number == 1:{WAITS.replace(chr(10), chr(10) + '    ').rstrip()}"
    target = own_net(tmp_path, "watched_net", body)
    model = f"{{choice: [{custom_model(target)}, {custom_model(target, 1)}]}}"
    path = write_sweep(
        tmp_path, seed="1", name="watched", search=f"{{method: random, trials: {TRIALS}}}",
        space=space(model, OPTIMIZER, epochs=4),
    )  # fmt: skip
    command = [
        sys.executable,
        "-m",
        "sweeps",
        "run",
        str(path),
        "--local",
        "--no-mlflow",
        "--quiet",
    ]
    process = subprocess.Popen(command, cwd=tmp_path)
    yield tmp_path
    process.kill()
    process.wait()


def text_of(browser: webdriver.Chrome, place: str) -> str:
    """What stands there now; a page that draws itself anew meanwhile is looked at again."""
    for _ in range(10):
        with suppress(StaleElementReferenceException):
            return str(browser.find_element(By.CSS_SELECTOR, place).text)
    raise AssertionError(f"{place} is drawn anew all the time")


def wait_for(browser: webdriver.Chrome, place: str, wanted: str) -> None:
    WebDriverWait(browser, PATIENCE_S).until(
        lambda page: wanted in text_of(page, place), f"{place} does not show {wanted!r}"
    )


def rows(browser: webdriver.Chrome) -> int:
    return len(browser.find_elements(By.CSS_SELECTOR, "#trials tbody tr"))


def wait_for_rows(browser: webdriver.Chrome, count: int) -> None:
    WebDriverWait(browser, PATIENCE_S).until(lambda page: rows(page) == count)


def wait_for_figures(browser: webdriver.Chrome) -> None:
    """Wait until every figure that can be seen shows the data of now."""
    script = (
        "return [...document.querySelectorAll('.figure')].filter(place => place.offsetParent"
        " && place.getBoundingClientRect().top < innerHeight && !place.dataset.drawn).length"
    )
    WebDriverWait(browser, PATIENCE_S).until(lambda page: page.execute_script(script) == 0)


def test_a_sweep_is_followed_while_it_runs_and_chosen_from_when_it_is_over(
    browser: webdriver.Chrome, started: Path
) -> None:
    runs = started / "runs"
    WebDriverWait(browser, PATIENCE_S).until(lambda _: list(runs.glob("*/ledger.jsonl")))
    with served(runs) as address:
        browser.get_log("performance")
        browser.get(f"{address}/{TOKEN}/")
        wait_for(browser, "#sweeps", "watched")
        browser.find_element(By.CSS_SELECTOR, "#sweeps a").click()
        wait_for(browser, "#state", "running")
        wait_for(browser, "#outcomes", "1 running")
        assert f"of {TRIALS}" in text_of(browser, "#tiles")
        last = "#trials tbody tr:last-child"
        browser.find_element(By.CSS_SELECTOR, f"{last} .act").click()
        browser.switch_to.alert.accept()
        wait_for(browser, last, "stopping")
        browser.find_element(By.ID, "stop").click()
        browser.switch_to.alert.accept()
        [requests] = runs.glob("*/requests")
        log = requests.parent / "log.jsonl"
        WebDriverWait(browser, PATIENCE_S).until(lambda _: "by hand: `stop`" in log.read_text())
        (started / "go").touch()
        wait_for(browser, "#state", "interrupted")
        sweeps.resume(requests.parent, runner="local", tracking_uri="none")
        wait_for(browser, "#state", "ended")
        wait_for(browser, "#outcomes", f"{TRIALS - 1} completed")
        wait_for(browser, "#outcomes", "1 stopped by hand")
        wait_for_rows(browser, TRIALS)
        wait_for_figures(browser)
        browser.find_element(By.CSS_SELECTOR, "#trials tbody tr").click()
        wait_for(browser, "#filters", f"1 of {TRIALS} trials chosen")
        wait_for_rows(browser, 1)
        pale = (
            "return document.getElementById('history').data[1].marker.opacity"
            ".filter(one => one < 0.5).length"
        )
        WebDriverWait(browser, PATIENCE_S).until(
            lambda page: page.execute_script(pale) == TRIALS - 2
        )
        browser.find_element(By.CSS_SELECTOR, "#filters .chip").click()
        wait_for_rows(browser, TRIALS)
        asked = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
        hosts = {
            message["params"]["request"]["url"].split("/")[2]
            for message in asked
            if message["method"] == "Network.requestWillBeSent"
            and message["params"]["request"]["url"].startswith("http")
        }
        assert hosts == {address.removeprefix("http://")}
    severe = [one for one in browser.get_log("browser") if one["level"] == "SEVERE"]
    assert [one for one in severe if "ERR_CONNECTION_REFUSED" not in one["message"]] == []

"""A sweep is paused from its page, goes on from there, and is given more trials."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.browser.test_watch_page import wait_for
from tests.sweeps import drivers
from tests.sweeps.service import test_adding as adding
from tests.sweeps.service.test_pausing import TRIALS, waiting_sweep
from tests.sweeps.watch.test_server import TOKEN, served

pytestmark = pytest.mark.browser


@contextmanager
def seen_running(browser: webdriver.Chrome, path: Path) -> Iterator[drivers.Driver]:
    """Run a sweep and open its page, once it has reported."""
    runs = path.parent / "runs"
    with (
        drivers.driver("run", path, "--local", cwd=path.parent) as one,
        served(runs) as address,
    ):
        drivers.wait_for(lambda: drivers.events(runs / "blobs", "report"))
        browser.get(f"{address}/{TOKEN}/sweep/blobs/")
        wait_for(browser, "#state", "running")
        yield one


def test_the_page_pauses_a_sweep_and_has_it_go_on(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    path, run = waiting_sweep(tmp_path, "paused_by_page"), tmp_path / "runs" / "blobs"
    with seen_running(browser, path) as one:
        browser.find_element(By.ID, "pause").click()
        wait_for(browser, "#state", "paused")
        wait_for(browser, "#pause", "go on")
        wait_for(browser, "#about", "It waits: paused by hand")
        assert browser.find_element(By.ID, "stop").is_displayed()
        (tmp_path / "go").touch()
        browser.find_element(By.ID, "pause").click()
        wait_for(browser, "#state", "ended")
        wait_for(browser, "#outcomes", f"{TRIALS} completed")
        assert not browser.find_element(By.ID, "pause").is_displayed()
        assert one.wait()[0] == 0
    assert [one["reason"] for one in drivers.events(run, "end")] == ["paused", None]


def test_the_page_adds_trials_to_a_sweep_that_runs(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    path = adding.waiting_sweep(tmp_path, "added_by_page")
    with seen_running(browser, path) as one:
        more = browser.find_element(By.ID, "more")
        more.clear()
        more.send_keys("3")
        browser.find_element(By.CSS_SELECTOR, "#add button").click()
        wait_for(browser, "#about", "3 more trials to come after these")
        (tmp_path / "go").touch()
        wait_for(browser, "#state", "ended")
        wait_for(browser, "#outcomes", "5 completed")
        assert one.wait()[0] == 0
        browser.find_element(By.CSS_SELECTOR, "#add button").click()
        wait_for(browser, "#error", "extend")

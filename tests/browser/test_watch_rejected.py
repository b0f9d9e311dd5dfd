"""What was rejected stands on a sweep's page with its limit, those of one limit together."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium import webdriver

import sweeps
from tests.browser.test_watch_page import text_of, wait_for
from tests.sweeps.sweep_files import space, write_sweep
from tests.sweeps.watch.test_server import TOKEN, served

pytestmark = pytest.mark.browser


def test_the_page_lists_what_was_rejected_by_its_limit(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    path = write_sweep(tmp_path, space=space(epochs=1), require='["parameters <= 60"]')
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    table = results.trials()
    rejected = table[table["outcome"] == "rejected"]["trial"]
    with served(tmp_path / "runs") as address:
        browser.get(f"{address}/{TOKEN}/sweep/{results.path.name}/")
        wait_for(browser, "#failed", "`require` has parameters <= 60")
        assert 1 < len(rejected) <= 6
        assert text_of(browser, "#failed button") == "rejected: " + ", ".join(
            map(str, sorted(rejected))
        )


def test_failures_that_differ_in_their_numbers_alone_are_one_line(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    (tmp_path / "bad_loop.py").write_text(
        "def train(trial, lr):\n    raise ValueError(f'bad data at {lr}')\n    yield\n"
    )
    path = tmp_path / "bad.yaml"
    path.write_text(
        "name: bad\nseed: 1\nobjective: {metric: dev_loss}\nmetrics: {loss: {goal: min}}\n"
        "search: {method: random, trials: 3}\ntrial: {sanity_check: skip}\nspace:\n  training:\n"
        "    {kind: custom, target: 'bad_loop:train', epochs: 1, options: {lr: {float: [0, 1]}}}\n"
    )
    sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    with served(tmp_path / "runs") as address:
        browser.get(f"{address}/{TOKEN}/sweep/bad/")
        wait_for(browser, "#failed button", "failed: 0, 1, 2")
        browser.get(f"{address}/{TOKEN}/")
        wait_for(browser, "#sweeps", "no trial has a result")

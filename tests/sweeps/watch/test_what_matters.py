"""What matters is what the report says of the same trials, measured anew as a sweep grows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sweeps.analysis.importances import Importance, Importances, importances
from sweeps.record.run_folder import RunFolder
from sweeps.watch.what_matters import WhatMatters
from tests.sweeps.analysis.evidence_examples import evidence
from tests.sweeps.watch.test_feed import OLD
from tests.sweeps.watch.test_server import TOKEN, get, served

FOLDER = RunFolder.open(OLD / "finished")


class Counted:
    """Says how often it was measured."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, folder: RunFolder) -> str:
        self.times += 1
        return f"measured {self.times}"


@pytest.mark.parametrize(
    ("ended", "is_over", "times"),
    [(100, False, 1), (110, False, 1), (111, False, 2), (101, True, 2), (100, True, 1)],
)
def test_a_sweep_is_measured_anew_when_it_has_grown_by_a_tenth_or_is_over(
    ended: int, is_over: bool, times: int
) -> None:
    counted = Counted()
    found = WhatMatters(FOLDER, counted)
    found.told(100, is_over=False)
    assert found.told(ended, is_over)["sentence"] == f"No importances: measured {times}."


def test_a_sweep_that_was_put_back_to_fewer_trials_is_measured_anew() -> None:
    counted = Counted()
    found = WhatMatters(FOLDER, counted)
    found.told(100, is_over=False)
    found.told(7, is_over=False)
    assert counted.times == 2


def test_shares_come_with_their_trials_and_what_chance_gives() -> None:
    own = Importances((Importance("lr", 0.75, 40), Importance("l2", 0.25, 20)), 40, 10, np.inf)
    told = WhatMatters(FOLDER, lambda _: own).told(40, is_over=True)
    assert told == {
        "found": [
            {"name": "lr", "share": 0.75, "trials": 40}, {"name": "l2", "share": 0.25, "trials": 20}
        ],
        "by_chance": None,
        "sentence": own.sentence,
    }  # fmt: skip


def test_the_page_is_told_why_a_small_sweep_has_none() -> None:
    few = importances(evidence({"lr": {"float": [0, 1]}}, [{"lr": 0.5}] * 2, [1.0, 2.0]))
    assert isinstance(few, str)
    with served(OLD) as address:
        status, body, _ = get(address, f"/{TOKEN}/sweep/finished/what-matters.json")
    assert status == 200
    assert "results are too few" in few
    assert "results are too few; importances need 10" in json.loads(body)["sentence"]


def test_a_sweep_that_is_not_there_has_none(tmp_path: Path) -> None:
    with served(tmp_path) as address:
        assert get(address, f"/{TOKEN}/sweep/nope/what-matters.json")[0] == 404

"""Keeps `make bench` alive on tiny sizes; nothing here judges a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from sweeps.definition.key_homes import sections_of
from sweeps.search_methods.learning import LearningSearch
from sweeps.search_methods.search import Search
from tests.benchmarks.searches import (
    SearchSizes,
    measure_fronts,
    measure_proposals,
    measure_searches,
    volume,
)
from tests.benchmarks.summary import summarize

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([], 0.0),
        ([(0.1, 6.0)], 1.0 * 1.0),
        ([(0.1, 6.0), (0.1, 6.0), (0.6, 5.0), (0.7, 6.5)], 1.0 + 0.5),
        ([(2.0, 0.0), (0.0, 8.0)], 0.0),
    ],
)
def test_the_area_that_a_front_covers_is_that_of_its_steps(
    points: list[tuple[float, float]], area: float
) -> None:
    assert volume(points) == pytest.approx(area)


def test_the_quick_run_searches_by_every_method() -> None:
    found = dict(measure_searches(SearchSizes(2, 12, 1, 11, 12)))
    assert {name.partition(": ")[2] for name in found} == {"random", "sobol", "tpe", "cmaes", "gp"}
    covered = [one["covered"] for _, one in measure_fronts(SearchSizes(2, trials_of_fronts=12))]
    assert len(covered) == 3
    assert all(0 < one < 1 for one in covered)


def test_the_quick_run_times_a_proposal_of_every_method_that_learns() -> None:
    sizes = SearchSizes(told=(12, 70), told_of={"gp": 12})
    names = [name for name, _ in measure_proposals(sizes)]
    learning = [one for one in sections_of(Search) if issubclass(one, LearningSearch)]
    methods = {get_args(one.model_fields["method"].annotation)[0] for one in learning}
    assert {name.split()[1] for name in names} == methods
    assert sorted(name for name in names if "gp" in name) == ["proposal: gp after 12"]


def test_a_ratio_is_taken_within_its_round() -> None:
    rounds = {
        "floor": [{"steady_s": 1.0, "wall_s": 2.0}, {"steady_s": 10.0, "wall_s": 11.0}],
        "product": [{"steady_s": 2.0, "wall_s": 3.0}, {"steady_s": 20.0, "wall_s": 30.0}],
    }
    assert summarize(rounds)["product"]["steady_ratio"] == 2.0
    assert summarize(rounds)["product"]["wall_ratio"] == pytest.approx((3 / 2 + 30 / 11) / 2)


@pytest.mark.timeout(600)
def test_the_quick_run_measures_the_floor_and_the_product(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--only", "a,d,j"]
    done = subprocess.run([*command, "--out", str(out)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    medians = json.loads(out.read_text())["medians"]
    assert set(medians) == {"floor", "product", "own_loop", "bookkeeping", "own_code"}
    assert medians["bookkeeping"]["trials"] == 20
    assert medians["own_code"]["loop_ratio"] > 0
    assert medians["own_code"]["program_ratio"] > 0

"""`plan` promises the epochs that schedulers let run."""

from __future__ import annotations

import itertools
import statistics
import time
from pathlib import Path
from typing import Any

import pytest
from ray.tune.schedulers import AsyncHyperBandScheduler, HyperBandScheduler

import sweeps
from sweeps.definition.loading import check_sweep
from sweeps.rehearsal.expected_epochs import Epochs, expected_epochs
from sweeps.schedulers.asha import Asha
from sweeps.schedulers.hyperband import HyperBand
from sweeps.schedulers.median import MedianStopping
from sweeps.schedulers.none import NoScheduler
from sweeps.terminal.plan_report import plan_report
from tests.sweeps.schedulers.plays import OBJECTIVES, Play, Rays, steady_losses
from tests.sweeps.sweep_files import space, write_sweep


def asha(grace: int, factor: float = 3.0) -> Asha:
    return Asha(scheduler="asha", grace_epochs=grace, reduction_factor=factor)


def rays_epochs(stopping: Asha, trials: int, end: int, seed: int) -> int:
    """Return the epochs that Ray's own ASHA lets run of trials whose ranking is random."""
    rays = AsyncHyperBandScheduler(
        "epoch", "loss", "min", end, stopping.grace_epochs, stopping.reduction_factor
    )
    every = stopping.build(OBJECTIVES["min"], end).milestones or ()
    losses = steady_losses([end] * trials, seed)
    play = Play(Rays(rays, trials), [end] * trials, list(every), seed, losses)
    play.run(at_once=4)
    return play.epochs


@pytest.mark.parametrize(
    ("trials", "end", "grace"), [(10, 30, 3), (40, 30, 3), (40, 81, 1), (100, 81, 1), (400, 27, 1)]
)
def test_asha_is_expected_to_run_what_rays_own_lets_run(trials: int, end: int, grace: int) -> None:
    stopping = asha(grace)
    actual = [rays_epochs(stopping, trials, end, seed) for seed in range(60)]
    found = expected_epochs(stopping, [end] * trials, at_once=4).mean
    assert found == pytest.approx(statistics.fmean(actual), rel=0.25)


@pytest.mark.parametrize(("grace", "one", "other"), [(3, 336, 429), (1, 244, 263)])
def test_digits_are_expected_to_run_what_they_ran(grace: int, one: int, other: int) -> None:
    """40 trials of up to 30 epochs, counted in two sweeps without early stopping on two cores."""
    found = expected_epochs(asha(grace), [30] * 40, at_once=2)
    assert found.low <= one < found.mean * 1.1
    assert found.mean * 0.9 < other <= found.high


@pytest.mark.parametrize(
    "stopping",
    [
        "{scheduler: none}",
        "{scheduler: asha, grace_epochs: 1}",
        "{scheduler: median, grace_epochs: 2}",
        "{scheduler: hyperband, reduction_factor: 3}",
        "{scheduler: bandit, slack: 0.5}",
    ],
)
def test_a_plan_promises_the_epochs_that_the_sweep_then_trains(
    tmp_path: Path, stopping: str
) -> None:
    search = "{method: random, trials: 60}"
    path = write_sweep(tmp_path, stopping=stopping, search=search, space=space(epochs=9))
    promised = plan_report(*check_sweep(path), probe=False).expected_epochs
    results = sweeps.run(path, runs=tmp_path, runner="local", tracking_uri="none")
    trained = sum(trial.epochs for trial in results.record.trials)
    assert promised == pytest.approx(trained, rel=0.25)


@pytest.mark.parametrize(
    ("factor", "end", "trials"),
    list(itertools.product((2.0, 3.0, 4.0), (9, 27, 81, 100), (1, 7, 40, 200))),
)
def test_hyperband_is_expected_to_run_what_rays_brackets_let_run(
    factor: float, end: int, trials: int
) -> None:
    ray = HyperBandScheduler(max_t=end, reduction_factor=factor)
    ray.set_search_properties("loss", "min")
    add_trials(ray, trials)
    brackets = [bracket for band in ray._hyperbands for bracket in band if bracket is not None]
    stopping = HyperBand(scheduler="hyperband", reduction_factor=factor)
    total = sum(map(epochs_of, brackets))
    assert expected_epochs(stopping, [end] * trials, 3) == Epochs(total, total, total)


def add_trials(ray: HyperBandScheduler, trials: int) -> None:
    for _ in range(trials):
        ray.on_trial_add(None, object())


def epochs_of(bracket: Any) -> int:
    """Run one of Ray's brackets to its end with made-up losses; returns the epochs of all."""
    total, before = 0, 0
    while True:
        total += len(bracket._live_trials) * (bracket._cumul_r - before)
        before = bracket._cumul_r
        if bracket._halves == 0:
            return total
        for loss, trial in enumerate(bracket._live_trials):
            bracket._live_trials[trial] = {"training_iteration": before, "loss": loss}
        for trial in bracket.successive_halving("loss", -1.0)[1]:
            bracket.cleanup_trial(trial)


def test_no_trial_is_expected_to_run_longer_than_its_own_epochs() -> None:
    stopping = HyperBand(scheduler="hyperband", reduction_factor=3)
    assert expected_epochs(stopping, [1, 2, 9], 1).high == 12
    assert expected_epochs(stopping, [1], 1) == Epochs(1, 1, 1)


def test_without_a_scheduler_all_epochs_are_expected() -> None:
    assert expected_epochs(NoScheduler(scheduler="none"), [3, 4], 1) == Epochs(7, 7, 7)


def test_a_plan_is_the_same_each_time() -> None:
    stopping = MedianStopping(scheduler="median")
    assert expected_epochs(stopping, [9] * 30, 4) == expected_epochs(stopping, [9] * 30, 4)


def test_large_plans_are_played_in_a_moment() -> None:
    start = time.process_time()
    expected_epochs(asha(1), [30] * 10_000, at_once=8)
    assert time.process_time() - start < 2

"""Reports are sent where Ray's own schedulers decide."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ray.tune.schedulers import AsyncHyperBandScheduler, HyperBandScheduler

from sweeps.definition.sweep_file import Asha, HyperBand, MedianStopping, NoScheduler
from sweeps.execution.schedulers.rungs import expected_epochs, milestones, rungs

GRACES, FACTORS, ENDS = (1, 3, 5), (2.0, 3.0, 4.0, 2.5), (9, 30, 81, 100)


@pytest.mark.parametrize(("grace", "factor", "end"), list(itertools.product(GRACES, FACTORS, ENDS)))
def test_asha_rungs_are_rays(grace: int, factor: float, end: int) -> None:
    stopping = Asha(scheduler="asha", grace_epochs=grace, reduction_factor=factor)
    ray = AsyncHyperBandScheduler(max_t=end, grace_period=grace, reduction_factor=factor)
    rays = [milestone for milestone, _ in ray._brackets[0]._rungs if milestone < end]
    found = [epoch for epoch, _ in rungs(stopping, end)]
    assert all(0 <= epoch - real < 1 for epoch, real in zip(found, sorted(rays), strict=True))


@pytest.mark.parametrize(("factor", "end"), list(itertools.product((2.0, 3.0, 4.0), ENDS)))
def test_hyperband_milestones_are_those_of_rays_brackets(factor: float, end: int) -> None:
    ray = HyperBandScheduler(max_t=end, reduction_factor=factor)
    starts = {ray._get_r0(bracket) for bracket in range(ray._s_max_1)}
    found = milestones(HyperBand(scheduler="hyperband", reduction_factor=factor), end)
    assert found is not None
    assert {epoch for epoch in starts if 0 < epoch < end} <= found


@pytest.mark.parametrize(
    ("factor", "end", "trials"),
    list(itertools.product((2.0, 3.0, 4.0), (9, 27, 81, 100), (1, 7, 40, 200))),
)
def test_hyperband_expects_the_epochs_that_rays_brackets_let_run(
    factor: float, end: int, trials: int
) -> None:
    ray = HyperBandScheduler(max_t=end, reduction_factor=factor)
    ray.set_search_properties("loss", "min")
    add_trials(ray, trials)
    brackets = [bracket for band in ray._hyperbands for bracket in band if bracket is not None]
    stopping = HyperBand(scheduler="hyperband", reduction_factor=factor)
    assert expected_epochs(stopping, [end] * trials) == sum(map(epochs_of, brackets))


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


def test_hyperband_lets_no_trial_run_longer_than_its_own_epochs() -> None:
    stopping = HyperBand(scheduler="hyperband", reduction_factor=3)
    assert expected_epochs(stopping, [1, 2, 9]) == 12
    assert expected_epochs(stopping, [1]) == 1


def test_median_stopping_needs_every_epoch_and_no_scheduler_none() -> None:
    assert milestones(MedianStopping(scheduler="median"), 30) is None
    assert milestones(NoScheduler(scheduler="none"), 30) == frozenset()


def test_asha_expects_the_epochs_of_its_paper() -> None:
    """Li et al., MLSys 2020: with eta 3, 243 trials run 1 epoch, 81 run 3, 27 run 9, 9 run 27."""
    stopping = Asha(scheduler="asha", grace_epochs=1, reduction_factor=3)
    published = 243 * 1 + 81 * (3 - 1) + 27 * (9 - 3) + 9 * (27 - 9) + 3 * (81 - 27)
    assert expected_epochs(stopping, [81] * 243) == pytest.approx(published)


def test_without_a_scheduler_all_epochs_are_expected() -> None:
    assert expected_epochs(NoScheduler(scheduler="none"), [3, 4]) == 7

"""Reports are sent where Ray's own schedulers decide."""

from __future__ import annotations

import itertools

import pytest
from ray.tune.schedulers import AsyncHyperBandScheduler, HyperBandScheduler

from sweeps.rungs import expected_epochs, milestones, rungs
from sweeps.sweep_file import Asha, HyperBand, MedianStopping, NoScheduler

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

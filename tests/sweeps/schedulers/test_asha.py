"""ASHA decides as Ray Tune's own class does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ray.tune.schedulers import AsyncHyperBandScheduler

from sweeps.schedulers.asha import Asha, AshaScheduler
from tests.sweeps.schedulers.plays import OBJECTIVES, Ours, Play, Rays

GRACES, FACTORS, ENDS = (1, 3, 5), (2.0, 3.0, 4.0, 2.5), (9, 30, 81, 100)


def asha(grace: int, factor: float, end: int, mode: str = "min") -> AshaScheduler:
    section = Asha(scheduler="asha", grace_epochs=grace, reduction_factor=factor)
    return AshaScheduler(section, OBJECTIVES[mode], end)


def rays_asha(grace: int, factor: float, end: int, mode: str) -> AsyncHyperBandScheduler:
    return AsyncHyperBandScheduler(
        "epoch", "loss", mode, max_t=end, grace_period=grace, reduction_factor=factor
    )


@pytest.mark.parametrize(("grace", "factor", "end"), list(itertools.product(GRACES, FACTORS, ENDS)))
def test_a_report_is_asked_for_where_rays_rungs_lie(grace: int, factor: float, end: int) -> None:
    ray = AsyncHyperBandScheduler(max_t=end, grace_period=grace, reduction_factor=factor)
    rays = sorted(epoch for epoch, _ in ray._brackets[0]._rungs if epoch < end)
    found = sorted(asha(grace, factor, end).milestones)
    assert all(0 <= epoch - real < 1 for epoch, real in zip(found, rays, strict=True))


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(("grace", "factor"), [(1, 3.0), (3, 2.0), (2, 1.5), (1, 4.0), (4, 1.1)])
@pytest.mark.parametrize("seed", range(4))
def test_decisions_are_rays(seed: int, grace: int, factor: float, mode: str) -> None:
    lengths = np.random.default_rng(seed).integers(3, 28, 60).tolist()
    every = np.random.default_rng(seed + 1).choice(range(1, 28), 9, replace=False).tolist()
    ours = asha(grace, factor, max(lengths), mode)
    rays = Rays(rays_asha(grace, factor, max(lengths), mode), 60)
    met = [*every, *ours.milestones]
    steps = Play(Ours(ours, 60), lengths, met, seed).run(at_once=4)
    assert steps == Play(rays, lengths, met, seed).run(at_once=4)
    assert {action for _, _, action, _ in steps} == {"CONTINUE", "STOP", "end"}


@pytest.mark.parametrize("factor", [2.0, 3.0, 2.5, 1.7])
def test_cutoffs_are_numpys_percentiles_to_the_last_bit(factor: float) -> None:
    values = np.random.default_rng(0).normal(size=300).tolist()
    scheduler = asha(1, factor, 9)
    decisions = [scheduler.decide(trial, 1, value) for trial, value in enumerate(values)]
    found = [decision.seen["cutoff"] for decision in decisions[1:] if decision.seen]
    share = (1 - 1 / factor) * 100
    losses = -np.array(values)
    assert found == [-np.percentile(losses[:trial], share) for trial in range(1, 300)]


def test_a_trial_is_stopped_with_the_cutoff_in_its_reason() -> None:
    scheduler = asha(1, 2.0, 9)
    scheduler.decide(0, 1, 0.5)
    decision = scheduler.decide(1, 1, 0.75)
    assert decision.action == "STOP"
    assert decision.seen == {"rung": 1, "trials": 1, "cutoff": 0.5}
    assert decision.reason == "0.75 is worse than the cutoff 0.5 of 1"

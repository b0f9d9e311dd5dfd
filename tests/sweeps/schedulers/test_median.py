"""Median stopping decides as Ray Tune's own class does."""

from __future__ import annotations

import numpy as np
import pytest
from ray.tune.schedulers import MedianStoppingRule

from sweeps.schedulers.median import MedianScheduler, MedianStopping
from tests.sweeps.schedulers.plays import OBJECTIVES, Ours, Play, Rays


def median(grace: int, samples: int, mode: str = "min") -> MedianScheduler:
    section = MedianStopping(scheduler="median", grace_epochs=grace, min_samples=samples)
    return MedianScheduler(section, OBJECTIVES[mode], 30)


def rays_median(grace: int, samples: int, mode: str) -> MedianStoppingRule:
    return MedianStoppingRule(
        "epoch",
        "loss",
        mode,
        grace_period=grace,
        min_samples_required=samples,
        min_time_slice=10**9,  # else it would pause trials while there are too few to compare
    )


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(("grace", "samples"), [(1, 3), (4, 1), (2, 8)])
@pytest.mark.parametrize("every", [range(1, 30), (2, 3, 7, 11, 12, 20)], ids=["all", "some"])
def test_decisions_are_rays(every: range, grace: int, samples: int, mode: str) -> None:
    lengths = np.random.default_rng(3).integers(3, 28, 40).tolist()
    rays = Rays(rays_median(grace, samples, mode), 40)
    steps = Play(Ours(median(grace, samples, mode), 40), lengths, every, 1).run(at_once=4)
    assert steps == Play(rays, lengths, every, 1).run(at_once=4)
    assert {action for _, _, action, _ in steps} == {"CONTINUE", "STOP", "end"}


def test_the_means_are_numpys_to_the_last_bit() -> None:
    """Ten times 0.1 is not 1 in floating point: who ends up equal is for numpy's sum to say."""
    values = np.random.default_rng(0).normal(size=(300, 2)).cumsum(axis=0)
    scheduler = median(1, 1)
    for epoch, value in enumerate(values[:, 0].tolist(), start=1):
        scheduler.decide(0, epoch, value)
    told = enumerate(values[:, 1].tolist(), start=1)
    seen = [scheduler.decide(1, epoch, value).seen for epoch, value in told]
    means = [float(np.mean(values[:epoch, 0])) for epoch in range(1, 301)]
    assert seen == [{"trials": 1, "median": mean} for mean in means]


def test_a_trial_is_stopped_with_the_median_in_its_reason() -> None:
    scheduler = median(1, 2)
    scheduler.decide(0, 1, 0.2)
    scheduler.decide(1, 1, 0.4)
    decision = scheduler.decide(2, 1, 0.5)
    assert decision.action == "STOP"
    assert decision.seen == {"trials": 2, "median": pytest.approx(0.3)}
    assert decision.reason == "its best is worse than the median 0.3 of 2"

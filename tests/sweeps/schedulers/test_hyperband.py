"""HyperBand decides as Ray Tune's own class does, and waits for nobody who is gone."""

from __future__ import annotations

import itertools

import pytest
from ray.tune.schedulers import HyperBandScheduler as RaysHyperBand

from sweeps.schedulers.hyperband import HyperBand, HyperBandScheduler
from tests.sweeps.schedulers.plays import OBJECTIVES, Ours, Play, Rays, Step

ENDS = (9, 30, 81, 100)


def hyperband(factor: float, end: int, mode: str = "min") -> HyperBandScheduler:
    section = HyperBand(scheduler="hyperband", reduction_factor=factor)
    return HyperBandScheduler(section, OBJECTIVES[mode], end)


@pytest.mark.parametrize(("factor", "end"), list(itertools.product((2.0, 3.0, 4.0), ENDS)))
def test_a_report_is_asked_for_where_rays_brackets_start(factor: float, end: int) -> None:
    ray = RaysHyperBand(max_t=end, reduction_factor=factor)
    starts = {ray._get_r0(bracket) for bracket in range(ray._s_max_1)}
    assert {epoch for epoch in starts if 0 < epoch < end} <= hyperband(factor, end).milestones


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(
    ("factor", "end", "trials"),
    [(3.0, 9, 25), (3.0, 27, 120), (2.0, 16, 50), (4.0, 16, 40), (3.0, 30, 60), (2.0, 100, 60)],
)
@pytest.mark.parametrize("at_once", [1, 3, 200])
def test_order_decisions_and_losers_are_rays(
    at_once: int, factor: float, end: int, trials: int, mode: str
) -> None:
    ours = hyperband(factor, end, mode)
    rays = RaysHyperBand("epoch", "loss", mode, max_t=end, reduction_factor=factor)
    every, lengths = [*ours.milestones, 2], [end] * trials
    steps = Play(Ours(ours, trials), lengths, every, 7).run(at_once)
    assert steps == Play(Rays(rays, trials), lengths, every, 7).run(at_once)
    assert any(losers for *_, losers in steps)


def test_brackets_are_filled_in_plan_order_whatever_comes_first() -> None:
    scheduler = hyperband(3.0, 9)
    for trial in range(8):
        scheduler.add(trial)
    sizes = {trial: scheduler.decide(trial, 9, 0.5).seen for trial in (7, 2, 5, 0)}
    assert [seen and seen["bracket_size"] for seen in sizes.values()] == [5, 3, 5, 3]


def ends_of(steps: list[Step]) -> list[int]:
    """Return which trials ended: on their own, stopped, or as losers."""
    ended = [trial for trial, _, action, _ in steps if action in ("STOP", "end")]
    return sorted([*ended, *(loser for *_, losers in steps for loser in losers)])


@pytest.mark.parametrize(
    ("factor", "end", "lengths"),
    [
        pytest.param(3.0, 27, [27, 5, 27, 11] * 20, id="trials that end after a halving"),
        pytest.param(1.5, 4, [4] * 30, id="two rungs at one epoch"),
        # The last rung of 100 epochs by thirds is 81, and Ray's never leaves it if one ends before.
        pytest.param(3.0, 100, [60] * 180 + [100] * 20, id="trials that end before the last rung"),
        pytest.param(3.0, 100, [100, 60] * 100, id="half of them end before the last rung"),
    ],
)
@pytest.mark.parametrize("at_once", [1, 5])
def test_every_trial_ends(factor: float, end: int, lengths: list[int], at_once: int) -> None:
    scheduler = hyperband(factor, end)
    told = Ours(scheduler, len(lengths))
    steps = Play(told, lengths, list(scheduler.milestones), 3).run(at_once)
    assert ends_of(steps) == list(range(len(lengths)))
    assert not told.waiting


def test_a_trial_that_failed_and_is_tried_again_gets_a_place_in_the_last_bracket() -> None:
    scheduler = hyperband(3.0, 9)
    for trial in range(5):
        scheduler.add(trial)
    scheduler.leave(0, None)
    scheduler.add(0)
    decision = scheduler.decide(0, 3, 0.5)
    assert decision.seen == {"rung": 3, "band": 0, "bracket_size": 5}

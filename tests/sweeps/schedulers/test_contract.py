"""What every scheduler keeps, whatever it decides: a new one needs a row in `SECTIONS`."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from sweeps.schedulers.asha import Asha
from sweeps.schedulers.bandit import Bandit
from sweeps.schedulers.hyperband import HyperBand
from sweeps.schedulers.median import MedianStopping
from sweeps.schedulers.none import NoScheduler
from sweeps.schedulers.population import PopulationBased
from sweeps.schedulers.scheduler import Scheduler
from sweeps.schedulers.stopping import Stopping
from tests.sweeps.schedulers.plays import OBJECTIVES, Ours, Play, Step, changing_losses

SECTIONS: dict[str, list[Any]] = {
    "none": [NoScheduler(scheduler="none")],
    "asha": [
        Asha(scheduler="asha", grace_epochs=1, reduction_factor=2),
        Asha(scheduler="asha", grace_epochs=4, reduction_factor=1.3),
        Asha(scheduler="asha", grace_epochs=50, reduction_factor=3),
    ],
    "median": [
        MedianStopping(scheduler="median", grace_epochs=1, min_samples=1),
        MedianStopping(scheduler="median", grace_epochs=5),
    ],
    "bandit": [
        Bandit(scheduler="bandit", slack=0.5),
        Bandit(scheduler="bandit", grace_epochs=4, every=3, slack=0.1),
    ],
    "hyperband": [
        HyperBand(scheduler="hyperband", reduction_factor=3),
        HyperBand(scheduler="hyperband", reduction_factor=1.5),
    ],
    "pbt": [
        PopulationBased(scheduler="pbt", interval_epochs=3),
        PopulationBased(scheduler="pbt", interval_epochs=10, quantile_fraction=0.5),
    ],
}
EACH = pytest.mark.parametrize(
    "section", [one for rows in SECTIONS.values() for one in rows], ids=lambda one: str(one)
)
TRIALS, END = 50, 27
LENGTHS = [END, 13, END, 20, 1] * (TRIALS // 5)


def build(section: Any, mode: str = "min", end: int = END) -> Scheduler:
    return section.build(OBJECTIVES[mode], end)


def play(scheduler: Scheduler, at_once: int = 4, seed: int = 0) -> tuple[list[Step], Ours]:
    every = range(1, END) if scheduler.milestones is None else scheduler.milestones
    told = Ours(scheduler, TRIALS)
    return Play(told, LENGTHS, list(every), seed).run(at_once), told


def test_every_section_of_a_sweep_file_has_a_row_here() -> None:
    rows = [one for rows in SECTIONS.values() for one in rows]
    assert {type(one) for one in rows} == set(get_args(get_args(Stopping)[0]))


@EACH
def test_a_section_builds_a_scheduler_of_its_own_file(section: Any) -> None:
    assert type(build(section)).__module__ == type(section).__module__


@EACH
@pytest.mark.parametrize("at_once", [1, 4, TRIALS])
def test_every_trial_ends_once_and_none_is_left_waiting(section: Any, at_once: int) -> None:
    steps, told = play(build(section), at_once)
    ended = [trial for trial, _, action, _ in steps if action in ("STOP", "end")]
    ended += [loser for *_, losers in steps for loser in losers]
    assert sorted(ended) == list(range(TRIALS))
    assert not told.waiting


@EACH
def test_told_the_same_it_decides_the_same(section: Any) -> None:
    assert play(build(section))[0] == play(build(section))[0]


@EACH
@pytest.mark.parametrize("seed", range(3))
def test_one_that_is_told_half_again_goes_on_as_the_first(section: Any, seed: int) -> None:
    steps, _ = play(build(section), seed=seed)
    half = len(steps) // 2
    again = Ours(build(section), TRIALS)
    values = changing_losses(LENGTHS, seed)
    assert [tell(again, step, values) for step in steps[:half]] == steps[:half]
    assert [tell(again, step, values) for step in steps[half:]] == steps[half:]


def tell(told: Ours, step: Step, values: Any) -> Step:
    """Tell a scheduler what another was told in a step."""
    trial, epoch, action, _ = step
    told.waiting.pop(trial, None)
    one = told.complete if action == "end" else told.report
    return one(trial, epoch, float(values[trial, epoch]))


@EACH
def test_the_opposite_objective_decides_alike_on_opposite_values(section: Any) -> None:
    low, high = build(section, "min"), build(section, "max")
    values = np.random.default_rng(5).integers(0, 40, TRIALS) / 7
    for trial in range(TRIALS):
        low.add(trial)
        high.add(trial)
    found = [low.decide(trial, 3, value).action for trial, value in enumerate(values.tolist())]
    opposite = [high.decide(trial, 3, -value).action for trial, value in enumerate(values.tolist())]
    assert found == opposite


@EACH
def test_milestones_are_whole_epochs_before_the_end(section: Any) -> None:
    milestones = build(section).milestones
    epochs = range(1, END) if milestones is None else milestones
    assert all(isinstance(epoch, int) and 0 < epoch < END for epoch in epochs)


@EACH
def test_a_trial_alone_trains_to_its_end(section: Any) -> None:
    scheduler = build(section)
    every = range(1, END) if scheduler.milestones is None else scheduler.milestones
    steps = Play(Ours(scheduler, 1), [END], list(every), 0).run(1)
    assert steps[-1][1:3] == (END, "end")


@EACH
def test_plans_of_one_epoch_need_no_decision(section: Any) -> None:
    scheduler = build(section, end=1)
    told = Ours(scheduler, 5)
    assert {step[2] for step in Play(told, [1] * 5, [], 0).run(2)} == {"end"}


@EACH
def test_a_trial_that_failed_is_taken_out_and_can_come_again(section: Any) -> None:
    scheduler = build(section)
    told = Ours(scheduler, 5)
    scheduler.decide(0, 1, 0.5)
    scheduler.leave(0, None)
    scheduler.add(0)
    steps = Play(told, [END] * 5, [3, 9], 1).run(2)
    ended = {trial for trial, _, action, _ in steps if action in ("STOP", "end")}
    assert ended | {loser for *_, losers in steps for loser in losers} == set(range(5))


@EACH
def test_what_it_saw_and_why_it_stops_are_said_of_every_stop(section: Any) -> None:
    scheduler = build(section)
    for trial in range(TRIALS):
        scheduler.add(trial)
    stops = []
    for trial in range(TRIALS):
        decision = scheduler.decide(trial, 3, 1.0 + trial)
        stops += [decision] if decision.action == "STOP" else []
    assert all(decision.seen and decision.reason for decision in stops)
    assert scheduler.name

"""Rounds of population based training: who waits, who copies whom."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.schedulers import PopulationBasedTraining

from sweeps.models.scoring.objective import Objective
from sweeps.schedulers.population import PopulationBased, PopulationScheduler
from sweeps.schedulers.scheduler import Action, Copying


def population(trials: int, mode: Any = "min", share: float = 0.25) -> PopulationScheduler:
    section = PopulationBased(scheduler="pbt", interval_epochs=3, quantile_fraction=share)
    made = PopulationScheduler(section, Objective("dev_loss", mode), 9)
    for trial in range(trials):
        made.add(trial)
    return made


def actions(scheduler: PopulationScheduler, values: dict[int, float], epoch: int = 3) -> list[Any]:
    return [scheduler.decide(trial, epoch, value).action for trial, value in values.items()]


def test_all_wait_until_the_last_has_come_and_then_the_worst_copies_the_best() -> None:
    scheduler = population(4)
    found = actions(scheduler, {2: 0.9, 0: 0.1, 3: 0.5})
    assert found == [Action.PAUSE] * 3
    assert scheduler.next_trial([0, 2, 3]) is None
    assert actions(scheduler, {1: 0.4}) == [Action.CONTINUE]
    assert scheduler.take_copyings() == (Copying(2, 3, (0,)),)
    assert scheduler.take_copyings() == ()
    assert scheduler.next_trial([0, 2, 3]) == 0


def test_the_last_to_come_is_taken_up_anew_where_it_is_the_copy() -> None:
    scheduler = population(2)
    assert actions(scheduler, {0: 0.1, 1: 0.4}) == [Action.PAUSE, Action.PAUSE]
    assert scheduler.next_trial([1]) == 1


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 2, 0, 1, 3]])
def test_copies_do_not_hang_on_who_comes_first(order: list[int]) -> None:
    scheduler = population(5, share=0.4)
    values = [0.5, 0.2, 0.9, 0.2, 0.7]
    actions(scheduler, {trial: values[trial] for trial in order})
    assert scheduler.take_copyings() == (Copying(2, 3, (1, 3)), Copying(4, 3, (1, 3)))


def test_one_that_diverges_is_waited_for_no_more() -> None:
    scheduler = population(3)
    actions(scheduler, {0: 0.1, 1: 0.4})
    scheduler.leave(2, None)
    assert scheduler.take_copyings() == (Copying(1, 3, (0,)),)


class Member:
    """What Ray's population asks a trial."""

    def __init__(self, index: int) -> None:
        self.index = index

    def is_finished(self) -> bool:
        return False


@pytest.mark.parametrize("trials", range(1, 12))
@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_the_quantiles_are_ray_tunes(trials: int, share: float) -> None:
    scheduler = population(trials, "max", share)
    actions(scheduler, {trial: float(trial) for trial in range(trials)})
    rays = PopulationBasedTraining(
        metric="m", mode="max", quantile_fraction=share, hyperparam_mutations={"lr": [1, 2]}
    )
    rays._trial_state = {
        Member(trial): SimpleNamespace(last_score=float(trial)) for trial in range(trials)
    }
    low, high = rays._quantiles()
    found = scheduler.take_copyings()
    assert [one.trial for one in found] == sorted(one.index for one in low)
    assert all(sorted(one.best) == sorted(two.index for two in high) for one in found)

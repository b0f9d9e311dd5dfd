"""The fold of the ledger: what is known of each trial follows from its events alone."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sweeps.definition.planning import PlannedTrial
from sweeps.findings.choosing import Choosing
from sweeps.findings.final_ranking import rank_candidates
from sweeps.findings.pareto import front_trials
from sweeps.models.scoring.objective import Objective
from sweeps.record.sweep_record import Outcome, SweepRecord

LOSS = Objective("dev_loss", "min")
PLAN = [PlannedTrial(index, f"{index:012x}", index, {"index": index}) for index in range(3)]


def row(epoch: int, loss: float) -> dict[str, float]:
    return {"epoch": epoch, "dev_loss": loss, "epoch_s": 1.0}


def report(trial: int, *losses: float, first: int = 1, **more: Any) -> dict[str, Any]:
    rows = [row(first + number, loss) for number, loss in enumerate(losses)]
    return {"event": "report", "t": 1.0, "trial": trial, "epochs": rows, **more}


def outcome(trial: int, name: str) -> dict[str, Any]:
    return {"event": "outcome", "t": 2.0, "trial": trial, "outcome": name, "reason": "so"}


def record(*events: dict[str, Any], objective: Objective = LOSS) -> SweepRecord:
    return SweepRecord.of(PLAN, objective, events)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_value_that_is_not_finite_is_never_better(bad: float, mode: Any) -> None:
    objective = Objective("dev_loss", mode)
    assert not objective.better(bad, None)
    assert not objective.better(bad, 0.5)


def test_the_earliest_of_equal_epochs_is_the_best() -> None:
    found = record(report(0, 0.5, 0.3, 0.3))
    assert found.trials[0].best_epoch == 2
    assert found.trials[0].epochs == 3


def test_a_failed_trial_ranks_last_whatever_it_had_reached() -> None:
    better = [report(0, 0.1), report(1, 0.5), report(2, 0.9)]
    found = record(*better, outcome(1, "completed"), outcome(0, "failed"), outcome(2, "pruned"))
    assert [trial.trial.index for trial in found.ranked()] == [1, 2, 0]
    assert found.best is found.trials[1]
    assert [one.row["dev_loss"] for one in found.bests if one.row] == [0.1, 0.5, 0.5]


def test_a_failed_trial_that_is_tried_again_counts_by_what_it_has_reached() -> None:
    again = {"event": "reopened", "t": 3.0, "trial": 0}
    found = record(report(0, 0.1), report(1, 0.5), outcome(0, "failed"), again)
    assert found.best is found.trials[0]


def test_a_failed_trial_stands_on_no_front() -> None:
    both = Objective("dev_loss", "min", others=(Objective("epoch_s", "min"),))
    events = [report(0, 0.1), report(1, 0.5), outcome(0, "failed")]
    assert front_trials(record(*events, objective=both)) == {1}


def tied(seeds: tuple[int, ...], losses: tuple[float, ...]) -> SweepRecord:
    """Trials that share an accuracy, and what else they have."""
    plan = [PlannedTrial(at, f"{at:012x}", seed, {}) for at, seed in enumerate(seeds)]
    events = [
        {"event": "report", "t": 1.0, "trial": at, "epochs": [row(1, loss) | {"dev_accuracy": 0.9}]}
        for at, loss in enumerate(losses)
    ]
    return SweepRecord.of(plan, Objective("dev_accuracy", "max"), events)


def test_of_trials_with_one_accuracy_the_least_dev_loss_comes_first() -> None:
    found = tied((7, 8, 9), (0.353, 0.528, 0.232))
    assert [trial.trial.index for trial in found.ranked()] == [2, 0, 1]
    assert found.best is found.trials[2]


@pytest.mark.parametrize(("seeds", "order"), [((3, 1, 2), [1, 2, 0]), ((1, 3, 2), [0, 2, 1])])
def test_trials_equal_in_all_are_ranked_by_chance_which_the_seed_decides(
    seeds: tuple[int, ...], order: list[int]
) -> None:
    found = tied(seeds, (0.3, 0.3, 0.3))
    assert [trial.trial.index for trial in found.ranked()] == order
    assert found.best is found.trials[order[0]]


@pytest.mark.parametrize("sizes", [(30.0, 10.0, 20.0), (10.0, 10.0, None), (None, 5.0, None)])
def test_of_trials_with_one_accuracy_the_first_stands_on_the_front(
    sizes: tuple[float | None, ...],
) -> None:
    """By the least loss, as without other objectives, it would be one that stands on none."""
    plan = [PlannedTrial(at, f"{at:012x}", at, {}) for at in range(len(sizes))]
    objective = Objective("dev_accuracy", "max", others=(Objective("parameters", "min"),))
    events = [
        {"event": "report", "t": 1.0, "trial": at,
         "epochs": [row(1, 0.1 + at) | {"dev_accuracy": 0.9}],
         **({} if size is None else {"sizes": {"parameters": size}})}
        for at, size in enumerate(sizes)
    ]  # fmt: skip
    found = SweepRecord.of(plan, objective, events)
    first = found.ranked()[0]
    assert first.trial.index in front_trials(found)
    assert found.best is first


SIZED = Objective("dev_loss", "min", others=(Objective("dev_gain", "max"),))


def sized(trial: int, *pairs: tuple[float, float], first: int = 1) -> dict[str, Any]:
    rows = [row(first + at, loss) | {"dev_gain": gain} for at, (loss, gain) in enumerate(pairs)]
    return {"event": "report", "t": 1.0, "trial": trial, "epochs": rows}


def test_a_trial_that_can_stand_on_no_front_ranks_behind_those_that_can() -> None:
    events = [sized(0, (0.1, math.nan)), sized(1, (0.3, 2.0)), sized(2, (0.2, 1.0))]
    found = record(*events, objective=SIZED)
    assert [one.trial.index for one in found.ranked()] == [2, 1, 0]
    assert found.best is found.trials[2]
    assert front_trials(found) == {1, 2}
    # So does a final take them, by this objective or by another.
    assert Choosing(SIZED).ranked(found)[-1].trial.index == 0
    assert Choosing(Objective("dev_loss", "max")).ranked(found)[-1].trial.index == 0


def test_a_best_trial_whose_best_epoch_loses_its_other_objective_is_no_longer_the_best() -> None:
    events = [sized(0, (0.2, 1.0)), sized(1, (0.3, 1.0)), sized(0, (0.1, math.nan), first=2)]
    found = record(*events, objective=SIZED)
    assert found.trials[0].best_epoch == 2
    assert found.best is found.trials[1]


def test_a_candidate_that_can_stand_on_no_front_does_not_win_by_its_repeats() -> None:
    searched = record(sized(0, (0.1, math.nan)), sized(1, (0.3, 2.0)), objective=SIZED)
    plan = [PlannedTrial(at, f"{at:012x}", 10 + at, {"index": at}) for at in range(2)]
    repeats = SweepRecord.of(plan, SIZED, [report(0, 0.1), report(1, 0.3)])
    assert [one.trial for one in rank_candidates(searched, repeats)] == [1, 0]


def test_where_no_trial_has_the_other_objective_the_first_alone_ranks() -> None:
    found = record(sized(0, (0.2, math.nan)), sized(1, (0.1, math.nan)), objective=SIZED)
    assert [one.trial.index for one in found.ranked()] == [1, 0]
    assert found.best is found.trials[1]


SESSION = {"event": "session", "t": 0.0, "trials": 3}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([report(0, 0.5, 0.3), report(0, 0.5, 0.3)], "epoch 3 of trial 0 must come next, got 1"),
        ([report(0, 0.5), report(0, 0.3, first=3)], "epoch 2 of trial 0 must come next, got 3"),
        ([outcome(1, "pruned"), outcome(1, "completed")], "trial 1 must end once: it was pruned"),
        ([outcome(-1, "completed")], "trial -1 is not in the plan of 3 trials"),
        ([outcome(3, "completed")], "trial 3 is not in the plan of 3 trials"),
        ([{**outcome(0, "completed"), "trial": "0"}], "trial '0' is not in the plan"),
        ([{**outcome(0, "completed"), "trial": True}], "trial True is not in the plan"),
        ([outcome(0, "won")], "'won' is not a valid Outcome"),
        ([{**SESSION, "trials": 6}], "has 6 planned trials, and sweep.json has 3"),
        ([{**SESSION, "sweep": "b"}], "a session of another sweep"),
    ],
)
def test_what_cannot_follow_is_refused(wrong: list[dict[str, Any]], words: str) -> None:
    found = SweepRecord(PLAN, LOSS, identity="a")
    with pytest.raises(ValueError, match=words):
        [found.apply(event) for event in wrong]


def test_the_epoch_of_divergence_is_not_the_best_though_its_objective_is_finite() -> None:
    found = record(report(0, 0.5, 0.1, outcome="diverged"), outcome(0, "diverged"))
    assert found.trials[0].best_epoch == 1
    assert found.value(found.trials[0]) == 0.5


def test_a_reopened_trial_is_unfinished_and_has_all_its_attempts_again() -> None:
    failure = {"event": "failure", "t": 1.0, "trial": 0, "error": "broken"}
    reopened = {"event": "reopened", "t": 3.0, "trial": 0}
    found = record(report(0, 0.5), failure, outcome(0, "failed"), reopened)
    assert found.outcomes[Outcome.FAILED] == 0
    assert found.trials[0].failures == []
    assert found.trials[0].epochs == 1


def test_a_sweep_is_finished_once_its_last_session_has_ended() -> None:
    session = {"event": "session", "t": 0.0, "trials": 3}
    end = {"event": "end", "t": 9.0, "reason": ""}
    done = [outcome(index, "completed") for index in range(3)]
    assert not record(session, *done).is_finished
    assert record(session, *done, end).is_finished
    assert not record(session, *done, end, session).is_finished


def test_events_of_unknown_kinds_are_left_to_newer_versions() -> None:
    found = record({"event": "new", "t": 0.0}, {"event": "new", "t": 0.0, "trial": 1})
    assert found.outcomes.total() == 0
    assert len(found.unfinished) == 3


def test_a_clock_that_is_put_back_makes_no_time_negative() -> None:
    session = {"event": "session", "t": 90_000.0, "trials": 3}
    assert record(session, {"event": "end", "t": 9.0, "reason": ""}).active_s == 0


@pytest.mark.parametrize("is_killed", [False, True])
def test_hours_between_two_sessions_are_no_work(is_killed: bool) -> None:
    def session(t: float) -> dict[str, Any]:
        return {"event": "session", "t": t, "trials": 3}

    first = [
        session(100.0),
        {**outcome(0, "completed"), "t": 110.0},
        {**report(1, 0.5), "t": 120.0},
    ]
    end = [] if is_killed else [{"event": "end", "t": 120.0, "reason": None}]
    found = record(*first, *end, session(9000.0), {**outcome(1, "completed"), "t": 9005.0})
    assert [one.worked_s for one in found.trials] == [10.0, 25.0, None]

"""A plan that grows follows from the sweep and what is known of its trials, and from no more."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from sweeps.definition.planning import make_plan
from sweeps.record.growing_plan import Proposer
from sweeps.record.sweep_record import SweepRecord
from tests.sweeps.learned import learned_sweep, quadratic, searched, training

TPE = "{{method: tpe, trials: {}, startup: {}}}"
# 2 * 3 * 3 configurations, of which the constraint leaves 12.
SMALL = (
    "{model: {kind: linear}, optimizer: {kind: adam, lr: {choice: [0.1, 0.01, 0.001]}}, "
    "regularization: {l2: {choice: [0.1, 0.01, 0.001]}}, "
    "training: {epochs: 1, batch_size: {choice: [16, 32]}}}"
)
UNLIKE = '["optimizer.lr != regularization.l2"]'


def best(record: SweepRecord) -> float:
    assert record.best is not None
    value = record.value(record.best)
    assert value is not None
    return value


def configurations(record: SweepRecord) -> list[dict[str, Any]]:
    return [one.trial.configuration for one in record.trials]


def test_it_comes_nearer_to_the_least_of_a_quadratic_than_random_draws_do() -> None:
    learned, random = [
        [best(searched(learned_sweep(search, seed=seed), quadratic)) for seed in range(20)]
        for search in (TPE.format(40, 10), "{method: random, trials: 40}")
    ]
    assert statistics.median(learned) < statistics.median(random) / 3
    assert sum(one < other for one, other in zip(learned, random, strict=True)) >= 15


def test_it_begins_with_the_draws_of_a_random_search() -> None:
    random = make_plan(learned_sweep("{method: random, trials: 8}", seed=4))
    learned = searched(learned_sweep(TPE.format(12, 8), seed=4), quadratic)
    assert [one.trial for one in learned.trials[:8]] == random
    assert len(learned.trials) == 12


def test_the_same_results_give_the_same_plan_and_other_results_another() -> None:
    sweep = learned_sweep(TPE.format(16, 6))
    first, again = searched(sweep, quadratic), searched(sweep, quadratic)
    other = searched(sweep, lambda configuration: -quadratic(configuration))
    assert configurations(first) == configurations(again)
    assert configurations(first)[:6] == configurations(other)[:6]
    assert configurations(first)[6:] != configurations(other)[6:]


def test_a_longer_search_begins_with_the_shorter_one() -> None:
    shorter = searched(learned_sweep(TPE.format(14, 6)), quadratic)
    longer = searched(learned_sweep(TPE.format(18, 6)), quadratic)
    assert configurations(longer)[:14] == configurations(shorter)


def test_where_high_is_good_it_goes_there() -> None:
    search = "{method: tpe, trials: 40, startup: 10}\nobjective: {metric: dev_accuracy}"
    record = searched(learned_sweep(search), lambda one: 1 / (1 + quadratic(one)))
    values = [record.value(one) or 0.0 for one in record.trials]
    assert statistics.median(values[20:]) > 2 * statistics.median(values[:10])
    assert best(record) > 0.8


def test_no_configuration_is_tried_twice_and_none_that_a_constraint_rejects() -> None:
    record = searched(learned_sweep(TPE.format(12, 3), SMALL, UNLIKE), lambda one: 1.0)
    found = configurations(record)
    assert len({str(one) for one in found}) == len(found) == 12
    assert all(one["optimizer"]["lr"] != one["regularization"]["l2"] for one in found)


def test_a_search_whose_space_is_used_up_is_over_with_the_trials_that_there_are() -> None:
    record = searched(learned_sweep(TPE.format(18, 3), SMALL, UNLIKE), lambda one: 1.0)
    assert (record.wanted, len(record.trials), record.is_exhausted) == (12, 12, True)
    assert not record.is_open


def test_baselines_come_first_and_count_as_results_to_learn_from() -> None:
    baseline = "[{optimizer: {kind: adam, lr: 0.003}, regularization: {l2: 0.0001}}]"
    search = f"{{method: tpe, trials: 12, startup: 4, baseline: {baseline}}}"
    record = searched(learned_sweep(search), quadratic)
    assert record.trials[0].trial.configuration["optimizer"]["lr"] == 0.003
    assert len(make_plan(learned_sweep(search))) == 4
    assert best(record) == pytest.approx(0)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"index": 5}, "trial 3 must be proposed next, got 5"),
        ({"seed": 1, "hash": "0" * 12}, "does not match its hash"),
    ],
)
def test_a_proposal_that_cannot_follow_is_refused(event: dict[str, Any], words: str) -> None:
    sweep = learned_sweep(TPE.format(5, 3))
    record = SweepRecord(make_plan(sweep), sweep.objective, wanted=5)
    found = Proposer(sweep).next(record)
    assert found is not None
    with pytest.raises(ValueError, match=words):
        record.apply({"event": "proposed", "planned": found.trial.to_json() | event})


def test_more_proposals_than_the_sweep_has_trials_are_refused() -> None:
    sweep = learned_sweep(TPE.format(5, 3))
    record = SweepRecord(make_plan(sweep), sweep.objective)
    found = Proposer(sweep).next(record)
    assert found is not None
    with pytest.raises(ValueError, match="no more than 3 trials"):
        record.apply({"event": "proposed", "planned": found.trial.to_json()})


def test_a_plan_of_ten_thousand_trials_still_grows_in_seconds_and_little_memory() -> None:
    sweep = learned_sweep(TPE.format(10_001, 200))
    few = make_plan(sweep)
    plan = [replace(few[index % 200], index=index) for index in range(10_000)]
    record = SweepRecord(plan, sweep.objective, wanted=10_001)
    for index, trial in enumerate(plan):
        for event in training(record, index, quadratic(trial.configuration)):
            record.apply(event)
    begun = time.process_time()
    tracemalloc.start()  # counts what is allocated, whatever the allocator keeps of it
    found = Proposer(sweep).next(record)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - begun < 30
    assert peak < 100e6
    assert found is not None
    assert (found.trial.index, found.by) == (10_000, "tpe")

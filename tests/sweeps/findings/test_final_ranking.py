"""The final's candidates: intervals that hold for whichever of them wins."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, t, ttest_ind

from sweeps.definition.planning import PlannedTrial
from sweeps.findings.final_ranking import (
    SKEWED_SEEDS,
    rank_candidates,
    refit_warning,
    welch_p_value,
    words_of_skewed_seeds,
)
from sweeps.models.scoring.objective import Objective
from sweeps.record.final import Candidate, FinalChoice, FinalModel
from sweeps.record.sweep_record import SweepRecord, TrialRecord


def record(values: Any, repeats: int, objective: Objective) -> SweepRecord:
    """Trials of some candidates, `repeats` of each, with their values."""
    plan = [PlannedTrial(at, f"{at // repeats}", at, {}) for at in range(len(values))]
    events = [
        {
            "event": "report",
            "t": 1.0,
            "trial": at,
            "epochs": [{"epoch": 1, objective.metric: value}],
        }
        for at, value in enumerate(values)
    ]
    return SweepRecord.of(plan, objective, events)


def ranked(values: np.ndarray, metric: str = "dev_loss", mode: Any = "min") -> list[Candidate]:
    """Candidates with (candidates, seeds) values."""
    objective = Objective(metric, mode)
    searched = record([0.5] * len(values), 1, objective)
    return rank_candidates(searched, record(values.ravel().tolist(), values.shape[1], objective))


@pytest.mark.parametrize("candidates", [3, 10])
@pytest.mark.parametrize("law", ["normal", "exponential"])
def test_the_winners_interval_holds_although_it_was_chosen_by_its_values(
    candidates: int, law: str
) -> None:
    """Of a long tail the candidate that is chosen has few: its own spread alone is too small."""
    draw, mean = getattr(np.random.default_rng(0), law), {"normal": 10, "exponential": 11}[law]

    def holds() -> bool:
        winner = ranked(10 + draw(size=(candidates, 5)))[0]
        assert winner.low is not None
        assert winner.high is not None
        return winner.low <= mean <= winner.high

    assert sum(holds() for _ in range(400)) >= binom.ppf(0.001, 400, 0.95)


def test_an_interval_is_that_of_bonferroni() -> None:
    values = np.array([[0.1, 0.2, 0.3], [0.5, 0.6, 0.8]])
    first = ranked(values)[0]
    half = t.ppf(1 - 0.025 / 2, 2) * 0.1 / 3**0.5
    assert (first.low, first.high) == (0.0, pytest.approx(0.2 + half))  # no loss is below 0


def test_an_interval_is_no_narrower_than_the_spread_of_all_candidates_makes_it() -> None:
    values = np.array([[0.1, 0.11, 0.12], [0.5, 0.6, 0.8], [0.7, 0.9, 0.8]])
    first = ranked(values)[0]
    spread = (values.var(axis=1, ddof=1).mean() / 3) ** 0.5
    assert first.high == pytest.approx(0.11 + t.ppf(1 - 0.025 / 3, 6) * spread)


def test_seeds_that_all_came_to_one_value_give_no_interval() -> None:
    """Three accuracies on 36 rows agree by chance: 0.9444 to 0.9444 would be sure of nothing."""
    agreed, spread = ranked(np.array([[34, 34, 34], [33, 32, 33]]) / 36, "dev_accuracy", "max")
    assert (agreed.mean, agreed.standard_error) == (pytest.approx(34 / 36), 0)
    assert (agreed.low, agreed.high) == (None, None)
    assert spread.low is not None


@pytest.mark.parametrize("values", [[[0.9, 0.9, 0.9], [0.8, 0.8, 0.8]], [[0.9] * 5, [0.8] * 5]])
def test_a_lead_without_any_spread_is_as_sure_as_dealt_labels_make_it(values: Any) -> None:
    first, second = ranked(np.array(values), "dev_accuracy", "max")
    together = [*first.values, *second.values]
    number, lead = len(first.values), 0.1
    deals = [set(one) for one in combinations(range(len(together)), number)]
    sums = [sum(together[at] for at in one) for one in deals]
    apart = [abs(one - (sum(together) - one)) >= number * lead - 1e-9 for one in sums]
    assert welch_p_value(first, second) == pytest.approx(np.mean(apart))


def test_welchs_test_is_scipys() -> None:
    random = np.random.default_rng(0)
    first, second = ranked(10 + random.normal(size=(2, 5)))
    expected = ttest_ind(first.values, second.values, equal_var=False).pvalue
    assert welch_p_value(first, second) == pytest.approx(expected)


def test_an_accuracy_in_percent_is_no_share() -> None:
    """An own loop may report it so: 1 is no bound of it."""
    values = np.array([[91.0, 92.0, 93.0], [80.0, 81.0, 82.0]])
    first = ranked(values, "dev_accuracy", "max")[0]
    assert first.low == pytest.approx(92 - t.ppf(1 - 0.025 / 2, 2) / 3**0.5)
    assert first.high == pytest.approx(92 + t.ppf(1 - 0.025 / 2, 2) / 3**0.5)


def test_an_accuracy_is_nowhere_said_to_be_above_1() -> None:
    found = ranked(np.array([[0.9, 0.95, 0.99]]), "dev_accuracy", "max")
    assert found[0].high == 1.0


def test_repeats_that_are_all_equal_are_tested_without_a_warning() -> None:
    first, second = ranked(np.array([[0.9, 0.9, 0.9], [0.8, 0.85, 0.87]]), "dev_accuracy", "max")
    # Welch's t, of which the variance of the equal ones is 0.
    error = np.std([0.8, 0.85, 0.87], ddof=1) / 3**0.5
    expected = 2 * t.sf((0.9 - 0.84) / error, 2)
    assert welch_p_value(first, second) == pytest.approx(expected)


def trained(train_loss: float, **configuration: Any) -> TrialRecord:
    row = {"epoch": 3, "train_loss": train_loss}
    return TrialRecord(PlannedTrial(0, "a", 0, configuration), best=row, last=row)


CHANGES = [{"from_epoch": 2, "values": {"optimizer.lr": 0.1}}]


@pytest.mark.parametrize(
    ("last", "configuration", "words"),
    [
        (0.9, {"changes": CHANGES}, "train_loss ended at 0.9, theirs between 0.2 and 0.4; "),
        (0.55, {"changes": CHANGES}, ""),
        (0.1, {"changes": CHANGES}, ""),
        (0.9, {}, ""),
    ],
)
def test_a_refit_by_a_schedule_that_ends_far_above_the_repeats_is_told(
    last: float, configuration: dict[str, Any], words: str
) -> None:
    found = refit_warning(trained(last, **configuration), [trained(0.2), trained(0.4)])
    assert bool(found) == bool(words)
    assert words in found


def chosen(values: np.ndarray, mode: Any = "min") -> FinalChoice:
    """A final of (candidates, seeds) values."""
    model = FinalModel("refit", "", 3, "w", "p", "0")
    found = tuple(ranked(values, mode=mode))
    return FinalChoice("dev_loss", mode, values.shape[1], found, None, None, model, 0.0)


def test_seeds_that_do_far_worse_than_most_are_said_and_those_that_do_better_are_not() -> None:
    values = np.array([[0.1, 0.11, 0.12, 0.1, 0.9], [0.2, 0.21, 0.19, 0.8, 0.2]])
    assert words_of_skewed_seeds(chosen(values)) == SKEWED_SEEDS
    assert words_of_skewed_seeds(chosen(-values)) == ""
    assert words_of_skewed_seeds(chosen(-values, "max")) == SKEWED_SEEDS


@pytest.mark.parametrize(("candidates", "seeds"), [(1, 5), (3, 5), (3, 3)])
def test_of_normal_seeds_a_long_tail_is_said_in_one_of_twenty_finals(
    candidates: int, seeds: int
) -> None:
    random = np.random.default_rng(0)
    said = [words_of_skewed_seeds(chosen(random.normal(size=(candidates, seeds))))
            for _ in range(400)]  # fmt: skip
    assert sum(map(bool, said)) <= binom.ppf(0.999, 400, 0.05)


@pytest.mark.parametrize("values", [[[0.1, 0.2]], [[0.1]], [[0.3, 0.3, 0.3]]])
def test_nothing_is_said_of_a_tail_that_seeds_cannot_have(values: list[list[float]]) -> None:
    assert words_of_skewed_seeds(chosen(np.array(values))) == ""

"""Options compared fairly: closed forms, scipy's permutation test, equal options called equal."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, false_discovery_control, permutation_test

from sweeps.analysis.choices import Comparison, compare_choices
from sweeps.analysis.permutation import expected_best, holm, permuted_difference
from sweeps.models.scoring.objective import Objective
from tests.sweeps.analysis.evidence_examples import evidence

FIXED: dict[str, Any] = {"optimizer": {"kind": "adam"}, "training": {"epochs": 3}}
ACTIVATIONS = ("relu", "tanh", "gelu", "elu")


def compared(groups: list[Any], **more: Any) -> Comparison:
    space = {"kind": {"choice": [f"option {at}" for at in range(len(groups))]}}
    kinds = [{"kind": f"option {at}"} for at, group in enumerate(groups) for _ in group]
    [found] = compare_choices(evidence(space, kinds, [float(v) for g in groups for v in g], **more))
    return found


def losses(count: int, seed: int) -> np.ndarray:
    return 0.05 + np.exp(np.random.default_rng(seed).normal(-2, 1, count))


@pytest.mark.parametrize("draws", [1, 3, 6])
def test_the_expected_best_of_some_is_the_mean_over_all_subsets(draws: int) -> None:
    values = np.array([3.0, 1.0, 4.0, 1.5, 9.0, 2.6])
    subsets = [min(one) for one in itertools.combinations(values, draws)]
    assert expected_best(values, draws) == pytest.approx(np.mean(subsets))


@pytest.mark.parametrize(("first", "second"), [(20, 20), (30, 10), (5, 7)])
def test_the_p_value_is_that_of_scipys_permutation_test(first: int, second: int) -> None:
    one, other, draws = losses(first, 1), 1.6 * losses(second, 2), (min(first, second) + 1) // 2
    found = permuted_difference(one, other, draws, [3])
    reference = permutation_test(
        (one, other),
        lambda a, b: expected_best(a, draws) - expected_best(b, draws),
        n_resamples=4000,
        rng=np.random.default_rng(4),
    )
    assert found.value == pytest.approx(reference.statistic)
    # Either is twice the share of some deals; a thousand where it is large.
    tail = reference.pvalue / 2
    error = 2 * np.sqrt(tail * (1 - tail) * (1 / 4000 + 1 / 1000))
    assert found.p_value == pytest.approx(reference.pvalue, abs=3 * error + 1e-3)


def test_holms_rule_is_that_of_the_paper() -> None:
    # Holm (1979): m p(1), (m - 1) p(2), ..., made monotone; at most 1.
    assert holm([0.03, 0.001, 0.5, 0.01]) == pytest.approx([0.06, 0.004, 0.5, 0.03])
    assert holm([0.02, 0.019]) == pytest.approx([0.038, 0.038])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    bonferroni = 4 * false_discovery_control([0.03, 0.001, 0.5, 0.01]).min()
    assert min(holm([0.03, 0.001, 0.5, 0.01])) <= bonferroni


@pytest.mark.parametrize("sizes", [(20, 20), (30, 10), (35, 5), (20, 20, 20)])
def test_equal_options_are_seldom_called_better(sizes: tuple[int, ...]) -> None:
    wrong = sum(
        bool(compared([losses(size, 10 * seed + at) for at, size in enumerate(sizes)]).beaten)
        for seed in range(80)
    )
    assert wrong <= binom.ppf(0.999, 80, 0.05)


def test_the_level_holds_for_all_choices_of_a_sweep_together() -> None:
    def is_any_better(seed: int) -> bool:
        random = np.random.default_rng(seed)
        names = [f"choice {at}" for at in range(5)]
        space = {name: {"choice": ["a", "b", "c"]} for name in names}
        trials = [{name: str(random.choice(["a", "b", "c"])) for name in names} for _ in range(40)]
        found = compare_choices(evidence(space, trials, losses(40, seed).tolist()))
        return any(one.beaten for one in found)

    assert sum(map(is_any_better, range(40))) <= binom.ppf(0.999, 40, 0.05)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_an_option_that_is_better_is_said_to_be(mode: Any) -> None:
    random = np.random.default_rng(0)
    sign = 1 if mode == "min" else -1
    groups = [sign * random.normal(3, 0.1, 20), sign * random.normal(0, 0.1, 20)]
    found = compared(groups, objective=Objective("dev_loss", mode))
    assert [one.option for one in found.branches] == ["option 1", "option 0"]
    assert found.pairs[0].p_value < 0.001
    assert "(n = 20)" in found.sentence
    assert found.sentence.endswith(
        "option 1 is better on these 100 dev rows: equal options would differ this much in fewer "
        "than 1 of 1,000 sweeps."
    )


@pytest.mark.parametrize(
    ("split", "groups", "on", "unknown"),
    [
        ({"group": "patient"}, {"dev": 10}, "these 10 groups", "other groups"),
        ({"group": "patient"}, {}, "these groups", "other groups"),
        ({"group": "patient", "folds": 5}, {"dev": 40}, "these 40 groups", "other groups"),
        ({"order": "day"}, {}, "this stretch of time", "other times"),
    ],
)
def test_of_options_on_few_groups_or_one_stretch_of_time_none_is_called_better(
    split: dict[str, Any], groups: dict[str, int], on: str, unknown: str
) -> None:
    found = compared(
        [losses(20, 1), 9 * losses(20, 2)],
        data={"source": "patients.csv", "target": "y", "split": split},
        cut=({"dev": 12.5}, groups),
    )
    assert (len(found.apart), found.beaten) == (1, ())
    assert "is better" not in found.sentence
    assert f"This holds on {on}, where all trials" in found.sentence
    assert f"can tell whether it holds for {unknown}." in found.sentence


def test_groups_of_one_row_each_are_rows() -> None:
    data = {"source": "patients.csv", "target": "y", "split": {"group": "patient"}}
    assert compared([losses(20, 1), 9 * losses(20, 2)], data=data).beaten


def test_what_own_training_measured_itself_has_no_rows_to_name() -> None:
    found = compared([losses(20, 1), 9 * losses(20, 2)], data={"source": "none"})
    assert "; option 0 is better: equal options" in found.sentence


def test_a_difference_of_a_third_is_seen_in_half_of_the_sweeps_of_50_trials_each() -> None:
    pairs = ([losses(50, seed), 1.3 * losses(50, 1000 + seed)] for seed in range(40))
    assert sum(bool(compared(list(pair)).beaten) for pair in pairs) > 12


def test_what_cannot_be_told_apart_says_what_a_lead_would_have_to_be() -> None:
    found = compared([losses(20, 1), losses(20, 2)])
    needed = found.pairs[0].difference.needed(0.05)
    assert f"it would have to be {needed:.2g}" in found.sentence
    assert np.mean(found.pairs[0].difference.by_chance > needed) == pytest.approx(0.05, abs=0.001)


def test_equal_results_need_no_lead_of_nothing() -> None:
    found = compared([np.ones(8), np.ones(8)])
    assert found.sentence.endswith("equal options would differ this much in 100 of 100 sweeps.")


def test_an_option_that_was_drawn_more_often_has_no_advantage() -> None:
    found = compared([losses(90, 0), losses(10, 1), []])
    assert found.draws == 5
    assert found.left_out == ("option 2",)
    assert "the difference is not significant" in found.sentence


def test_trials_that_came_to_the_same_are_not_told_apart() -> None:
    assert compared([[0.3] * 20, [0.3] * 20]).pairs[0].p_value == 1.0


def test_a_list_by_hand_has_no_comparison_as_its_options_come_with_other_values() -> None:
    """All nets with relu have the rate that learns; the activation itself decides nothing."""
    space = {"kind": {"choice": ["relu", "tanh"]}, "lr": {"float": [1e-4, 1.0], "log": True}}
    listed = [{"kind": "relu", "lr": 0.1}] * 10 + [{"kind": "tanh", "lr": 1e-4}] * 10
    values = [*np.linspace(0.1, 0.2, 10), *np.linspace(0.8, 0.9, 10)]
    search = {"method": "manual", "configurations": listed}
    seen = evidence(space, listed, [float(one) for one in values], search=search)
    assert compare_choices(seen) == []
    assert "listed by hand" in seen.why_incomparable

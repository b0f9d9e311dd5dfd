"""The tuning curve, held to closed forms, opda, scipy and results whose law is known."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from opda.nonparametric import EmpiricalDistribution
from scipy.stats import binom, kstwo, norm

from sweeps.analysis.cdf_band import cdf_band, probability_between
from sweeps.analysis.tuning_curve import TuningCurve, tuning_curve
from sweeps.models.scoring.objective import Objective
from sweeps.report.tuning_figures import tuning_panel
from tests.sweeps.analysis.evidence_examples import evidence

RANGE: dict[str, Any] = {"lr": {"float": [1e-4, 1.0], "log": True}}
Law = Callable[[Any], Any]  # quantiles


def drawn(count: int, seed: int = 0) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    return [{"lr": float(lr)} for lr in 10 ** random.uniform(-4, 0, count)]


def curve(values: Any, mode: Any = "min", metric: str = "dev_loss", **more: Any) -> TuningCurve:
    objective = Objective(metric, mode)
    values = [None if one is None else float(one) for one in values]
    found = tuning_curve(evidence(RANGE, drawn(len(values)), values, objective=objective, **more))
    assert isinstance(found, TuningCurve)
    return found


@pytest.mark.parametrize(("count", "distance"), [(5, 0.3), (40, 0.2), (200, 0.08)])
def test_the_chance_of_a_band_is_that_of_the_kolmogorov_smirnov_test(
    count: int, distance: float
) -> None:
    place = np.arange(1, count + 1) / count
    low, high = np.clip(place - distance, 0, 1), np.clip(place - 1 / count + distance, 0, 1)
    assert probability_between(low, high) == pytest.approx(kstwo(count).cdf(distance), abs=1e-6)


def test_bounds_that_cross_leave_no_chance() -> None:
    assert probability_between(np.array([0.5, 0.6]), np.array([0.55, 0.58])) == 0.0


@pytest.mark.parametrize("count", [1, 2, 30, 300])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_the_band_holds_with_the_confidence_that_was_asked_for(
    count: int, confidence: float
) -> None:
    low, high = cdf_band(count, confidence)
    assert probability_between(low[1:], high[:-1]) == pytest.approx(confidence, abs=2e-5)


@pytest.mark.parametrize("count", [1, 7, 40])
def test_the_exact_band_is_the_one_that_opda_simulates(count: int) -> None:
    values = np.arange(count) / count + 0.01
    lower, _, upper = EmpiricalDistribution.confidence_bands(
        values, 0.95, method="ld_equal_tailed", n_jobs=1, generator=np.random.default_rng(0)
    )
    low, high = cdf_band(count, 0.95)
    assert low[1:] == pytest.approx(lower.cdf(values), abs=2e-3)
    assert high[1:] == pytest.approx(upper.cdf(values), abs=2e-3)
    assert (low[0], high[-1]) == (0.0, 1.0)


def test_a_band_of_very_many_is_that_of_the_dkw_inequality() -> None:
    low, high = cdf_band(5000, 0.95)
    margin = np.sqrt(np.log(2 / 0.05) / 10_000)
    assert low[2500], high[2500] == pytest.approx((0.5 - margin, 0.5 + margin))


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_curve_of_uniform_results_is_the_closed_form(mode: Any) -> None:
    values = np.random.default_rng(5).uniform(size=200)
    found = curve(values, mode)
    numbers = found.numbers[:20]
    expected, median = 1 / (numbers + 1), 1 - 0.5 ** (1 / numbers)
    truth = expected if mode == "min" else 1 - expected
    assert found.expected[:20] == pytest.approx(truth, abs=0.06)
    true_median = median if mode == "min" else 1 - median
    assert (found.low[:20] <= true_median).all()
    assert (true_median <= found.high[:20]).all()
    reference = EmpiricalDistribution(values).quantile_tuning_curve(
        found.numbers, minimize=mode == "min"
    )
    assert found.median == pytest.approx(reference)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_expected_best_is_unbiased_the_mean_over_all_subsets(mode: Any) -> None:
    values = [0.3, 0.1, 0.4, 0.15, 0.9, 0.26]
    best = min if mode == "min" else max
    found = curve(values, mode)
    truth = [
        np.mean([best(one) for one in itertools.combinations(values, int(number))])
        for number in found.numbers
    ]
    assert found.expected == pytest.approx(truth)


def floor_and_tail(places: Any) -> Any:
    return 0.05 + np.exp(norm.ppf(places) - 2)


def accuracies(places: Any) -> Any:
    return np.round(1 - 0.02 - 0.3 * (1 - places) ** 2, 2)  # with many ties


@pytest.mark.parametrize(
    ("law", "mode", "count"),
    [(floor_and_tail, "min", 20), (floor_and_tail, "min", 60), (accuracies, "max", 40)],
)
def test_the_band_holds_the_true_medians_of_all_numbers_together(
    law: Law, mode: Any, count: int
) -> None:
    def holds(seed: int) -> bool:
        found = curve(law(np.random.default_rng(seed).uniform(size=count)), mode)
        places = 0.5 ** (1 / found.numbers)
        truth = law(1 - places if mode == "min" else places)
        return bool((found.low <= truth).all() and (truth <= found.high).all())

    assert sum(map(holds, range(100))) >= binom.ppf(0.001, 100, 0.95)


def test_the_band_ends_at_the_metrics_own_bound_and_not_at_the_best_seen() -> None:
    found = curve(np.linspace(0.2, 0.9, 20))
    assert (found.low[-1], found.high[0]) == (0.0, pytest.approx(0.9, abs=0.4))
    assert curve(np.linspace(0.2, 0.9, 20), "max", "dev_accuracy").high[-1] == 1.0
    beyond = curve(np.linspace(-3.0, 5.0, 20), "max", "dev_reward")  # nobody's bound
    assert beyond.high[-1] == np.inf


@pytest.mark.parametrize("values", [np.linspace(0.2, 0.9, 20), np.geomspace(1e-4, 1, 20)])
def test_a_band_without_a_bound_is_drawn_to_the_edge_of_the_figure(values: Any) -> None:
    panel = tuning_panel(curve(values), "dev_loss")
    band = panel.figure.data[0]  # type: ignore[union-attr]
    assert None not in band.y
    assert min(band.y) < values[0]
    assert "there are too few trials for one" in panel.caption


def test_a_wide_band_leaves_the_axis_and_the_curves_have_a_third_of_it() -> None:
    # Areas under a curve in a narrow heap: of 20 trials the band's upper end is 1 from n = 3 on.
    seen = np.linspace(0.700, 0.725, 20)
    panel = tuning_panel(curve(seen, "max", "dev_accuracy"), "dev_accuracy")
    assert panel.figure is not None
    _, median, _ = panel.figure.data
    low, high = panel.figure.layout.yaxis.range
    assert high < 0.8
    assert (max(median.y) - min(median.y)) / (high - low) > 0.2
    assert max(panel.figure.data[0].y) == pytest.approx(high)


def test_baselines_are_no_draws() -> None:
    chosen = {"lr": 0.02}
    search = {"method": "random", "trials": 20, "baseline": [chosen, chosen]}
    values = [0.01, *np.linspace(0.3, 0.9, 20)]
    objective = Objective("dev_loss", "min")
    trials = [chosen, *drawn(20)]
    with_one = tuning_curve(evidence(RANGE, trials, values, objective=objective, search=search))
    without = curve(values[1:])
    assert isinstance(with_one, TuningCurve)
    assert (with_one.trials, with_one.sentence) == (20, without.sentence)
    assert with_one.expected == pytest.approx(without.expected)


def test_the_sentence_says_whether_fewer_would_have_done_and_more_would_help() -> None:
    found = curve([0.5] * 60 + [1.0] * 20)
    assert found.enough == 3
    assert found.sentence == (
        "The expected best dev_loss of 40 such trials is 0.5, that of 80 trials 0.5; 3 trials "
        "would have been enough to come within 5 % of it. 80 more are unlikely to improve it by "
        "more than 5 % (95 % confidence)."
    )
    steep = curve([0.01 + place for place in range(20)])
    assert "20 more would probably improve it by more than 5 % (95 % confidence)." in steep.sentence
    unclear = curve([0.96, *np.linspace(1.03, 2, 19)])
    said = "These trials cannot tell whether 20 more would improve it by 5 %."
    assert unclear.sentence.endswith(said)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_losses_over_decades_are_judged_by_the_best_and_not_beside_the_worst(mode: Any) -> None:
    # Each of the better half is a third below the one before; the others are bad.
    errors = [0.04 * 1.5**place for place in range(8)] + [0.99] * 8
    found = curve(errors if mode == "min" else [1 - one for one in errors], mode, "dev_f1")
    assert found.enough > 8
    assert found.more != "hardly"


def shares(law: Law, count: int) -> dict[str, float]:
    random = np.random.default_rng(0)
    said = [curve(law(random.uniform(size=count))).more for _ in range(150)]
    return {word: said.count(word) / 150 for word in ("hardly", "still", "unclear")}


@pytest.mark.parametrize(
    ("law", "count", "truth"),
    [
        # Doubling brings 27 %, 6 %, 1 %, by quadrature: E min = int q(u) n (1 - u)^(n - 1) du.
        (lambda u: np.exp(norm.ppf(u)), 20, "still"),
        (floor_and_tail, 40, "still"),
        (lambda u: 0.2 + np.exp(norm.ppf(u) - 2), 100, "hardly"),
    ],
)
def test_more_trials_are_seldom_judged_wrongly(law: Law, count: int, truth: str) -> None:
    found = shares(law, count)
    wrong = "hardly" if truth == "still" else "still"
    assert found[wrong] <= binom.ppf(0.999, 150, 0.05) / 150


def test_a_large_gain_is_seen_and_so_is_a_plateau() -> None:
    assert shares(lambda u: u + 1e-3, 40)["still"] > 0.7
    assert shares(lambda u: 0.2 + np.exp(norm.ppf(u) - 2), 100)["hardly"] > 0.4


@pytest.mark.parametrize("worst", [1e12, 1e200, 1e308])
def test_trials_about_to_diverge_leave_the_curve_its_sentence(worst: float) -> None:
    good, bad = np.linspace(1, 1.1, 18), np.geomspace(1e6, worst, 12)
    assert "would have been enough" in curve([*good, *bad]).sentence


def test_trials_that_were_not_drawn_or_are_too_few_have_no_tuning_curve() -> None:
    grid = evidence(RANGE, drawn(20), [1.0] * 20, search={"method": "grid"})
    assert "not drawn at random" in str(tuning_curve(grid))
    assert "too few" in str(tuning_curve(evidence(RANGE, drawn(3), [1.0, 2.0, None])))


def test_trials_without_a_result_count_as_the_worst() -> None:
    found = curve([1.0, 2.0, 3.0, 4.0, 5.0, None])
    assert found.lost == 1
    assert found.expected[0] == pytest.approx(np.mean([1, 2, 3, 4, 5, 5]))


@pytest.mark.parametrize("best", [0.0, 1.0])
def test_a_perfect_best_is_judged_without_a_division_by_nothing(best: float) -> None:
    mode = "min" if best == 0 else "max"
    assert curve([best] * 15 + [0.5] * 5, mode, "dev_accuracy").more == "hardly"


@pytest.mark.parametrize(
    ("values", "mode", "metric"),
    [
        (np.linspace(-3.0, -1.0, 20), "min", "dev_nll"),
        (np.linspace(-1.0, 2.0, 20), "min", "dev_nll"),
        (np.linspace(100.0, 200.0, 20), "max", "dev_reward"),
        (np.linspace(60.0, 95.0, 20), "max", "dev_accuracy"),  # in percent
    ],
)
def test_nothing_is_said_of_more_trials_by_a_metric_without_a_best_value(
    values: Any, mode: Any, metric: str
) -> None:
    found = curve(values, mode, metric)
    assert (found.more, found.enough) == ("unclear", 20)
    best = f"{values[0 if mode == 'min' else -1]:.3g}"
    assert f"that of 20 trials {best}. {metric} has no known best value" in found.sentence


def test_five_percent_are_of_the_distance_from_the_metrics_own_best_value() -> None:
    errors = floor_and_tail(np.random.default_rng(1).uniform(size=40))
    plain = curve(errors)
    percent = Objective("dev_share", "max", limits=(0.0, 100.0))
    seen = [float(100 - 20 * one) for one in errors]
    found = tuning_curve(evidence(RANGE, drawn(40), seen, objective=percent))
    assert isinstance(found, TuningCurve)
    assert (found.more, found.enough) == (plain.more, plain.enough)
    assert "within 5 % of it (measured by its distance from 100)." in found.sentence

"""Test figures and intervals, held to scikit-learn, scipy and what they promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import binom, binomtest, bootstrap, norm
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_absolute_error, r2_score

from sweeps.models.data.features import Features, features_from_array
from sweeps.models.data.targets import Target
from sweeps.models.evaluation import Estimate, Resampling
from sweeps.models.evaluation import evaluate as evaluate_metrics
from sweeps.models.prediction import Predictor
from sweeps.models.scoring.intervals import bootstrap_interval, rows_of_units, share_interval
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.metrics import METRICS, metrics_of, recorded_metrics
from sweeps.models.splits.preprocessing import Preprocessing

ROWS = 120
MEAN, SCALE = 50.0, 2.0
X = np.random.default_rng(0).normal(size=(ROWS, 2))


class Fixed(Predictor):
    """Answers what it was given, so that only the evaluation is under test."""

    def __init__(self, outputs: np.ndarray, class_names: tuple[str, ...] = ()) -> None:
        self.preprocessing = Preprocessing(
            number_names=("a", "b"), number_shape=(2,), means=(0, 0), scales=(1, 1),
            missing="error", fills=(), class_names=class_names,
            target_mean=MEAN, target_scale=SCALE,
        )  # fmt: skip
        self._outputs = torch.from_numpy(outputs)

    def with_parts(self, features: Features) -> tuple[torch.Tensor, None]:
        assert isinstance(features, Features)
        return self._outputs, None


def evaluate(
    predictor: Predictor,
    features: Features,
    target: Target,
    seed: int,
    units: np.ndarray | None = None,
) -> dict[str, Estimate]:
    """Return the usual metrics of a task."""
    usual = {name: one for name, one in metrics_of(target.task).items() if one.is_usual}
    return evaluate_metrics(predictor, features, target, usual, Resampling(seed, units))


def classes() -> tuple[Fixed, Target, np.ndarray]:
    random = np.random.default_rng(1)
    labels = random.integers(3, size=ROWS)
    shares = random.dirichlet(np.ones(3), size=ROWS) + 0.8 * np.eye(3)[labels]
    shares /= shares.sum(axis=1, keepdims=True)
    names = ("x", "y", "z")
    return Fixed(np.log(shares), names), Target(labels, "classification", names), shares


def numbers() -> tuple[Fixed, Target, np.ndarray]:
    random = np.random.default_rng(2)
    truth = random.normal(50, 10, size=ROWS)
    predicted = truth + random.normal(0, 4, size=ROWS)
    return Fixed((predicted[:, None] - MEAN) / SCALE), Target(truth, "regression"), predicted


def test_class_metrics_are_those_of_scikit_learn() -> None:
    predictor, target, shares = classes()
    found = evaluate(predictor, features_from_array(X), target, seed=0)
    predicted = shares.argmax(axis=1)
    assert found["accuracy"].value == pytest.approx(accuracy_score(target.values, predicted))
    assert found["f1"].value == pytest.approx(f1_score(target.values, predicted, average="macro"))
    assert found["loss"].value == pytest.approx(log_loss(target.values, shares))


def test_number_metrics_are_in_the_targets_own_units_and_the_loss_in_standardised_ones() -> None:
    predictor, target, predicted = numbers()
    found = evaluate(predictor, features_from_array(X), target, seed=0)
    mse = float(np.mean((predicted - target.values) ** 2))
    assert found["mae"].value == pytest.approx(mean_absolute_error(target.values, predicted))
    assert found["r2"].value == pytest.approx(r2_score(target.values, predicted))
    assert (found["mse"].value, found["loss"].value) == pytest.approx((mse, mse / 4))


@pytest.mark.parametrize(("errors", "rows"), [(0, 36), (2, 30), (30, 114), (36, 36)])
def test_a_share_has_the_exact_interval_of_scipys_binomial_test(errors: int, rows: int) -> None:
    reference = binomtest(rows - errors, rows).proportion_ci(method="exact")
    found = share_interval(rows - errors, rows)
    assert found == pytest.approx((reference.low, reference.high))


def with_errors(errors: int, rows: int) -> tuple[Fixed, Target]:
    """Answers of which so many are wrong, and each other than the next."""
    labels = np.arange(rows) % 2
    margins = np.linspace(1, 4, rows)
    margins[:errors] = -1.0
    outputs = np.stack([np.where(labels == at, margins, 0.0) for at in (0, 1)], axis=1)
    return Fixed(outputs, ("x", "y")), Target(labels, "classification", ("x", "y"))


def test_36_of_36_right_are_not_certainly_right_elsewhere() -> None:
    predictor, target = with_errors(0, 36)
    found = evaluate(predictor, features_from_array(X[:36]), target, seed=0)
    accuracy = found["accuracy"]
    assert (accuracy.value, accuracy.high) == (1.0, 1.0)
    assert accuracy.low == pytest.approx(0.025 ** (1 / 36))  # Clopper and Pearson's closed form
    assert (found["loss"].low, found["f1"].high) == (None, None)
    assert found["loss"].note == "0 errors in 36 rows: too few for an interval"


@pytest.mark.parametrize(
    ("errors", "note"), [(1, "1 error in 60 rows: too few for an interval"), (20, "")]
)
def test_too_few_errors_for_an_interval_are_said(errors: int, note: str) -> None:
    predictor, target = with_errors(errors, 60)
    found = evaluate(predictor, features_from_array(X[:60]), target, seed=0)
    assert (found["loss"].note, found["f1"].note, found["accuracy"].note) == (note, note, "")
    assert (found["loss"].low is None) is bool(note)


def test_a_mean_has_the_studentised_interval_of_the_textbook() -> None:
    # Efron and Tibshirani (1993), section 12.5, with the plug-in standard error of a mean.
    values = np.random.default_rng(0).lognormal(size=50)
    [found] = bootstrap_interval(
        lambda rows: np.array([values[rows].mean()]),
        rows_of_units(None, 50),
        np.random.default_rng(1),
    )
    samples = np.random.default_rng(2).choice(values, (20_000, 50))
    ratios = (samples.mean(1) - values.mean()) / (samples.std(1) / 50**0.5)
    ends = values.mean() - np.percentile(ratios, [97.5, 2.5]) * values.std(ddof=1) / 50**0.5
    assert found == pytest.approx(tuple(ends), rel=0.08)


def test_r2_has_the_interval_of_the_textbook_with_the_error_of_each_sample() -> None:
    # Efron and Tibshirani (1993), section 12.5; the error of a sample is the jackknife's of its own
    # rows, in closed form: R2 without row i, of sums.
    random = np.random.default_rng(3)
    signal = random.normal(size=60)
    target = signal + random.standard_t(5, size=60)
    net = Fixed((signal[:, None] - MEAN) / SCALE)
    wanted = Target(target, "regression", ())
    found = evaluate(net, features_from_array(np.zeros((60, 2))), wanted, seed=0)
    draws = random.integers(60, size=(20_000, 60))
    value, error = r2_and_error(target, signal)
    values, errors = r2_and_error(target[draws], signal[draws])
    assert value == pytest.approx(r2_score(target, signal))
    ends = value - np.percentile((values - value) / errors, [97.5, 2.5]) * error
    assert (found["r2"].low, found["r2"].high) == pytest.approx(tuple(ends), abs=0.03)


def r2_and_error(target: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R2 of (..., n) rows and its standard error by leaving each row out, (...,) both."""
    n, squares = target.shape[-1], (target - answers) ** 2
    around = (target - target.mean(-1, keepdims=True)) ** 2
    of_squares, of_all = squares.sum(-1, keepdims=True), around.sum(-1, keepdims=True)
    left = 1 - (of_squares - squares) / (of_all - around * n / (n - 1))
    errors = ((n - 1) * left.var(-1)) ** 0.5
    return 1 - (of_squares / of_all)[..., 0], errors


def test_an_interval_of_many_rows_is_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(0).lognormal(size=1500)
    [found] = bootstrap_interval(
        lambda rows: np.array([values[rows].mean()]),
        rows_of_units(None, 1500),
        np.random.default_rng(1),
    )
    reference = bootstrap(
        (values,), np.mean, n_resamples=5000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    width = reference.high - reference.low
    assert found == pytest.approx((reference.low, reference.high), abs=0.1 * width)


def test_an_interval_stays_within_what_a_metric_can_be() -> None:
    predictor, target = with_errors(4, 40)
    found = evaluate(predictor, features_from_array(X[:40]), target, seed=0)
    assert found["f1"].high is not None
    assert found["f1"].high <= 1.0
    assert METRICS["r2"].bounds == (-np.inf, 1.0)
    assert METRICS["loss"].bounds == (0.0, np.inf)
    assert METRICS["f1"].bounds == (0.0, 1.0)


def covers(rows: int, seed: int) -> dict[str, bool]:
    """Whether intervals of a net that is right in 90 % of rows hold its true figures."""
    random = np.random.default_rng(seed)
    labels = random.integers(2, size=rows)
    margins = 3 * norm.ppf(0.9) + 3 * random.normal(size=rows)
    outputs = np.stack([np.where(labels == at, margins, 0.0) for at in (0, 1)], axis=1)
    target = Target(labels, "classification", ("x", "y"))
    found = evaluate(Fixed(outputs, ("x", "y")), features_from_array(np.zeros((rows, 2))),
                     target, seed)  # fmt: skip
    places = (np.arange(100_000) + 0.5) / 100_000
    loss = np.log1p(np.exp(-3 * norm.ppf(0.9) - 3 * norm.ppf(places))).mean()
    held = {"accuracy": 0.9, "loss": loss}
    return {
        name: bool(one.low <= held[name] <= one.high)
        for name, one in found.items()
        if name in held and one.low is not None and one.high is not None
    }


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    found = [covers(60, seed) for seed in range(15)]
    held = {name: sum(one.get(name, True) for one in found) for name in ("accuracy", "loss")}
    assert min(held.values()) >= binom.ppf(0.001, 15, 0.95)


def test_equal_seeds_give_equal_intervals() -> None:
    predictor, target, _ = classes()
    first = evaluate(predictor, features_from_array(X), target, seed=4)
    assert first == evaluate(predictor, features_from_array(X), target, seed=4)
    assert first != evaluate(predictor, features_from_array(X), target, seed=5)


def test_a_probability_of_nothing_gives_a_large_loss_and_no_infinity() -> None:
    net, names = torch.nn.Linear(2, 2), ("x", "y")
    torch.nn.init.eye_(net.weight)
    torch.nn.init.zeros_(net.bias)
    predictor = Predictor([(net, Fixed(np.zeros((2, 2)), names).preprocessing)])
    target = Target(np.array([0, 0]), "classification", names)
    raw = features_from_array(np.array([[0.0, 5000.0], [1.0, 1.0]]))
    found = evaluate(predictor, raw, target, seed=0)
    assert found["loss"].value == pytest.approx((5000 + np.log(2)) / 2)


RANKING = recorded_metrics("classification", {"auc": MetricOptions()})


def ranked(labels: np.ndarray) -> Estimate:
    """The area under the curve of a net that is mostly right."""
    margins = np.random.default_rng(5).normal(size=len(labels)) + 2.0 * labels
    outputs = np.stack([np.zeros(len(labels)), margins], axis=1)
    target = Target(labels, "classification", ("n", "y"))
    rows = features_from_array(np.zeros((len(labels), 2)))
    return evaluate_metrics(Fixed(outputs, ("n", "y")), rows, target, RANKING, Resampling(0))["auc"]


@pytest.mark.parametrize("rows", [60, 1200])
def test_an_area_has_an_interval_although_some_samples_lack_a_class(rows: int) -> None:
    labels = np.zeros(rows, dtype=np.int64)
    labels[:5] = 1  # e^-5 of all samples have none of these
    found = ranked(labels)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value <= found.high <= 1


def test_an_area_over_a_class_of_one_row_has_no_interval() -> None:
    labels = np.zeros(60, dtype=np.int64)
    labels[0] = 1
    assert (ranked(labels).low, ranked(labels).high) == (None, None)


def test_a_metric_without_a_value_says_so() -> None:
    found = ranked(np.zeros(30, dtype=np.int64))
    assert np.isnan(found.value)
    assert found.note == "has no value on these 30 rows"


PATIENTS = np.repeat(np.arange(20), 15)


def right_of_patients(random: np.random.Generator) -> np.ndarray:
    """20 patients of 15 rows; how often an answer is right (4 in 5) belongs to the patient."""
    return random.random(300) < random.beta(4, 1, size=20)[PATIENTS]


def ends_of_groups(right: np.ndarray, random: np.random.Generator) -> tuple[float, float]:
    def measure(rows: np.ndarray) -> np.ndarray:
        return np.array([right[rows].mean()])

    (ends,) = bootstrap_interval(measure, rows_of_units(PATIENTS, 300), random)
    return ends


def test_intervals_of_groups_hold_where_those_of_rows_do_not() -> None:
    random = np.random.default_rng(8)
    held = np.zeros(2)
    for _ in range(60):
        right = right_of_patients(random)
        low, high = share_interval(int(right.sum()), 300)
        below, above = ends_of_groups(right, random)
        held += [low < 0.8 < high, below < 0.8 < above]
    # 95 of 100 are promised; of 60 that is 57, with a deviation of 1.7.
    assert held[0] < 51
    assert held[1] >= 52


def test_whole_groups_are_drawn_where_rows_come_in_groups() -> None:
    random = np.random.default_rng(8)
    right, labels = right_of_patients(random), random.integers(2, size=300)
    said = np.where(right, labels, 1 - labels)
    predictor = Fixed(4.0 * np.eye(2)[said], ("n", "y"))
    target = Target(labels, "classification", ("n", "y"))
    rows = features_from_array(np.zeros((300, 2)))
    alone = evaluate(predictor, rows, target, 0)["accuracy"]
    grouped = evaluate(predictor, rows, target, 0, PATIENTS)["accuracy"]
    assert alone.value == grouped.value
    assert alone.low is not None
    assert grouped.low is not None
    assert grouped.low < alone.low - 0.02


def test_one_group_is_too_few_for_any_interval() -> None:
    predictor, target, _ = classes()
    found = evaluate(predictor, features_from_array(X), target, 0, np.zeros(ROWS, dtype=np.intp))
    assert {one.low for one in found.values()} == {None}
    assert "1 group" in found["accuracy"].note

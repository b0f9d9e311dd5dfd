from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.features import (
    Features,
    features_from_array,
    features_from_columns,
    named_columns,
)
from sweeps.models.data.targets import Target
from sweeps.models.errors import DataError
from sweeps.models.splits.preprocessing import (
    Preprocessing,
    preprocessing_from_json,
    preprocessing_to_json,
)
from sweeps.models.splits.preprocessing_fit import MAX_CATEGORIES, fit_preprocessing

RNG = np.random.default_rng(3)


def fitted(features: Features, **keys: str) -> Preprocessing:
    classes = Target(np.arange(len(features)) % 2, "classification", ("no", "yes"))
    config = DataConfig.model_validate({"source": "iris", **keys})
    return fit_preprocessing(features, classes, config)


def table() -> Features:
    return features_from_columns(
        {"age": [1.0, 3.0, 8.0], "town": ["u", "v", "u"], "kind": ["b", "a", "c"]}
    )


def test_standard_scaling_equals_that_of_scikit_learn() -> None:
    train, dev = RNG.normal(1e6, 3.0, (50, 4)), RNG.normal(1e6, 3.0, (9, 4))
    preprocessing = fitted(features_from_array(train))
    reference = StandardScaler().fit(train)
    np.testing.assert_allclose(preprocessing.apply(train), reference.transform(train), atol=1e-6)
    np.testing.assert_allclose(preprocessing.apply(dev), reference.transform(dev), atol=1e-6)


def test_filling_then_scaling_equals_that_of_scikit_learn() -> None:
    train = np.where(RNG.random((60, 3)) < 0.2, np.nan, RNG.normal(5.0, 2.0, (60, 3)))
    preprocessing = fitted(features_from_array(train), missing="mean")
    reference = make_pipeline(SimpleImputer(), StandardScaler()).fit(train)
    np.testing.assert_allclose(preprocessing.apply(train), reference.transform(train), atol=1e-6)


@pytest.mark.parametrize("rows", [7, 60, 2500])
@pytest.mark.parametrize(
    ("scale", "reference"),
    [
        ("robust", lambda rows: RobustScaler()),
        (
            "quantile",
            lambda rows: QuantileTransformer(
                n_quantiles=min(rows, 1000), output_distribution="normal"
            ),
        ),
    ],
)
def test_scaling_of_skewed_and_tied_numbers_equals_that_of_scikit_learn(
    scale: str, reference: Callable[[int], Any], rows: int
) -> None:
    random = np.random.default_rng(rows)
    tied = random.integers(0, 4, rows).astype(float)
    mostly = np.where(random.random(rows) < 0.1, 1.0, 5.0)
    train = np.stack([random.lognormal(0.0, 3.0, rows), tied, mostly, np.arange(rows) * 1e6], 1)
    other = np.concatenate([random.permuted(train, axis=0)[:5] * 1.01, train[:2] - 1e7, -train[:2]])
    preprocessing = fitted(features_from_array(train), scale=scale)
    known = reference(rows).fit(train)
    for numbers in (train, other):
        expected = known.transform(numbers)
        np.testing.assert_allclose(preprocessing.apply(numbers), expected, rtol=2e-6, atol=2e-6)


def test_images_are_scaled_per_channel_as_by_all_of_its_pixels() -> None:
    images = RNG.normal(1.0, 2.0, (20, 3, 4, 5)) * np.array([1.0, 10.0, 100.0]).reshape(3, 1, 1)
    preprocessing = fitted(features_from_array(images), scale="per_channel")
    of_pixels = StandardScaler().fit(images.transpose(0, 2, 3, 1).reshape(-1, 3))
    expected = of_pixels.transform(images.transpose(0, 2, 3, 1).reshape(-1, 3))
    scaled = preprocessing.apply(images).transpose(0, 2, 3, 1).reshape(-1, 3)
    np.testing.assert_allclose(scaled, expected, atol=1e-5)


@pytest.mark.parametrize("scale", ["standard", "robust", "quantile"])
def test_a_constant_column_becomes_nothing_by_any_scaling(scale: str) -> None:
    train = np.stack([np.full(30, 0.1), np.arange(30.0)], axis=1)
    assert not fitted(features_from_array(train), scale=scale).apply(train + 0.1)[:, 0].any()


def test_rows_that_are_no_images_have_no_channels() -> None:
    with pytest.raises(DataError, match="per_channel needs images") as caught:
        fitted(features_from_array(RNG.normal(size=(9, 4))), scale="per_channel")
    assert caught.value.key == ("scale",)


def test_quantiles_are_kept_in_the_record_and_in_no_other() -> None:
    features = features_from_array(RNG.lognormal(size=(30, 2)))
    kept, other = fitted(features, scale="quantile"), fitted(features, scale="robust")
    assert Preprocessing.from_json(kept.to_json()) == kept
    assert "quantiles" not in other.to_json()


def test_categories_equal_the_one_hot_encoding_of_scikit_learn() -> None:
    features = table()
    reference = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(features.words)
    preprocessing = fitted(features)
    np.testing.assert_array_equal(
        preprocessing.apply(features)[:, 1:], reference.transform(features.words)
    )
    assert preprocessing.categories == (("u", "v"), ("a", "b", "c"))
    assert preprocessing.input_shape == (6,)


def test_an_unseen_category_is_all_zeros() -> None:
    encoded = fitted(table()).apply({"age": [3.0], "kind": ["a"], "town": ["w"]})
    np.testing.assert_array_equal(encoded[0, 1:], [0, 0, 1, 0, 0])


def test_a_missing_word_is_all_zeros_where_missing_values_are_filled() -> None:
    encoded = fitted(table(), missing="mean").apply({"age": [None], "kind": ["a"], "town": [None]})
    np.testing.assert_array_equal(encoded[0], [0, 0, 0, 1, 0, 0])


def test_a_data_frame_is_matched_by_name_and_not_by_place() -> None:
    train = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [50.0, 60.0, 90.0]})
    preprocessing = fitted(features_from_columns(named_columns(train) or {}))
    shuffled = train.assign(extra="x")[["extra", "b", "a"]]
    np.testing.assert_array_equal(preprocessing.apply(shuffled), preprocessing.apply(train))


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_lie_in_memory_alike_whatever_order_they_came_in(order: Literal["C", "F"]) -> None:
    rows = np.array(RNG.normal(size=(7, 3)), order=order)
    preprocessing = fitted(features_from_array(rows))
    frame = pd.DataFrame(rows, columns=[f"c{place}" for place in range(3)])
    of_frame = fitted(features_from_columns({name: frame[name] for name in frame}))
    assert preprocessing.apply(rows).flags.c_contiguous
    assert of_frame.apply(frame).flags.c_contiguous


def test_a_constant_number_becomes_zero_whatever_it_is_later() -> None:
    train = np.column_stack((np.full(7, 0.1), np.arange(7)))
    preprocessing = fitted(features_from_array(train))
    assert preprocessing.scales[0] == 0.0
    np.testing.assert_array_equal(preprocessing.apply(train)[:, 0], np.zeros(7))
    np.testing.assert_array_equal(preprocessing.apply([[99.0, 3.0]]), [[0.0, 0.0]])


def test_scale_none_leaves_numbers_alone() -> None:
    train = RNG.normal(size=(5, 2)).astype(np.float32)
    np.testing.assert_array_equal(
        fitted(features_from_array(train), scale="none").apply(train), train
    )


def test_images_keep_their_shape_given_flat_or_not() -> None:
    images = RNG.normal(size=(6, 2, 3, 4))
    preprocessing = fitted(features_from_array(images))
    assert preprocessing.apply(images).shape == (6, 2, 3, 4)
    np.testing.assert_array_equal(
        preprocessing.apply(images.reshape(6, -1)), preprocessing.apply(images)
    )


def test_a_table_of_words_alone_can_be_encoded() -> None:
    preprocessing = fitted(features_from_columns({"town": ["u", "v", "u"]}))
    np.testing.assert_array_equal(preprocessing.apply({"town": ["v"]}), [[0.0, 1.0]])


def test_the_record_survives_json_exactly() -> None:
    preprocessing = fitted(table(), missing="mean")
    copy = Preprocessing.from_json(preprocessing.to_json())
    assert copy == preprocessing
    assert json.loads(preprocessing.to_json())["class_names"] == ["no", "yes"]


@pytest.mark.parametrize(
    ("target", "moments"),
    [
        (Target(np.array([1.0, 4.0]), "regression"), (0.0, 1.0)),
        (Target(np.array([[1.0, 1.0], [4.0, 1.0]]), "regression", names=("time", "event")),
         ((0.0, 0.0), (1.0, 1.0))),
    ],
)  # fmt: skip
def test_a_target_that_is_not_scaled_stays_as_it_is(target: Target, moments: Any) -> None:
    config = DataConfig(source="iris", scale_target="none")
    fit = fit_preprocessing(features_from_array(np.zeros((2, 1))), target, config)
    assert (fit.target_mean, fit.target_scale) == moments


def test_classes_are_never_scaled() -> None:
    with pytest.raises(DataError, match="scale_target: only targets that are amounts are scaled"):
        fitted(features_from_array(np.zeros((4, 1))), scale_target="none")


def test_a_regression_target_is_described_by_its_moments() -> None:
    values = RNG.normal(50.0, 9.0, 30)
    config = DataConfig(source="diabetes")
    features = features_from_array(np.arange(30.0))
    preprocessing = fit_preprocessing(features, Target(values, "regression"), config)
    assert preprocessing.target_mean == pytest.approx(values.mean())
    assert preprocessing.target_scale == pytest.approx(values.std())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e-310, 1e-200, 1e-150, 1e150, 1e200])
def test_a_target_whose_squares_float64_cannot_hold_is_refused(size: float) -> None:
    target = Target(RNG.normal(size=30) * size, "regression")
    features = features_from_array(np.arange(30.0))
    with pytest.raises(DataError, match=r"must be between 1e-140 and 1e\+140.*other units"):
        fit_preprocessing(features, target, DataConfig(source="diabetes"))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            {"age": [1.0], "town": ["u"]},
            "columns of the training data are missing: kind",
        ),
        ({"age": [None], "town": ["u"], "kind": ["a"]}, r"missing values: age \(1\)"),
        (
            {"age": ["old"], "town": ["u"], "kind": ["a"]},
            "column 'age' must hold numbers, as in training; row 1 holds 'old'",
        ),
        (
            {"age": [np.inf], "town": ["u"], "kind": ["a"]},
            r"infinite values: age \(1\), first in row 1",
        ),
        ([[1.0, 2.0, 3.0]], "which had 2 columns of words"),
    ],
)
def test_what_cannot_be_encoded_is_refused(raw: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fitted(table()).apply(raw)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (features_from_array(np.array([[1.0, np.nan]] * 3)), r"and x1 has none.*exclude: \[x1\]"),
        (
            features_from_columns({"id": [f"row{i}" for i in range(MAX_CATEGORIES + 1)]}),
            r"'id' has 1001 in the training rows.*exclude: \[id\]",
        ),
        (
            features_from_array([1e300, -1e300, 0.0]),
            r"column 'x0' .* mean and spread.*got -?1e\+300",
        ),
    ],
)
def test_columns_that_nothing_can_be_learned_from_are_refused(
    features: Features, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        fitted(features, missing="mean")


def test_the_preprocessing_of_folds_is_read_as_it_was_written() -> None:
    folds = tuple(fitted(table(), scale=scale) for scale in ("standard", "none"))
    assert preprocessing_from_json(preprocessing_to_json(folds)) == folds
    assert preprocessing_from_json(preprocessing_to_json(folds[:1])) == folds[:1]
    assert preprocessing_to_json(folds[:1]) == folds[0].to_json()


def test_numbers_too_large_for_float32_are_refused() -> None:
    with pytest.raises(DataError, match=r"column 'x0' .* fit in float32.*got 1e\+100"):
        fitted(features_from_array([1e100, 1.0]), scale="none").apply([1e100])

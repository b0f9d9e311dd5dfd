from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import Dataset, load_dataset
from sweeps.models.data.features import features_from_array
from sweeps.models.data.targets import Target
from sweeps.models.errors import DataError
from sweeps.models.splits.splits import Splits, refit_splits, split_dataset, split_folds


def loaded(**keys: object) -> tuple[Dataset, DataConfig]:
    config = DataConfig.model_validate(keys)
    return load_dataset(config, Path()), config


def split(seed: int = 7, **keys: object) -> Splits:
    return split_dataset(*loaded(**keys), seed)


def test_workers_receive_arrays_that_torch_can_use() -> None:
    data = split(source="digits").train_dev()
    assert data.x_train.shape[1:] == data.input_shape == (1, 8, 8)
    assert (data.x_train.dtype, data.y_train.dtype) == (np.float32, np.int64)
    assert (data.task, data.outputs, data.target_mean, data.target_scale) == (
        "classification",
        10,
        0.0,
        1.0,
    )


def test_regression_targets_are_standardised_by_the_training_rows() -> None:
    dataset, config = loaded(source="diabetes")
    splits = split_dataset(dataset, config, 7)
    data = splits.train_dev()
    restored = data.y_dev * data.target_scale + data.target_mean
    np.testing.assert_allclose(restored, dataset.target.values[splits.dev.rows], rtol=1e-5)
    assert abs(float(data.y_train.mean())) < 1e-6
    assert (data.y_train.dtype, data.outputs) == (np.float32, 1)


def test_no_test_row_is_in_what_workers_receive() -> None:
    splits = split(source="moons")
    data = splits.train_dev()
    sent = {row.tobytes() for row in np.concatenate((data.x_train, data.x_dev))}
    wire = pickle.dumps(data)
    assert sent.isdisjoint(row.tobytes() for row in splits.test.x)
    assert not any(row.tobytes() in wire for row in splits.test.x)
    assert len(sent) == 800


@pytest.mark.parametrize("source", ["digits", "diabetes"])
def test_workers_receive_the_same_whatever_the_test_rows_hold(source: str) -> None:
    dataset, config = loaded(source=source)
    splits = split_dataset(dataset, config, 7)
    numbers = dataset.features.numbers.copy()
    numbers[splits.test.rows] *= -1000
    features = dataclasses.replace(dataset.features, numbers=numbers)
    changed = split_dataset(dataclasses.replace(dataset, features=features), config, 7)
    assert pickle.dumps(changed.train_dev()) == pickle.dumps(splits.train_dev())
    assert not np.array_equal(changed.test.x, splits.test.x)


def test_regression_targets_of_test_rows_change_nothing_that_workers_receive() -> None:
    dataset, config = loaded(source="diabetes")
    splits = split_dataset(dataset, config, 7)
    values = dataset.target.values.copy()
    values[splits.test.rows] += 1e6
    target = Target(values, "regression")
    changed = split_dataset(dataclasses.replace(dataset, target=target), config, 7)
    assert pickle.dumps(changed.train_dev()) == pickle.dumps(splits.train_dev())


def test_the_three_splits_hold_every_row_once() -> None:
    splits = split(source="wine")
    rows = np.concatenate((splits.train.rows, splits.dev.rows, splits.test.rows))
    np.testing.assert_array_equal(np.sort(rows), np.arange(178))
    assert len(splits.train.x) == len(splits.train.y) == len(splits.train.rows)


def test_a_split_holds_its_rows_of_the_data_set() -> None:
    dataset, config = loaded(source="iris", scale="none")
    part = split_dataset(dataset, config, 3).dev
    np.testing.assert_allclose(part.x, dataset.features.numbers[part.rows], rtol=1e-6)
    np.testing.assert_array_equal(part.y, dataset.target.values[part.rows])


def test_equal_seeds_give_equal_data() -> None:
    first, again, other = (split(seed, source="iris").train_dev() for seed in (1, 1, 2))
    assert pickle.dumps(first) == pickle.dumps(again)
    assert not np.array_equal(first.x_train, other.x_train)


@pytest.mark.parametrize("cut", [{"dev": 0.2}, {"folds": 3}])
def test_a_split_with_a_seed_of_its_own_has_the_same_rows_whatever_the_sweeps_is(
    cut: dict[str, object],
) -> None:
    dataset, plain = loaded(source="iris", split=cut)
    _, own = loaded(source="iris", split={**cut, "seed": 7})
    for first, again in zip(
        split_folds(dataset, plain, 7), split_folds(dataset, own, 8), strict=True
    ):
        for name in ("train", "dev", "test"):
            np.testing.assert_array_equal(getattr(first, name).rows, getattr(again, name).rows)
    np.testing.assert_array_equal(
        refit_splits(dataset, plain, 7).train.rows, refit_splits(dataset, own, 8).train.rows
    )


def test_pixels_that_are_constant_in_training_are_zero() -> None:
    data = split(source="digits").train_dev()
    deviations = data.x_train.reshape(len(data.x_train), -1).std(axis=0)
    assert set(np.round(deviations, 3)) == {0.0, 1.0}
    assert np.isfinite(data.x_dev).all()


def test_missing_values_are_refused_with_columns_counts_and_way_out() -> None:
    values = np.ones((30, 3))
    values[:4, 1] = np.nan
    target = Target(np.arange(30) % 2, "classification", ("a", "b"))
    dataset = Dataset("own:data", features_from_array(values), target, "")
    with pytest.raises(DataError, match=r"missing values: x1 \(4\).*missing: mean") as caught:
        split_dataset(dataset, DataConfig(source="own:data"), 0)
    assert caught.value.key == ("missing",)


def test_a_seed_gives_the_same_rows_from_release_to_release() -> None:
    splits = split(7, source="iris")
    assert splits.test.rows[:8].tolist() == [65, 115, 97, 87, 83, 139, 78, 26]
    assert splits.train.rows[:4].tolist() == [21, 42, 135, 56]


def test_each_fold_is_scaled_by_its_own_train_rows() -> None:
    dataset, config = loaded(source="diabetes", split={"folds": 4})
    for fold in split_folds(dataset, config, 7):
        x = dataset.features.numbers[fold.train.rows]
        expected = StandardScaler().fit(x).transform(dataset.features.numbers[fold.dev.rows])
        np.testing.assert_allclose(fold.dev.x, expected, rtol=1e-5, atol=1e-6)
        y = dataset.target.values[fold.train.rows]
        assert fold.train_dev().target_mean == pytest.approx(y.mean())
        assert fold.train_dev().target_scale == pytest.approx(y.std())


def test_what_a_fold_is_sent_depends_on_none_of_its_dev_rows_and_no_test_set_row() -> None:
    dataset, config = loaded(source="wine", split={"folds": 3})
    fold = split_folds(dataset, config, 7)[1]
    changed = dataset.features.numbers.copy()
    changed[fold.test.rows] += 100.0
    changed[fold.dev.rows] *= 3.0
    features = features_from_array(changed)
    again = split_folds(dataclasses.replace(dataset, features=features), config, 7)[1]
    np.testing.assert_array_equal(again.train.x, fold.train.x)
    assert again.preprocessing.means == fold.preprocessing.means


def test_without_folds_there_is_one_split() -> None:
    dataset, config = loaded(source="iris")
    [only] = split_folds(dataset, config, 7)
    assert pickle.dumps(only.train_dev()) == pickle.dumps(split(source="iris").train_dev())


def test_a_sample_of_the_train_rows_is_drawn_once_and_cuts_nothing_otherwise() -> None:
    whole, sampled = split(source="digits"), split(source="digits", train_sample=100)
    again, other = (split(seed, source="digits", train_sample=100) for seed in (7, 8))
    assert (whole.measured, split(source="iris", train_sample=10_000).measured) == (None, None)
    measured = sampled.train_dev().measured
    assert measured is not None
    assert len(set(measured.tolist())) == 100
    assert (measured < len(sampled.train.rows)).all()
    np.testing.assert_array_equal(measured, again.measured)
    assert not np.array_equal(measured, other.measured)
    np.testing.assert_array_equal(sampled.train.rows, whole.train.rows)

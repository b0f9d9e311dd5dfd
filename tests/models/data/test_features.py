from __future__ import annotations

import numpy as np
import pytest

from sweeps.models.data.features import column_values, features_from_array, features_from_columns
from sweeps.models.errors import DataError


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((6,), (6, 1)), ((6, 2), (6, 2)), ((6, 4, 5), (6, 1, 4, 5)), ((6, 3, 4, 5), (6, 3, 4, 5))],
)
def test_arrays_are_rows_tables_or_images(
    shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    features = features_from_array(np.zeros(shape))
    assert features.numbers.shape == expected
    assert len(features.number_names) == features.flat.shape[1]


def test_bytes_take_float32_and_large_integers_keep_their_value() -> None:
    assert features_from_array(np.zeros((2, 2), dtype=np.uint8)).numbers.dtype == np.float32
    assert features_from_array(np.zeros((2, 2, 2), dtype=np.uint8)).numbers.dtype == np.uint8
    assert features_from_array(np.array([2**31 + 1])).numbers[0, 0] == 2**31 + 1


def test_numbers_come_first_and_words_after_them() -> None:
    columns = {"colour": ["red", None], "age": [3, None], "old": [True, False]}
    features = features_from_columns(columns)
    assert (features.number_names, features.word_names) == (("age", "old"), ("colour",))
    np.testing.assert_array_equal(features.numbers, [[3, 1], [np.nan, 0]])
    assert features.words.tolist() == [["red"], [None]]


def test_nan_among_words_is_a_missing_word() -> None:
    features = features_from_columns({"colour": np.array(["red", np.nan], dtype=object)})
    assert features.words.tolist() == [["red"], [None]]


def test_objects_may_be_numbers_of_numpy() -> None:
    column = np.array([np.int64(3), np.float32(0.5), True, None], dtype=object)
    np.testing.assert_array_equal(column_values("a", column), [3.0, 0.5, 1.0, np.nan])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "at least one column"),
        ({"a": [1, 2], "b": [1]}, "same number of rows"),
        ({"a": np.array([1, "x"], dtype=object)}, "column 'a' must hold .* row 2 holds 'x'"),
        ({"a": [[1, 2]]}, "column 'a' must have one value per row"),
    ],
)
def test_columns_that_are_no_features_are_refused(columns: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        features_from_columns(columns)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [np.zeros((2, 2, 2, 2, 2)), np.array(3.0), [["red"]]])
def test_arrays_that_are_no_features_are_refused(values: object) -> None:
    with pytest.raises(DataError):
        features_from_array(values)  # type: ignore[arg-type]

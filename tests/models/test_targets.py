from __future__ import annotations

import numpy as np
import pytest

from sweeps.models.errors import DataError
from sweeps.models.targets import read_target


@pytest.mark.parametrize(
    ("raw", "task", "outputs"),
    [
        (["b", "a", "b"], "classification", 2),
        ([True, False, True], "classification", 2),
        (np.arange(20), "classification", 20),
        (np.arange(21), "regression", 1),
        ([0.5, 1.0, 2.0], "regression", 1),
    ],
)
def test_auto_tells_classes_from_amounts(raw: list[object], task: str, outputs: int) -> None:
    target = read_target("y", raw, "auto")  # type: ignore[arg-type]
    assert (target.task, target.outputs) == (task, outputs)


def test_whole_numbers_are_classes_in_ascending_order() -> None:
    target = read_target("y", [10, 9, 10, -1], "classification")
    assert target.class_names == ("-1", "9", "10")
    np.testing.assert_array_equal(target.values, [2, 1, 2, 0])
    assert target.values.dtype == np.int64


def test_words_are_classes_in_alphabetical_order() -> None:
    target = read_target("y", ["dog", "cat", "dog"], "auto")
    assert target.class_names == ("cat", "dog")
    np.testing.assert_array_equal(target.values, [1, 0, 1])


def test_whole_numbers_may_be_amounts() -> None:
    target = read_target("y", [[1], [2], [2]], "regression")
    np.testing.assert_array_equal(target.values, [1.0, 2.0, 2.0])
    assert target.class_names == ()


@pytest.mark.parametrize(
    ("raw", "task", "message"),
    [
        ([], "auto", "none"),
        ([1, np.nan, 0, np.nan], "auto", r"2 rows \(2, 4\) have none. A target cannot be filled"),
        (["a", None, "b"], "auto", r"target 'y', and row 2 has none"),
        ([0.1, np.inf], "auto", "row 2 has infinity"),
        (["a", "b"], "regression", "regression needs numbers, and 'y' holds words"),
        (["a", "a"], "auto", "two classes or more, and every row is 'a'"),
        ([0.5, 1.0], "classification", "got 0.5. If it is an amount, write task: regression"),
        ([2.5, 2.5], "regression", "two values or more, and every row is 2.5"),
        (np.zeros((3, 2)), "auto", "one value a row"),
    ],
)
def test_targets_that_cannot_be_learned_are_refused(raw: object, task: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_target("y", raw, task)  # type: ignore[arg-type]

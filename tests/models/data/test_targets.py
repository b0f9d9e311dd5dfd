from __future__ import annotations

import numpy as np
import pytest

from sweeps.models.data.cells import number_in, object_array
from sweeps.models.data.targets import Target, class_labels, read_target
from sweeps.models.errors import DataError


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
        ([], "auto", "at least one row"),
        (
            [1, np.nan, 0, np.nan],
            "auto",
            r"2 rows \(2, 4\) have none. Missing targets cannot be filled",
        ),
        (["a", None, "b"], "auto", r"target 'y'; row 2 has none"),
        ([0.1, np.inf], "auto", "row 2 has infinity"),
        (["a", "b"], "regression", "regression needs numbers; 'y' holds words"),
        (["a", "a"], "auto", "must have at least two classes; every row is 'a'"),
        ([0.5, 1.0], "classification", "got 0.5. If it is a quantity, write task: regression"),
        ([2.5, 2.5], "regression", "must have at least two values; every row is 2.5"),
        (np.zeros((3, 2)), "auto", "one value per row"),
    ],
)
def test_targets_that_cannot_be_learned_are_refused(raw: object, task: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_target("y", raw, task)  # type: ignore[arg-type]


BIG = 9007199254740992  # 2^53: from here on float64 has no number of its own for each integer


@pytest.mark.parametrize(
    "raw",
    [
        [BIG, BIG + 1, BIG + 3],
        np.array([BIG, BIG + 1, BIG + 3]),
        np.array([BIG, BIG + 1, BIG + 3], dtype=np.uint64),
        np.array([BIG, BIG + 1, BIG + 3], dtype=object),
    ],
)
def test_classes_above_2_to_the_53_stay_apart(raw: object) -> None:
    target = read_target("y", raw, "auto")  # type: ignore[arg-type]
    assert target.class_names == (str(BIG), str(BIG + 1), str(BIG + 3))
    assert class_labels(target.class_names, target.class_type).tolist() == [BIG, BIG + 1, BIG + 3]


def test_classes_beyond_64_bits_and_of_both_signs_keep_their_digits() -> None:
    target = read_target("y", [2**70 + 1, -1, 2**70, 2**63], "classification")
    assert target.class_names == ("-1", str(2**63), str(2**70), str(2**70 + 1))


@pytest.mark.parametrize(("dtype", "digits"), [(np.float64, 53), (np.float32, 24)])
def test_classes_that_a_float_cannot_hold_exactly_are_refused_by_name(
    dtype: type, digits: int
) -> None:
    with pytest.raises(
        DataError, match=rf"target 'id' must be exact.*2\^{digits} cannot be distinguished"
    ):
        read_target("id", np.array([1, 2.0**digits], dtype=dtype), "classification")


def test_amounts_that_would_merge_are_refused_and_others_are_rounded() -> None:
    with pytest.raises(DataError, match=f"row 2 holds {BIG + 1}"):
        read_target("y", [BIG, BIG + 1, 7], "regression")
    assert read_target("y", [BIG + 1, 5, 7], "regression").values[0] == BIG


@pytest.mark.parametrize("raw", [[True, False, True], np.array([True, False])])
def test_booleans_are_classes_that_answer_as_booleans(raw: object) -> None:
    target = read_target("y", raw, "auto")  # type: ignore[arg-type]
    assert target.class_names == ("False", "True")
    labels = class_labels(target.class_names, target.class_type)
    assert labels.dtype == np.bool_
    assert labels[target.values].tolist() == list(raw)  # type: ignore[call-overload]


def as_read(texts: list[str]) -> Target:
    """The target of a .csv file's cells."""
    values = object_array(map(number_in, texts))
    return read_target("y", values, "classification", object_array(texts))


@pytest.mark.parametrize(
    ("texts", "names", "kind"),
    [
        (["00501", "2134", "00501"], ("00501", "2134"), "text"),
        (["10", "9"], ("9", "10"), "integer"),
        (["1.0", "2.0"], ("1.0", "2.0"), "text"),
        (["True", "False"], ("False", "True"), "boolean"),
        (["true", "false"], ("false", "true"), "text"),
        (["+1", "-1"], ("-1", "+1"), "text"),
    ],
)
def test_classes_of_a_file_keep_their_text(
    texts: list[str], names: tuple[str, ...], kind: str
) -> None:
    target = as_read(texts)
    assert (target.class_names, target.class_type) == (names, kind)


def test_a_class_that_is_written_in_two_ways_is_refused() -> None:
    with pytest.raises(DataError, match=r"row 1 holds '1' and row 3 '01'.*words: \[y\]"):
        as_read(["1", "2", "01"])

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

from sweeps.models.data.configuration import SplitFractions
from sweeps.models.data.targets import Target
from sweeps.models.errors import DataError
from sweeps.models.splits.row_cuts import cut_folds, cut_rows


def classes_of(sizes: list[int]) -> Target:
    names = tuple(f"c{index}" for index in range(len(sizes)))
    return Target(np.repeat(np.arange(len(sizes)), sizes), "classification", names)


def amounts(rows: int) -> Target:
    return Target(np.linspace(0.0, 1.0, rows), "regression")


def count(target: Target, rows: np.ndarray) -> np.ndarray:
    return np.bincount(target.values[rows], minlength=target.outputs)


@settings(max_examples=100)
@given(
    sizes=st.lists(st.integers(10, 60), min_size=2, max_size=6),
    dev=st.floats(0.05, 0.4),
    test=st.floats(0.05, 0.4),
    seed=st.integers(0, 2**32),
)
def test_each_class_has_its_share_within_one_row(
    sizes: list[int], dev: float, test: float, seed: int
) -> None:
    target = classes_of(sizes)
    cut = cut_rows(target, SplitFractions(dev=dev, test=test), seed)
    assert np.abs(count(target, cut.test) - test * np.array(sizes)).max() <= 1
    assert np.abs(count(target, cut.dev) - dev * np.array(sizes)).max() <= 1
    assert np.abs(count(target, cut.train) - (1 - dev - test) * np.array(sizes)).max() <= 2


@settings(max_examples=100)
@given(rows=st.integers(3, 200), dev=st.floats(0.01, 0.5), test=st.floats(0.01, 0.49))
def test_the_splits_of_amounts_are_disjoint_and_complete(
    rows: int, dev: float, test: float
) -> None:
    assume(round(dev * rows) > 0 and round(test * rows) > 0)
    assume(rows - round(dev * rows) - round(test * rows) > 1)
    cut = cut_rows(amounts(rows), SplitFractions(dev=dev, test=test), 7)
    together = np.concatenate((cut.train, cut.dev, cut.test))
    np.testing.assert_array_equal(np.sort(together), np.arange(rows))
    assert (len(cut.dev), len(cut.test)) == (round(dev * rows), round(test * rows))


def test_every_class_is_in_every_split_and_none_is_lost() -> None:
    target = classes_of([3, 4, 400, 37])
    cut = cut_rows(target, SplitFractions(dev=0.05, test=0.05), 1)
    counts = [count(target, rows) for rows in (cut.train, cut.dev, cut.test)]
    assert np.min(counts) >= 1
    np.testing.assert_array_equal(np.sum(counts, axis=0), [3, 4, 400, 37])


def test_proportions_agree_with_scikit_learn_within_one_row() -> None:
    target = classes_of([101, 53, 246])
    cut = cut_rows(target, SplitFractions(dev=0.2, test=0.15), 3)
    reference = StratifiedShuffleSplit(n_splits=1, test_size=0.15, random_state=3)
    _, expected = next(reference.split(np.zeros((400, 1)), target.values))
    assert len(cut.test) == len(expected)
    assert np.abs(count(target, cut.test) - count(target, expected)).max() <= 1


def test_equal_seeds_give_equal_cuts_and_others_do_not() -> None:
    target, fractions = classes_of([50, 50]), SplitFractions()
    first, again, other = (cut_rows(target, fractions, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.train, again.train)
    np.testing.assert_array_equal(first.test, again.test)
    assert set(first.test) != set(other.test)


def test_the_test_set_does_not_depend_on_the_size_of_dev() -> None:
    target = classes_of([50, 31, 19])
    small = cut_rows(target, SplitFractions(dev=0.1), 5)
    large = cut_rows(target, SplitFractions(dev=0.5), 5)
    np.testing.assert_array_equal(small.test, large.test)


def test_every_row_is_in_the_test_set_about_as_often_as_any_other() -> None:
    target, fractions = classes_of([20, 20]), SplitFractions(dev=0.25, test=0.25)
    times = sum(np.bincount(cut_rows(target, fractions, s).test, minlength=40) for s in range(400))
    # Each row is drawn in a quarter of 400 cuts: 100 times, with a deviation of 8.7.
    assert np.abs(times - 100).max() < 5 * 8.7


@pytest.mark.parametrize(
    ("target", "fractions", "key", "message"),
    [
        (classes_of([2, 30]), {}, ("target",), r"fewer has c0 \(2\)"),
        (classes_of([10, 10]), {"dev": 0.49, "test": 0.49}, ("split",), r"none has c0 \(0\)"),
        (
            amounts(10),
            {"test": 0.01},
            ("split", "test"),
            "10 rows must have at least one row; got 0.01",
        ),
        (
            amounts(10),
            {"dev": 0.01},
            ("split", "dev"),
            "10 rows must have at least one row; got 0.01",
        ),
        (amounts(10), {"dev": 0.5, "test": 0.4}, ("split",), "at least two rows must be left"),
        (amounts(2), {"dev": 0.4, "test": 0.4}, ("split",), "at least two rows must be left"),
    ],
)
def test_splits_that_lack_rows_are_refused(
    target: Target, fractions: dict[str, float], key: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        cut_rows(target, SplitFractions(**fractions), 0)
    assert caught.value.key == key


def folds_of(folds: int, **more: float) -> SplitFractions:
    return SplitFractions.model_validate({"folds": folds, **more})


@settings(max_examples=100)
@given(
    sizes=st.lists(st.integers(10, 60), min_size=2, max_size=6),
    folds=st.integers(2, 6),
    test=st.floats(0.05, 0.3),
    seed=st.integers(0, 2**32),
)
def test_every_row_outside_the_test_set_is_in_the_dev_split_of_one_fold(
    sizes: list[int], folds: int, test: float, seed: int
) -> None:
    target = classes_of(sizes)
    cuts = cut_folds(target, folds_of(folds, test=test), seed)
    held_out = cut_rows(target, SplitFractions(test=test), seed).test
    dev = np.concatenate([cut.dev for cut in cuts])
    np.testing.assert_array_equal(np.sort([*dev, *held_out]), np.arange(sum(sizes)))
    for cut in cuts:
        np.testing.assert_array_equal(cut.test, held_out)
        np.testing.assert_array_equal(np.sort([*cut.train, *cut.dev]), np.sort(dev))
    counts = np.array([count(target, cut.dev) for cut in cuts])
    assert np.ptp(counts, axis=0).max() <= 1
    assert np.ptp(counts.sum(axis=1)) <= 1
    assert counts.min() >= 1


def test_folds_hold_as_many_of_each_class_as_those_of_scikit_learn() -> None:
    target = classes_of([50, 31, 19])
    cuts = cut_folds(target, folds_of(5), 3)
    rest = np.concatenate([cut.dev for cut in cuts])
    reference = StratifiedKFold(5).split(rest, target.values[rest])
    expected = [count(target, rest[dev]) for _, dev in reference]
    found = np.array([count(target, cut.dev) for cut in cuts])
    np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(expected, axis=0))


@settings(max_examples=100)
@given(rows=st.integers(12, 200), folds=st.integers(2, 8))
def test_folds_of_amounts_are_disjoint_complete_and_of_one_size(rows: int, folds: int) -> None:
    cuts = cut_folds(amounts(rows), folds_of(folds), 7)
    test = cut_rows(amounts(rows), SplitFractions(), 7).test
    np.testing.assert_array_equal(cuts[0].test, test)
    together = np.concatenate([test, *(cut.dev for cut in cuts)])
    np.testing.assert_array_equal(np.sort(together), np.arange(rows))
    assert np.ptp([len(cut.dev) for cut in cuts]) <= 1


def test_folds_are_random_but_for_their_seed() -> None:
    first, again, other = (cut_folds(amounts(50), folds_of(5), seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first[0].train, again[0].train)
    assert set(first[0].dev) != set(other[0].dev)


def test_two_rows_are_in_one_fold_about_as_often_as_any_others() -> None:
    together = np.zeros((12, 12))
    for seed in range(600):
        for cut in cut_folds(amounts(12), folds_of(2, test=0.16), seed):
            together[np.ix_(cut.dev, cut.dev)] += 1
    # Ten rows are left of twelve, in two folds of five: 2 * (5 * 4) / (12 * 11) of all cuts.
    expected = 600 * 40 / 132
    pairs = together[~np.eye(12, dtype=bool)]
    assert np.abs(pairs - expected).max() < 5 * np.sqrt(expected)


@pytest.mark.parametrize(
    ("target", "fractions", "message"),
    [
        (classes_of([30, 6]), {"folds": 6}, r"for each of 6 folds .* left of c1 \(5\); got 6"),
        (classes_of([1, 30]), {"folds": 2}, r"left of c0 \(0\)"),
        (amounts(6), {"folds": 6}, "5 are left besides the test set; got 6"),
        (amounts(4), {"folds": 2}, "at least two to train on; 3 are left"),
    ],
)
def test_folds_that_lack_rows_are_refused(
    target: Target, fractions: dict[str, float], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        cut_folds(target, SplitFractions.model_validate(fractions), 0)
    assert caught.value.key == ("split", "folds")

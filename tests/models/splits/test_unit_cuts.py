from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from sweeps.models.data.configuration import SplitFractions
from sweeps.models.data.targets import Target
from sweeps.models.errors import DataError
from sweeps.models.splits.row_cuts import RowCut, cut_folds, cut_rows

RNG = np.random.default_rng(5)


def labelled(values: np.ndarray) -> Target:
    return Target(values, "classification", tuple(f"c{one}" for one in range(values.max() + 1)))


def parts(cut: RowCut, units: np.ndarray) -> list[set[int]]:
    return [set(units[rows].tolist()) for rows in (cut.train, cut.dev, cut.test)]


@settings(max_examples=60)
@example(sizes=[1] * 9 + [8, 13, 23], seed=0, classes=3)  # the last unit of each class is large
@given(
    sizes=st.lists(st.integers(1, 30), min_size=12, max_size=60),
    seed=st.integers(0, 2**32),
    classes=st.integers(1, 3),
)
def test_no_unit_is_on_two_sides_and_no_row_is_lost(
    sizes: list[int], seed: int, classes: int
) -> None:
    units = np.repeat(np.arange(len(sizes)), sizes)
    values = np.arange(len(sizes)) % classes
    target = labelled(values[units]) if classes > 1 else Target(units * 1.0, "regression")
    cut = cut_rows(target, SplitFractions(), seed, units)
    train, dev, test = parts(cut, units)
    assert sum(map(len, (train, dev, test))) == len(train | dev | test)
    together = np.concatenate([cut.train, cut.dev, cut.test])
    np.testing.assert_array_equal(np.sort(together), np.arange(len(units)))
    assert min(map(len, (train, dev, test))) > 0


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_units_of_one_row_are_cut_as_rows_are(task: str) -> None:
    values = RNG.integers(0, 4, 300)
    target = labelled(values) if task == "classification" else Target(values * 1.5, "regression")
    alone, units = (cut_rows(target, SplitFractions(), 3, one) for one in (None, np.arange(300)))
    np.testing.assert_array_equal(alone.train, units.train)
    np.testing.assert_array_equal(alone.dev, units.dev)
    np.testing.assert_array_equal(alone.test, units.test)


def test_groups_of_one_size_get_their_exact_share_of_rows_and_classes() -> None:
    units = np.repeat(np.arange(100), 20)
    target = labelled((np.arange(100) % 2)[units])
    cut = cut_rows(target, SplitFractions(), 3, units)
    assert [len(cut.train), len(cut.dev), len(cut.test)] == [1200, 400, 400]
    assert target.values[cut.test].mean() == target.values[cut.dev].mean() == 0.5


def test_the_test_set_of_groups_does_not_depend_on_dev() -> None:
    units = np.repeat(np.arange(40), 5)
    target = labelled((np.arange(40) % 3)[units])
    small = cut_rows(target, SplitFractions(dev=0.1), 1, units)
    large = cut_rows(target, SplitFractions(dev=0.4), 1, units)
    np.testing.assert_array_equal(small.test, large.test)


def test_folds_of_groups_are_as_even_as_those_of_scikit_learn() -> None:
    units = np.repeat(np.arange(60), RNG.integers(2, 25, 60))
    target = labelled((RNG.random(60) < 0.3).astype(int)[units])
    cuts = cut_folds(target, SplitFractions.model_validate({"folds": 5}), 2, units)
    rest = np.concatenate([cut.dev for cut in cuts])
    reference = StratifiedGroupKFold(5, shuffle=True, random_state=2)
    folds = reference.split(rest, target.values[rest], units[rest])
    theirs = [np.bincount(target.values[rest[dev]], minlength=2) for _, dev in folds]
    ours = [np.bincount(target.values[cut.dev], minlength=2) for cut in cuts]
    spread = np.ptp(np.array(ours), axis=0) / np.bincount(target.values[rest])
    allowed = np.ptp(np.array(theirs), axis=0) / np.bincount(target.values[rest])
    assert (spread <= allowed + 0.02).all()
    held = [set(units[cut.dev].tolist()) for cut in cuts]
    assert sum(map(len, held)) == len(set.union(*held))


@pytest.mark.parametrize(
    ("groups", "classes", "message"),
    [
        ([0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 0, 0, 0, 0, 1, 1], r"not so c1 \(1\)"),
        ([0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 0, 1], r"not so c0 \(2\), c1 \(2\)"),
    ],
)
def test_too_few_groups_of_a_class_are_refused(
    groups: list[int], classes: list[int], message: str
) -> None:
    target = labelled(np.repeat(classes, 4))
    with pytest.raises(DataError, match=message):
        cut_rows(target, SplitFractions(), 0, np.repeat(groups, 4))

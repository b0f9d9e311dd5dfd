from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import TimeSeriesSplit

from sweeps.models.data.configuration import DataConfig, SplitFractions
from sweeps.models.errors import DataError
from sweeps.models.splits.order_cuts import cut_in_order, roll_folds


def fractions(**keys: object) -> SplitFractions:
    return SplitFractions.model_validate({"order": "t", **keys})


def test_dev_comes_after_train_and_test_after_dev() -> None:
    times = np.random.default_rng(1).permutation(100)
    cut = cut_in_order(times, fractions())
    assert [len(cut.train), len(cut.dev), len(cut.test)] == [60, 20, 20]
    assert times[cut.train].max() < times[cut.dev].min()
    assert times[cut.dev].max() < times[cut.test].min()


def test_a_gap_leaves_rows_out_before_dev_and_before_test() -> None:
    cut = cut_in_order(np.arange(100), fractions(gap=5))
    assert cut.test.min() - cut.dev.max() == 6
    assert cut.dev.min() - cut.train.max() == 6


def test_rows_of_one_moment_stay_together() -> None:
    times = np.repeat(np.arange(10), 7)
    cut = cut_in_order(times, fractions(dev=0.25, test=0.25))
    held = [set(times[rows].tolist()) for rows in (cut.train, cut.dev, cut.test)]
    assert sum(map(len, held)) == 10


@pytest.mark.parametrize("gap", [0, 3])
def test_folds_roll_forward_as_those_of_scikit_learn(gap: int) -> None:
    cuts = roll_folds(np.arange(125), fractions(folds=4, gap=gap, test=0.2))
    before = 100 - gap
    reference = TimeSeriesSplit(4, gap=gap, test_size=round(before / 5)).split(np.arange(before))
    expected = [(train.max(), dev.min(), dev.max()) for train, dev in reference]
    found = [(cut.train.max(), cut.dev.min(), cut.dev.max()) for cut in cuts]
    np.testing.assert_allclose(found, expected, atol=2)
    assert {tuple(cut.test) for cut in cuts} == {tuple(range(100, 125))}


def test_dates_are_an_order() -> None:
    days = np.array("2026-01-01", dtype="datetime64[D]") + np.arange(30)[::-1]
    cut = cut_in_order(days, fractions())
    assert days[cut.train].max() < days[cut.dev].min()


@pytest.mark.parametrize(
    ("values", "keys", "message"),
    [
        (np.zeros(50), {}, "a split would be empty"),
        (np.arange(10), {"gap": 6}, "at least two rows must be left to train on before dev and a"),
        (np.arange(6), {"folds": 5}, "left to train on|rows of its own"),
    ],
)
def test_orders_that_cannot_be_cut_are_refused(
    values: np.ndarray, keys: dict[str, int], message: str
) -> None:
    cut = roll_folds if "folds" in keys else cut_in_order
    with pytest.raises(DataError, match=message):
        cut(values, fractions(**keys))


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"group": "a", "order": "b"}, "only one of group, order and given"),
        ({"gap": 3}, "a gap needs an order"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(
    split: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        DataConfig.model_validate({"source": "t.csv", "target": "y", "split": split})


def test_a_built_in_set_has_no_column_that_could_decide() -> None:
    with pytest.raises(ValueError, match="iris has no column to split by"):
        DataConfig.model_validate({"source": "iris", "split": {"group": "patient"}})

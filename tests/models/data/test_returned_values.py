"""What a function returned is read whole, and its rows are paired as their names say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import Dataset, load_dataset
from sweeps.models.data.features import Features
from sweeps.models.errors import DataError

X = np.array([[1.0, -2.0], [3.0, 0.5], [-1.0, 4.0], [0.25, 8.0]])
Y = np.array([0, 1, 0, 1])
FRAME = pd.DataFrame(X, columns=["a", "b"], index=[10, 11, 12, 13])
LABELS = pd.Series(Y, index=FRAME.index)
Load = Callable[..., Dataset]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Return the data set that a function makes which returns this."""

    def loaded(*returned: Any, **keys: Any) -> Dataset:
        module = ModuleType("returned_here")
        vars(module)["load"] = lambda: returned
        monkeypatch.setitem(__import__("sys").modules, "returned_here", module)
        return load_dataset(DataConfig(source="returned_here:load", **keys), tmp_path)

    return loaded


def numbers(dataset: Dataset) -> Any:
    assert isinstance(dataset.features, Features)
    return dataset.features.flat


@pytest.mark.parametrize(
    "features",
    [
        torch.tensor(X, requires_grad=True),
        torch.tensor(X, dtype=torch.bfloat16),
        torch.tensor(X).to_sparse(),
        torch.nn.Parameter(torch.tensor(X)),
        [torch.tensor(row, requires_grad=True) for row in X],
        np.ma.masked_array(X),
    ],
    ids=["with gradients", "bfloat16", "sparse", "parameter", "list", "mask without a mark"],
)
def test_any_tensor_is_read(load: Load, features: Any) -> None:
    np.testing.assert_array_equal(numbers(load(features, Y)), X)


@pytest.mark.parametrize("kind", [float, int])
def test_what_is_masked_is_missing(load: Load, kind: type) -> None:
    masked = np.ma.masked_array(np.arange(8).reshape(4, 2), dtype=kind, mask=X == 0.5)
    read = numbers(load(masked, Y))
    np.testing.assert_array_equal(read, [[0, 1], [2, np.nan], [4, 5], [6, 7]])


def test_a_masked_label_has_no_value(load: Load) -> None:
    with pytest.raises(DataError, match=r"every row must have a value of .* row 3 has none"):
        load(X, np.ma.masked_array(["u", "v", "u", "v"], mask=[0, 0, 1, 0]))


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (scipy.sparse.csr_matrix(X), r"not a sparse matrix.*features\.toarray\(\)"),
        (iter(X), r"must be given as a whole.*list\(features\)"),
    ],
)
def test_what_is_no_array_is_named(load: Load, features: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(features, Y)


@pytest.mark.parametrize(
    ("features", "target", "beside"),
    [
        (FRAME.sample(frac=1, random_state=1), LABELS, {}),
        (FRAME, LABELS[::-1], {}),
        (FRAME.rename(index=str), LABELS.rename(index=str).sort_index(ascending=False), {}),
        (dict(FRAME.items()), LABELS[::-1], {}),
        ({"a": FRAME["a"], "b": FRAME["b"][::-1]}, Y, {}),
        (FRAME, LABELS, {"patient": pd.Series([1, 2, 3, 4], index=[13, 12, 11, 10])}),
    ],
    ids=["shuffled", "reversed", "names", "mapping", "columns", "groups"],
)
def test_rows_that_are_named_in_another_order_are_refused(
    load: Load, features: Any, target: Any, beside: Any
) -> None:
    with pytest.raises(DataError, match=r"names the same rows .* in another order") as caught:
        load(features, target, beside, split={"group": "patient"} if beside else {})
    assert "reset_index(drop=True)" in caught.value.hint


@pytest.mark.parametrize(
    "target",
    [LABELS, LABELS.reset_index(drop=True), LABELS.to_frame(), Y, Y.tolist()],
    ids=["same", "other names", "frame", "array", "list"],
)
def test_rows_in_one_order_or_without_the_same_names_are_paired_as_they_stand(
    load: Load, target: Any
) -> None:
    dataset = load(FRAME, target)
    np.testing.assert_array_equal(numbers(dataset), X)
    np.testing.assert_array_equal(np.ravel(dataset.target.values), Y)


def test_columns_whose_names_are_one_text_are_refused(load: Load) -> None:
    with pytest.raises(DataError, match="one column of each name; got '1'"):
        load(pd.DataFrame(X, columns=[1, "1"]), Y)

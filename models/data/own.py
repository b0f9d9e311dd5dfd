"""Calling a function of the user's that returns data: (features, target), or a dataset.

Whatever that function raises comes back as a DataError that names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.features import exact_array, named_columns
from sweeps.models.data.items import is_dataset
from sweeps.models.data.named_datasets import PART, named_datasets
from sweeps.models.data.returned_values import check_rows_in_one_order, plain_values
from sweeps.models.errors import DataError
from sweeps.models.own_code.finding import call_function, find_function

__all__ = ["arrays_of", "call_data_function", "dataset_of"]

_RULE = "the function must return (features, target)"
_OR_DATASET = f"{_RULE}, or a dataset with __len__ and __getitem__ whose items are (x, y)"
_BESIDE = "the third value that the function returns must map column names to values"
Columns = Mapping[str, npt.ArrayLike]


def call_data_function(source: str, options: Mapping[str, Any] | None = None) -> Any:
    """What a function of the user's returns.

    Args:
        source: `package.module:function`; the module is importable from where the program runs.
        options: passed to it as keywords.

    Raises:
        DataError: no such module or function, or a call that fails.
    """
    function = find_function(source, DataError, ("source",))
    call = partial(function, **(options or {}))
    return call_function(call, _RULE, partial(DataError, key=("source",), value=source))


def dataset_of(source: str, returned: Any) -> tuple[Any, Columns] | None:
    """The dataset that a function returned, alone or with columns by name; None of arrays.

    Datasets by name are one, with a column `part` that says which item is of which.

    Raises:
        DataError: what stands beside it are no columns, or the names are of no parts.
    """
    is_pair = isinstance(returned, tuple | list) and len(returned) == 2
    held, more = returned if is_pair else (returned, {})
    named = named_datasets(source, held)
    if (named is None and not is_dataset(held)) or is_dataset(more):
        return None
    beside = _beside(source, more)
    if named is None:
        return held, beside
    if PART in beside:
        rule = (
            f"with named datasets no column may be called {PART}: it says which dataset a row is "
            f"from"
        )
        raise DataError(rule, key=("source",), value=source)
    return named, {**beside, PART: named.names}


def arrays_of(source: str, returned: Any) -> tuple[Columns | npt.NDArray[Any], Any, Columns]:
    """The features, the target and the further columns that a function of the user returned.

    Returns:
        Features as a mapping of column name to values, which a data frame becomes too, or as an
        array; the target, as an array or, where it has names, as a mapping; and columns by name
        that are not features, such as groups, if it returns a third value.

    Raises:
        DataError: it is no such pair.
    """
    if not isinstance(returned, tuple | list) or len(returned) not in (2, 3):
        found = f"a {type(returned).__name__}"
        if isinstance(returned, tuple | list):
            found += f" of {len(returned)}"
        raise DataError(f"{_OR_DATASET}, and returned {found}", key=("source",), value=source)
    features, target, *more = returned
    beside = _beside(source, more[0]) if more else {}
    columns, targets = _columns("features", features), _columns("target", target)
    named = {"features": features, **(columns or {}), "target": target, **(targets or {}), **beside}
    check_rows_in_one_order(named)
    return (
        np.asarray(plain_values("features", features)) if columns is None else columns,
        exact_array(plain_values("target", target)) if targets is None else targets,
        beside,
    )


def _columns(what: str, values: Any) -> Columns | None:
    """Return the columns of what has them, by name; None of anything else."""
    columns = named_columns(values)
    if columns is None:
        return None
    return {name: plain_values(f"{what} {name}", one) for name, one in columns.items()}


def _beside(source: str, returned: Any) -> Columns:
    columns = named_columns(returned)
    if columns is None:
        raise DataError(_BESIDE, key=("source",), value=source)
    return columns

"""Calling a function of the user's that returns (features, target), and what decides the cut.

Whatever that function raises comes back as a DataError that names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.features import exact_array, named_columns
from sweeps.models.errors import DataError
from sweeps.models.own_code.finding import call_function, find_function

__all__ = ["call_own_data"]

_RULE = "the function must return (features, target)"


def call_own_data(
    source: str,
) -> tuple[Mapping[str, npt.ArrayLike] | npt.NDArray[Any], Any, Mapping[str, npt.ArrayLike]]:
    """The features, the target and the further columns that a function of the user returns.

    Args:
        source: `package.module:function`; the module is importable from where the program runs.

    Returns:
        Features as a mapping of column name to values, which a data frame becomes too, or as an
        array; the target, as an array or, where it has names, as a mapping; and columns by name
        that are not features, such as groups, if it returns a third value.

    Raises:
        DataError: no such module or function, or a call that fails or returns no such pair.
    """
    function = find_function(source, DataError, ("source",))
    refused = partial(DataError, key=("source",), value=source)
    returned = call_function(function, _RULE, refused)
    if not isinstance(returned, tuple | list) or len(returned) not in (2, 3):
        found = f"a {type(returned).__name__}"
        if isinstance(returned, tuple | list):
            found += f" of {len(returned)}"
        raise refused(f"{_RULE}, and returned {found}")
    features, target, *more = returned
    beside = named_columns(more[0]) if more else {}
    if beside is None:
        raise refused(
            "the third value that the function returns must be a mapping of column name to values"
        )
    columns, targets = named_columns(features), named_columns(target)
    return (
        np.asarray(features) if columns is None else columns,
        exact_array(target) if targets is None else targets,
        beside,
    )

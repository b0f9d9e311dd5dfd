"""Calling the user's own function that returns (features, target).

Whatever that function raises comes back as a DataError that names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.errors import DataError
from sweeps.models.features import named_columns
from sweeps.models.own_function import find_function

__all__ = ["call_own_data"]


def call_own_data(
    source: str,
) -> tuple[Mapping[str, npt.ArrayLike] | npt.NDArray[Any], npt.NDArray[Any]]:
    """The features and the target that a function of the user returns.

    Args:
        source: `package.module:function`; the module is importable from where the program runs.

    Returns:
        Features as a mapping of column name to values, which a data frame becomes too, or as an
        array; and the target.

    Raises:
        DataError: no such module or function, or a call that fails or returns no such pair.
    """
    function = find_function(source, DataError, ("source",))
    try:
        returned = function()
    except Exception as error:
        rule = f"the function returns (features, target), but raised {error!r}"
        raise DataError(rule, key=("source",), value=source) from error
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        rule = f"the function returns (features, target), but returned a {type(returned).__name__}"
        raise DataError(rule, key=("source",), value=source)
    features, target = returned
    columns = named_columns(features)
    return np.asarray(features) if columns is None else columns, np.asarray(target)

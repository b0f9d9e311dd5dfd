"""What a function of the user's returned, as arrays that lose nothing of it.

`numpy.asarray` alone drops the mask of a masked array, fails on some of torch's tensors, and makes
one object of a sparse matrix or a generator.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.errors import DataError

__all__ = ["check_rows_in_one_order", "plain_values"]


def plain_values(what: str, values: Any) -> Any:
    """Return values that `numpy.asarray` reads as they are; what is masked is missing.

    Args:
        what: what messages call them.

    Raises:
        DataError: They are no array and no list: the error says what they are, and the way out.
    """
    if _is_tensor(values):
        return _of_tensor(values)
    if isinstance(values, np.ma.MaskedArray):
        return _with_gaps(values)
    if callable(getattr(values, "toarray", None)):
        hint = f"Return its array, {what}.toarray(), or fewer columns of it"
        raise DataError(f"the {what} must be an array, not a sparse matrix", hint=hint)
    if isinstance(values, Iterator):
        hint = f"Return a list of them: list({what})"
        raise DataError(f"the {what} must be given as a whole, not by an iterator", hint=hint)
    if isinstance(values, list | tuple) and any(map(_is_tensor, values)):
        return [_of_tensor(one) if _is_tensor(one) else one for one in values]
    return values


def check_rows_in_one_order(parts: Mapping[str, Any]) -> None:
    """Check that what names its rows, as pandas does, has them in one order.

    Rows are paired by position: names of the same rows in another order mean that one part was
    sorted or shuffled without the others.

    Args:
        parts: what the function returned, by what messages call it.

    Raises:
        DataError: two parts have the same row names in different orders.
    """
    indexes = {what: values.index for what, values in parts.items() if _has_row_names(values)}
    for what, index in list(indexes.items())[1:]:
        first = next(iter(indexes))
        known = indexes[first]
        if len(index) == len(known) and not index.equals(known) and set(index) == set(known):
            raise DataError(
                f"{first} and {what} are paired row by row, and the index of one names the same "
                f"rows as that of the other in another order",
                key=("source",),
                hint=f"Bring them into one order, as {what}.loc[{first}.index] does, or leave the "
                f"index out, where the rows are paired as they stand: reset_index(drop=True)",
            )


def _has_row_names(values: Any) -> bool:
    return type(values).__module__.partition(".")[0] == "pandas" and hasattr(values, "index")


def _is_tensor(values: Any) -> bool:
    torch = sys.modules.get("torch")  # nobody has a tensor who has not imported it
    return torch is not None and isinstance(values, torch.Tensor)


def _of_tensor(tensor: Any) -> npt.NDArray[Any]:
    """Return a tensor's values, wherever it is, and whatever it is part of."""
    import torch

    plain = tensor.detach().cpu()
    if plain.layout is not torch.strided:
        plain = plain.to_dense()
    if plain.is_quantized:
        plain = plain.dequantize()
    if plain.is_floating_point() and plain.dtype not in (torch.float64, torch.float16):
        plain = plain.float()  # numpy has no bfloat16, and float32 has all of its numbers
    array: npt.NDArray[Any] = plain.resolve_conj().resolve_neg().numpy()
    return array


def _with_gaps(values: np.ma.MaskedArray[Any, Any]) -> npt.NDArray[Any]:
    """Return what is masked as missing: NaN among numbers, None among words and booleans."""
    if not np.ma.is_masked(values):
        return np.asarray(values.data)
    if values.dtype.kind in "iuf":
        kind = np.result_type(values.dtype, np.float64)
        gaps: npt.NDArray[Any] = np.array(values.data, dtype=kind)
        gaps[np.ma.getmaskarray(values)] = np.nan
        return gaps
    gaps = np.array(values.data, dtype=object)
    gaps[np.ma.getmaskarray(values)] = None
    return gaps

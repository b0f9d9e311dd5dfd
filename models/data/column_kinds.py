"""Which columns are numbers and which are words, and the refusal of what is neither in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from sweeps.models.data.cells import is_mark, is_missing, number_in, object_array, odd_cell, word_in
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.features import check_exact, column_values, exact_array
from sweeps.models.errors import DataError

__all__ = ["as_words", "check_words", "settled_columns"]

Columns = Mapping[str, npt.ArrayLike]


def settled_columns(columns: Columns, config: DataConfig) -> dict[str, npt.NDArray[Any]]:
    """Columns of numbers and of words, as the data and `words` of its section have it.

    Args:
        columns: (rows,) values by name.
        config: the `data` section; its `words` become text whatever they hold.

    Raises:
        DataError: a column is nearly all numbers, with its first cell that is none; it holds
            whole numbers that float64 would merge; or a name in `words` is no column's.
    """
    _check_named(tuple(columns), config)
    settled = {}
    for name, values in columns.items():
        if name in config.words:
            settled[name] = as_words(name, values)
            continue
        settled[name] = raw = exact_array(values)
        if raw.dtype.kind not in "biuf":
            settled[name] = column_values(name, raw)
            check_exact(name, raw, settled[name])
            check_words(name, settled[name], config)
    return settled


def check_words(name: str, values: npt.NDArray[Any], config: DataConfig) -> None:
    """Raises where a column that was read as words is nearly all numbers.

    Args:
        name: the column's.
        values: (rows,) as `column_values` gives them.
        config: the `data` section.

    Raises:
        DataError: with the row and the text of the first cell that is not a number.
    """
    found = odd_cell(values.tolist()) if values.dtype == object else None
    if found is None or name in config.words:
        return
    place, text, plain = found
    rule = f"column {name!r} must hold numbers or words: row {place + 1} holds {text!r}"
    if number_in(text) is not None:
        rule += ", a number written as text"
    elif plain > 0:
        rule += f", and {_share(plain)} are numbers"
    raise DataError(rule, key=("source",), hint=_ways_out(name, text, config))


def _share(plain: float) -> str:
    return f"{min(100 * plain, 99.9):.3g}% of its values" if plain < 1 else "all others"


def _ways_out(name: str, text: str, config: DataConfig) -> str:
    """What can be done about a cell, the likeliest first."""
    ways = []
    is_csv = config.source.lower().endswith(".csv")
    if is_mark(text) and is_csv:
        ways.append(f"if it stands for a missing value, write missing_values: [{text!r}]")
    elif is_mark(text):
        ways.append("make it an empty (null) value if it stands for a missing one")
    elif is_csv and config.decimal == "." and number_in(text, decimal=",") is not None:
        ways.append(
            "if its comma is the decimal sign, write decimal: ',' (where it separates "
            "thousands, remove it)"
        )
    ways.append("correct the cell" if number_in(text) is None else "turn the column into numbers")
    if config.kind == "file":
        ways.append(f"leave the column out (exclude: [{name}])")
    ways.append(f"treat its values as categories (words: [{name}])")
    listed = ", ".join(ways[:-1]) + f", or {ways[-1]}"
    return listed[0].upper() + listed[1:]


def as_words(name: str, values: npt.ArrayLike) -> npt.NDArray[Any]:
    """(rows,) str, None where missing: what is not text is written as one.

    Raises:
        DataError: a value is neither word, number nor boolean.
    """
    cells = exact_array(values).tolist()
    words = [None if is_missing(cell) else word_in(cell) for cell in cells]
    for row, (cell, word) in enumerate(zip(cells, words, strict=True), start=1):
        if word is None and not is_missing(cell):
            rule = f"column {name!r} must hold words; row {row} holds {cell!r}"
            raise DataError(rule, key=("words",), value=name)
    return object_array(words)


def _check_named(names: Sequence[str], config: DataConfig) -> None:
    known = {*names, *(config.targets or ("target",))}
    for name in config.words:
        if name not in known:
            rule = "every name in `words` must be a column's"
            raise DataError(rule, key=("words",), value=name, choices=tuple(names))

"""Reading .csv, .parquet and .npz files into named columns.

pyarrow is imported only when a table is read; nothing is ever unpickled.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data_configuration import FILE_SUFFIXES
from sweeps.models.errors import DataError

if TYPE_CHECKING:
    import pyarrow

__all__ = ["read_file"]

Columns = dict[str, npt.NDArray[Any]]

# What numpy and pyarrow raise of a damaged file; pyarrow's errors derive from the built-in ones.
_UNREADABLE = (
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def read_file(path: Path, target: str | None, exclude: tuple[str, ...] = ()) -> Columns:
    """The columns of a table, or arrays of an .npz, in their order in the file.

    Args:
        path: of the file; its suffix says how it is read.
        target: a column that must be there; None asks for none.
        exclude: columns that must be there and are left out, unread.

    Returns:
        (rows,) float64 with NaN where missing, or object: str, or None where missing; from an
        .npz the arrays as they are. A table's empty cells, NA, NaN and null are missing values;
        booleans are 0 and 1. Index columns that pandas wrote are left out.

    Raises:
        DataError: no such file or column, or contents that cannot be read.
    """
    _check_file(path)
    try:
        return _READERS[path.suffix.lower()](path, target, exclude)
    except DataError:
        raise
    except _UNREADABLE as error:
        rule = f"{path.name} is a readable {path.suffix} file: {error}"
        raise DataError(rule, key=("source",), value=str(path)) from error


def _check_file(path: Path) -> None:
    if path.is_file():
        if path.stat().st_size == 0:
            raise DataError("a data file is not empty", key=("source",), value=str(path))
        return
    if path.is_dir():
        raise DataError("the source is a file, not a folder", key=("source",), value=str(path))
    folder = path.parent
    beside = sorted(os.listdir(folder)) if folder.is_dir() else []
    raise DataError(
        "the file exists" if folder.is_dir() else f"the folder {folder} exists",
        key=("source",),
        value=path.name,
        choices=[name for name in beside if Path(name).suffix.lower() in FILE_SUFFIXES],
        hint=f"Looked for {path}; a relative path starts from the sweep file's folder",
    )


def _read_csv(path: Path, target: str | None, exclude: tuple[str, ...]) -> Columns:
    from pyarrow import csv

    table = csv.read_csv(
        path,
        # Without this a line break in quotes that falls on a block's end splits its row.
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(strings_can_be_null=True),
    )
    return _table_columns(table, path, target, exclude)


def _read_parquet(path: Path, target: str | None, exclude: tuple[str, ...]) -> Columns:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        return _table_columns(file.read(), path, target, exclude)


def _table_columns(
    table: pyarrow.Table, path: Path, target: str | None, exclude: tuple[str, ...]
) -> Columns:
    """The columns of a pyarrow table."""
    if target is not None:  # rows to be answered are asked for by name, and may have others
        _check_named(table.column_names, path, exclude)
    names = [name for name in table.column_names if not _PANDAS_INDEX.fullmatch(name)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        rule = f"{path.name} has one column of each name"
        raise DataError(rule, key=("source",), value=", ".join(repeated))
    kept = _kept(names, path, target, exclude)
    return {name: _column(name, table.column(name)) for name in kept}


def _check_named(names: list[str], path: Path, exclude: tuple[str, ...]) -> None:
    nameless = [
        str(number)
        for number, name in enumerate(names, start=1)
        if not name.strip() and name not in exclude
    ]
    if nameless:
        raise DataError(
            f"{path.name} has a name for every column, and none for column {', '.join(nameless)}",
            key=("source",),
            hint="Name it in the first line; an index that pandas wrote is left out with "
            "to_csv(..., index=False)",
        )


def _column(name: str, column: pyarrow.ChunkedArray) -> npt.NDArray[Any]:
    """One pyarrow column as numbers or words."""
    import pyarrow

    if pyarrow.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        words = np.empty(len(column), dtype=object)
        words[:] = column.to_pylist()
        return words
    if pyarrow.types.is_null(kind):
        return np.full(len(column), np.nan)
    numeric = (
        pyarrow.types.is_integer,
        pyarrow.types.is_floating,
        pyarrow.types.is_boolean,
        pyarrow.types.is_decimal,
    )
    if any(holds(kind) for holds in numeric):
        return _numbers(column.cast(pyarrow.float64(), safe=False))
    way_out = "Turn it into numbers"
    if pyarrow.types.is_binary(kind):  # words that are no UTF-8
        way_out = "Save the file in UTF-8"
    raise DataError(
        f"column {name!r} holds numbers, booleans or words",
        key=("exclude",),
        value=str(kind),
        hint=f"{way_out}, or leave the column out: exclude: [{name}]",
    )


def _numbers(column: pyarrow.ChunkedArray) -> npt.NDArray[np.float64]:
    """Float64 values, NaN for null; pyarrow's own to_numpy would import pandas (0.3 to 0.7 s)."""
    parts = [
        np.array(chunk.to_pylist(), dtype=np.float64) if chunk.null_count else np.from_dlpack(chunk)
        for chunk in column.chunks
    ]
    return np.concatenate((np.empty(0), *parts))


def _read_npz(path: Path, target: str | None, exclude: tuple[str, ...]) -> Columns:
    with np.load(path, allow_pickle=False) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DataError("an .npz file holds named arrays", key=("source",), value=str(path))
        return {name: archive[name] for name in _kept(archive.files, path, target, exclude)}


def _kept(names: list[str], path: Path, target: str | None, exclude: tuple[str, ...]) -> list[str]:
    _check_names(names, path, "target", () if target is None else (target,))
    _check_names(names, path, "exclude", exclude)
    if target in exclude:
        raise DataError("the target is not excluded", key=("exclude",), value=target)
    return [name for name in names if name not in exclude]


def _check_names(names: list[str], path: Path, key: str, wanted: tuple[str, ...]) -> None:
    for name in wanted:
        if name not in names:
            rule = f"{path.name} has a column of this name"
            raise DataError(rule, key=(key,), value=name, choices=names, hint=_hint(name, names))


def _hint(wanted: str, names: list[str]) -> str:
    """What a look at the names there says of one that is not there."""
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        return "The separator is a comma"
    alike = [name for name in names if name.strip().lower() == wanted.strip().lower()]
    return f"Capitals and spaces count: there is {alike[0]!r}" if alike else ""


_READERS: Mapping[str, Callable[[Path, str | None, tuple[str, ...]], Columns]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".npz": _read_npz,
}

"""Reading .csv, .parquet and .npz files into named columns.

pyarrow is imported only when a table is read; nothing is ever unpickled.
"""

from __future__ import annotations

import re
import tokenize
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from sweeps.models.data.cells import number_in, object_array
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.csv_files import WIDE, CsvFile
from sweeps.models.data.file_kinds import check_file
from sweeps.models.data.npz_files import array_of
from sweeps.models.data.unchanged_file import unchanged
from sweeps.models.errors import DataError

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Table", "read_rows", "read_table"]

Columns = dict[str, npt.NDArray[Any]]
_Read = TypeVar("_Read")

# What numpy and pyarrow raise of a damaged file; pyarrow's errors derive from the built-in ones.
_UNREADABLE = (
    EOFError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    ValueError,
    tokenize.TokenError,  # numpy, of a header with an open bracket
    zipfile.BadZipFile,
    zlib.error,
)
_LARGEST_INTEGER = 2**63  # pyarrow takes longer ones for real numbers
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True, eq=False)
class Table:
    """A file as it was read.

    Attributes:
        columns: in their order in the file: (rows,) numbers, booleans or str, None (NaN among
            numbers) where missing; from an .npz the arrays as they are.
        labels: (rows,) the target's cells as a .csv file has them; None for other files, whose
            values have types.
        missing: of a .csv file the columns with missing values: how often which text stood there.
    """

    columns: Columns
    labels: npt.NDArray[Any] | None = None
    missing: Mapping[str, Counter[str]] = field(default_factory=dict)


def read_table(path: Path, config: DataConfig) -> Table:
    """The columns of a table, or arrays of an .npz, without those that are left out.

    Args:
        path: of the file; its suffix says how it is read.
        config: the `data` section: `target` and `exclude` must name columns of the file.

    Returns:
        What is in the file. A .csv's cells of `missing_values` and empty ones are missing;
        booleans are 0 and 1. Index columns that pandas wrote are left out.

    Raises:
        DataError: no such file or column, or contents that cannot be read.
    """
    return _read(path, lambda: _READERS[path.suffix.lower()](path, config))


def read_rows(
    path: Path, numbers: Sequence[str], words: Sequence[str], config: DataConfig
) -> Columns:
    """Some columns of rows that are to be answered; what others hold does not matter.

    Args:
        path: a .csv or .parquet file.
        numbers: columns of numbers.
        words: columns that stay text, whatever they look like.
        config: how .csv files are written.

    Returns:
        (rows,) numbers, or cells as they stand in the file where a column of numbers holds
        others.

    Raises:
        DataError: no such file or column, or contents that cannot be read.
    """
    read = _csv_rows if path.suffix.lower() == ".csv" else _parquet_rows
    with unchanged(path):
        return _read(path, lambda: read(path, numbers, words, config))


def _read(path: Path, read: Callable[[], _Read]) -> _Read:
    try:
        check_file(path)
        return read()
    except DataError:
        raise
    except _UNREADABLE as error:
        rule = f"cannot read {path.name} as a {path.suffix} file: {error}"
        raise DataError(rule, key=("source",), value=str(path)) from error


def _read_csv(path: Path, config: DataConfig) -> Table:
    from sweeps.models.data.arrow_columns import exact_numbers, texts_of

    file = CsvFile(path, config)
    # Classes keep how they are written; several targets are numbers.
    target = config.targets if len(config.targets) == 1 else ()
    table = file.table(texts=(*target, *config.words))
    kept = _kept(table.column_names, path, config, file.separator_hint(table.column_names))
    exact = exact_numbers(table.select(kept)) if len(kept) >= WIDE else {}
    columns = {
        name: exact[name] if name in exact else _csv_column(name, table.column(name), file)
        for name in kept
    }
    whole = {name for name, values in exact.items() if not np.isnan(values).any()}
    gaps = [name for name in kept if name not in whole and table.column(name).null_count]
    missing = file.missing_marks(gaps) if gaps else {}
    labels = texts_of(table.column(target[0])) if target else None
    return Table(columns, labels, missing)


def _csv_column(name: str, column: pyarrow.ChunkedArray, file: CsvFile) -> npt.NDArray[Any]:
    """One column of a .csv file: numbers, or texts."""
    import pyarrow

    from sweeps.models.data.arrow_columns import column_of

    if pyarrow.types.is_binary(column.type):  # words that are not in the encoding
        raise file.unreadable(UnicodeError())
    values = column_of(name, column)
    if name in file.config.words:
        return values
    if values.dtype == object:
        return _read_cells(values, file.config.decimal)
    if (np.abs(values) >= _LARGEST_INTEGER).any():  # may be whole, and rounded
        return _read_cells(object_array(file.texts(name)), file.config.decimal)
    return values


def _read_cells(texts: npt.NDArray[Any], decimal: str) -> npt.NDArray[Any]:
    """Texts as numbers or as booleans where every one is, which pyarrow does not see in `+5`."""
    known = {text: number_in(text, decimal) for text in set(texts.tolist()) - {None}}
    kinds = {isinstance(number, bool) for number in known.values()}
    if not known or None in known.values() or len(kinds) > 1:
        return texts
    return object_array(known.get(text) for text in texts.tolist())


def _csv_rows(
    path: Path, numbers: Sequence[str], words: Sequence[str], config: DataConfig
) -> Columns:
    from sweeps.models.data.arrow_columns import cells_of

    file = CsvFile(path, config)
    header = file.header()
    there = _needed(header, path, (*numbers, *words), file.separator_hint(header))
    table = file.table(texts=words, only=there)
    columns = {}
    for name in there:
        cells = cells_of(table.column(name))
        if name in numbers and cells.dtype == object:  # dates, for one, are not the file's own text
            texts = file.texts(name)
            cells = object_array(_number_or_text(text, config.decimal) for text in texts)
        columns[name] = cells
    return columns


def _number_or_text(text: str | None, decimal: str) -> float | str | None:
    number = number_in(text, decimal)
    return text if number is None else number


def _parquet_rows(
    path: Path, numbers: Sequence[str], words: Sequence[str], config: DataConfig
) -> Columns:
    from pyarrow import parquet

    from sweeps.models.data.arrow_columns import cells_of

    with parquet.ParquetFile(path) as file:
        header = file.schema_arrow.names
        there = _needed(header, path, (*numbers, *words))
        table = file.read(columns=there)
        return {name: cells_of(table.column(name)) for name in there}


def _needed(header: Sequence[str], path: Path, names: Sequence[str], hint: str = "") -> list[str]:
    """The columns that are asked for; `hint` says what a lone name may mean."""
    absent = [name for name in names if name not in header]
    if absent:
        alike = filter(None, (_alike(name, header) for name in absent))
        rule = f"columns of the training data are missing: {', '.join(absent)}"
        way_out = hint or next(alike, f"the file has {', '.join(header)}")
        raise DataError(rule, key=("source",), hint=way_out)
    counts = Counter(header)
    repeated = [name for name in names if counts[name] > 1]
    if repeated:
        rule = f"{path.name} must not have several columns of one name"
        raise DataError(rule, key=("source",), value=", ".join(repeated))
    return list(names)


def _read_parquet(path: Path, config: DataConfig) -> Table:
    from pyarrow import parquet

    from sweeps.models.data.arrow_columns import column_of

    with parquet.ParquetFile(path) as file:
        table = file.read()
    kept = _kept(table.column_names, path, config)
    return Table(
        {name: column_of(name, table.column(name), name in config.targets) for name in kept}
    )


def _check_named(names: Sequence[str], path: Path, exclude: tuple[str, ...], hint: str) -> None:
    nameless = [
        str(number)
        for number, name in enumerate(names, start=1)
        if not name.strip() and name not in exclude
    ]
    if nameless:
        raise DataError(
            f"{path.name} must have a name for every column; none for column {', '.join(nameless)}",
            key=("source",),
            hint=hint
            or "Name it in the first line; to leave out the index of pandas, use to_csv(..., "
            "index=False)",
        )


def _read_npz(path: Path, config: DataConfig) -> Table:
    # Opened here: of a damaged file numpy leaves its own open.
    with path.open("rb") as file:
        # Not `np.load`, which takes all that is no archive for something pickled.
        archive = np.lib.npyio.NpzFile(file, allow_pickle=False)
        return Table(
            {name: array_of(archive, name, path) for name in _kept(archive.files, path, config)}
        )


def _kept(names: Sequence[str], path: Path, config: DataConfig, hint: str = "") -> list[str]:
    """The columns that are used, the target among them; `hint` says what a lone name may mean."""
    _check_named(names, path, config.exclude, hint)
    used = [name for name in names if not _PANDAS_INDEX.fullmatch(name)]
    repeated = sorted(name for name, times in Counter(used).items() if times > 1)
    if repeated:
        rule = f"{path.name} must not have several columns of one name"
        raise DataError(rule, key=("source",), value=", ".join(repeated))
    _check_names(used, path, "target", config.targets, hint)
    _check_names(used, path, "exclude", config.exclude, hint)
    for name in config.targets:
        if name in config.exclude:
            rule = "the target must not be excluded"
            raise DataError(rule, key=("exclude",), value=name, hint="Remove it from the list")
    left_out = frozenset(config.exclude)
    return [name for name in used if name not in left_out]


def _check_names(
    names: Sequence[str], path: Path, key: str, wanted: tuple[str, ...], hint: str
) -> None:
    known = frozenset(names)
    for name in wanted:
        if name not in known:
            if hint:  # one cause, whatever else names columns
                rule = f"{path.name} must have columns, and is read as one: {names[0]!r}"
                raise DataError(rule, key=("separator",), hint=hint)
            rule = f"{path.name} must have a column of this name"
            raise DataError(rule, key=(key,), value=name, choices=names, hint=_alike(name, names))


def _alike(wanted: str, names: Sequence[str]) -> str:
    """What a look at the names there says of one that is not there."""
    alike = [name for name in names if name.strip().lower() == wanted.strip().lower()]
    return f"Names are case-sensitive and spaces count: there is {alike[0]!r}" if alike else ""


_READERS: Mapping[str, Callable[[Path, DataConfig], Table]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".npz": _read_npz,
}

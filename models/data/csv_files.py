"""Reading .csv files: numbers are inferred, labels keep their text, and what is amiss is named."""

from __future__ import annotations

import codecs
import csv as plain_csv
import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.models.data.cells import number_in
from sweeps.models.data.configuration import DataConfig
from sweeps.models.errors import DataError

if TYPE_CHECKING:
    import pyarrow

__all__ = ["WIDE", "CsvFile"]

_SEPARATORS = ",;\t|"
_HEAD = 65_536  # bytes of a file that are looked at to say what may be wrong with it
WIDE = 500  # columns from which it pays to look at all of them together
_SEPARATOR_NOTE = re.compile(r"\ufeff?\"?sep=(.)\"?\r?\n", re.IGNORECASE)
_LATIN = "latin-1 (or windows-1252)"


@dataclass(frozen=True)
class CsvFile:
    """A .csv file, read as its `data` section says."""

    path: Path
    config: DataConfig

    def header(self) -> list[str]:
        """The names of the first line; bytes that are not text make a name that is no other's.

        Raises:
            DataError: the file is not text in the encoding that is given.
        """
        return next(iter(self._rows(1)), [])

    def _rows(self, number: int) -> list[list[str]]:
        """The cells of the first lines."""
        encoding = "utf-8-sig" if self._encoding == "utf8" else self._encoding
        try:
            with self.path.open(encoding=encoding, errors="surrogateescape", newline="") as lines:
                rows = plain_csv.reader(lines, delimiter=self.config.separator)
                return list(itertools.islice((row for row in rows if row), number))
        except (UnicodeError, plain_csv.Error) as error:
            raise self.unreadable(error) from error

    def table(
        self, texts: Sequence[str] = (), only: Sequence[str] | None = None, marks: bool = True
    ) -> pyarrow.Table:
        """The columns as pyarrow infers them from all rows.

        Args:
            texts: columns that stay text.
            only: columns to read; None for all.
            marks: whether cells that stand for a missing value become null.

        Raises:
            DataError: the file is not text in the encoding that is given, or not a table.
        """
        import pyarrow

        try:
            types = dict.fromkeys(texts, pyarrow.string())
            guessed = self._likely_numbers() if only is None else {}
            try:
                table = self._table(guessed | types, only, marks)
            except pyarrow.ArrowInvalid:
                if not guessed:
                    raise
                table = self._table(types, only, marks)
            table.column_names  # noqa: B018 (names that are no UTF-8 are found only here)
        except (pyarrow.ArrowInvalid, UnicodeError) as error:
            raise self.unreadable(error) from error
        return table

    def _likely_numbers(self) -> dict[str, pyarrow.DataType]:
        """The columns of a wide table whose first cell is not a whole number.

        Inference tries eight types a column and block: 2 s for 20,000 columns, which a type that
        is given, and nearly always right, brings to 0.2 s.
        """
        import pyarrow

        rows = self._rows(2)
        if len(rows) < 2 or len(rows[0]) < WIDE:
            return {}
        cells = zip(rows[0], rows[1], strict=False)
        decimal = self.config.decimal
        return {
            name: pyarrow.float64()
            for name, cell in cells
            if decimal in cell and isinstance(number_in(cell, decimal), float)
        }

    def _table(
        self,
        types: Mapping[str, pyarrow.DataType],
        only: Sequence[str] | None,
        marks: bool,
    ) -> pyarrow.Table:
        from pyarrow import csv

        return csv.read_csv(
            self.path,
            read_options=csv.ReadOptions(encoding=self._encoding),
            parse_options=csv.ParseOptions(
                delimiter=self.config.separator,
                # Without this a line break in quotes at a block's end splits its row.
                newlines_in_values=True,
            ),
            convert_options=csv.ConvertOptions(
                strings_can_be_null=True,
                null_values=["", *self.config.missing_values] if marks else [],
                decimal_point=self.config.decimal,
                include_columns=None if only is None else list(only),
                column_types=dict(types),
            ),
        )

    def texts(self, name: str) -> list[str | None]:
        """One column as it is written, None where a cell stands for a missing value."""
        values: list[str | None] = self.table([name], only=[name]).column(name).to_pylist()
        return values

    def missing_marks(self, names: Sequence[str]) -> dict[str, Counter[str]]:
        """How often columns have each of the texts that stand for a missing value."""
        marks = {"", *self.config.missing_values}
        table = self.table(names, only=names, marks=False)
        cells = {name: table.column(name).to_pylist() for name in names}
        return {name: Counter(cell for cell in cells[name] if cell in marks) for name in names}

    def separator_hint(self, names: Sequence[str]) -> str:
        """What the first line says of a separator that is another; empty where it says nothing."""
        if note := self._excel_note():
            return note
        if len(names) != 1:
            return ""
        counts = {one: names[0].count(one) for one in _SEPARATORS if one != self.config.separator}
        likely = max(counts, key=lambda one: counts[one])
        if not counts[likely]:
            return ""
        more = ""
        if likely != "," and self._has_decimal_commas(likely):
            more = " and decimal: ','"
        return f"The cells seem to be separated by {likely!r}: write separator: {likely!r}{more}"

    def unreadable(self, error: Exception) -> DataError:
        """What pyarrow's or Python's error of this file means."""
        head = self._head()
        name = self.path.name
        bom = head[:2] in (b"\xff\xfe", b"\xfe\xff")
        if bom or (b"\0" in head[:200] and head[:200].count(0) * 3 > len(head[:200])):
            rule = f"{name} must be text in {self.config.encoding}; it looks like UTF-16"
            return DataError(rule, key=("encoding",), hint="Write encoding: utf-16")
        if isinstance(error, UnicodeError) or "invalid UTF8" in str(error):
            rule = f"{name} must be text in {self.config.encoding}{self._bad_byte()}"
            hint = f"Save the file as UTF-8, or write its encoding, such as {_LATIN}"
            return DataError(rule, key=("encoding",), hint=hint)
        rule = f"cannot read {name} as a table: {error}"
        return DataError(rule, key=("source",), value=str(self.path), hint=self._table_hint())

    def _table_hint(self) -> str:
        """What the first lines say of a file that is not a table as it was read."""
        lines = self._head().decode(self._encoding, errors="replace").splitlines()
        first = next((line for line in lines if line.strip()), "")
        if note := self._excel_note():
            return note
        hint = self.separator_hint([first]) if self.config.separator not in first else ""
        if not hint and first.lstrip().startswith(("#", "//", "%")):
            return f"The first line must hold the column names; remove the comment {first[:60]!r}"
        return hint

    def _excel_note(self) -> str:
        """What to do about a first line `sep=;`, by which Excel is told the separator."""
        found = _SEPARATOR_NOTE.match(self._head().decode(self._encoding, errors="replace"))
        if found is None:
            return ""
        separator = found[1]
        write = (
            "" if separator == self.config.separator else f", and write separator: {separator!r}"
        )
        note = found[0].strip("\ufeff\r\n")
        return f"Its first line {note!r} is for Excel alone: delete it{write}"

    def _has_decimal_commas(self, separator: str) -> bool:
        lines = self._head().decode(self._encoding, errors="replace").splitlines()[1:3]
        cells = [cell.strip(' "') for line in lines for cell in line.split(separator)]
        return any(
            cell.lstrip("+-").replace(",", "", 1).isdecimal() and "," in cell for cell in cells
        )

    def _bad_byte(self) -> str:
        """`, and byte 0xf6 in line 2 is not`: where the encoding breaks first."""
        try:
            content = self.path.read_bytes()
            content.decode(self._encoding)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            return f", and byte 0x{content[error.start]:02x} in line {line} is not"
        return ""

    def _head(self) -> bytes:
        with self.path.open("rb") as file:
            return file.read(_HEAD)

    @property
    def _encoding(self) -> str:
        # pyarrow reads UTF-8 as it is, and anything else through Python's decoders.
        is_utf8 = codecs.lookup(self.config.encoding).name == "utf-8"
        return "utf8" if is_utf8 else self.config.encoding

"""What the single cells of a column hold: numbers, words, or marks for a missing value.

A column that is nearly all numbers is never taken for categories: one odd cell of a hand-kept
table would cost the net that column without a word.
"""

from __future__ import annotations

import math
import numbers
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "is_mark",
    "is_missing",
    "number_in",
    "object_array",
    "odd_cell",
    "word_in",
]

# What else people write for "no value", in lower case; such cells are not evidence of categories.
# fmt: off
_MARKS = frozenset((
    "", "?", "??", "???", "-", "--", "---", "\N{EN DASH}", "\N{EM DASH}",
    ".", "..", "...", "*", "**", "/",
    "na", "n/a", "n.a.", "n.a", "n/d", "n.d.", "nd", "none", "null", "nil", "nan", "nat", "<na>",
    "#n/a", "#na", "#div/0!", "#ref!", "#value!", "#name?", "#num!", "#null!",
    "missing", "unknown", "unk", "undefined", "empty", "void", "blank",
    "(blank)", "(null)", "(none)",
    "tbd", "x", "xx", "xxx", "no data", "no value", "not available", "not applicable",
))
# fmt: on
# Of a column's values: below it numbers stand among words, as in the sizes S, M, 38 and 40.
_NEARLY_ALL = 0.8
# More different numbers than this are amounts even where they are written with a unit.
_MOST_CODES = 20
_MOST_UNITS = 3

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,4000}", re.ASCII)  # Python converts 4,300 digits at most
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]{1,16}", re.ASCII)
_SPECIAL = frozenset(("inf", "infinity", "nan"))
_BOOLEANS = dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(
    ("false", "False", "FALSE"), False
)
# 1,234.5 and 1.234,5 and 1 234,5 and 1'234.5 and 12,34,567 and 0,5, with a sign and an exponent.
_GROUPED = r"\d{1,3}(?:[,.' ’_]\d{2,3})*[,.' ’_]\d{3}"  # noqa: RUF001
_WRITTEN = re.compile(rf"\(?[+-]? ?(?:{_GROUPED}|\d+)?(?:[.,]\d*)?(?:[eE][+-]?\d+)? ?\)?", re.ASCII)
_UNIT = re.compile(r"([+-]?[\d.,]+) ?([^\W\d_°]{1,6}[23]?|°[CFK]?|[^\W\d_]+/[^\W\d_]+[23]?)")
_CURRENCIES = re.compile(r"\b(?:EUR|USD|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN)\b|[kKmMbB]$")


def is_missing(value: object) -> bool:
    """Whether a value of Python, numpy or pandas stands for none: None, NaN, pd.NA or NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # pandas is not imported
        return True
    return isinstance(value, float | np.floating) and math.isnan(value)


def number_in(value: object, decimal: str = ".") -> float | None:
    """The number that a cell holds, or None: a number, a boolean, or a text of one.

    Texts are read as in a table: exponent, `inf`, `true` and `false`; whole numbers stay exact.
    """
    if isinstance(value, np.bool_ | np.number) and not isinstance(value, np.timedelta64):
        value = value.item()
    if isinstance(value, bool | int | float | Decimal):
        return value if isinstance(value, int) else float(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if decimal != ".":
        text = text.replace(".", " ").replace(decimal, ".")
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) or text.lstrip("+-").lower() in _SPECIAL:
        return float(text)
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    return _BOOLEANS.get(text)


def word_in(value: object, known: Collection[str] = ()) -> str | None:
    """The word that a cell holds, or None for what is neither word, number nor boolean.

    A table's column of sizes (S, M, 38) may come back as numbers where its rows hold no S: a
    number is the word among `known` that it was written as, whatever the other rows made of it.

    Args:
        value: any cell that is not missing.
        known: words of the training data.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        spellings = [str(bool(value)), str(bool(value)).lower(), str(bool(value)).upper()]
    elif isinstance(value, numbers.Integral):
        spellings = [str(int(value)), f"{int(value)}.0"]
    elif isinstance(value, numbers.Real):
        real = float(value)
        spellings = [repr(real)] + ([str(int(real))] if real.is_integer() else [])
    else:
        return None
    return next((text for text in spellings if text in known), spellings[0])


def odd_cell(values: Sequence[Any]) -> tuple[int, str, float] | None:
    """The first cell for which a column that is nearly all numbers would be taken for words.

    Args:
        values: str, None where missing; of one column.

    Returns:
        Its place from 0, its text, and the share of plain numbers among the values that are
        not marks for a missing one; None where the column is one of words.
    """
    counts = Counter(value for value in values if value is not None)
    kinds = {text: _kind(text) for text in counts}
    if not _is_nearly_all_numbers(counts, kinds):
        return None
    plain = _rows(counts, kinds, "number")
    odd = {text for text, kind in kinds.items() if kind != "number"} or set(counts)
    place = next(place for place, value in enumerate(values) if value in odd)
    return place, values[place], plain / (counts.total() - _rows(counts, kinds, "mark"))


def _is_nearly_all_numbers(counts: Counter[str], kinds: dict[str, str]) -> bool:
    known = counts.total() - _rows(counts, kinds, "mark")
    if known == 0:
        return False
    if set(kinds.values()) == {"number"}:  # words on purpose, unless they are many
        return len(counts) > _MOST_CODES
    amounts = _rows(counts, kinds, "number") + _rows(counts, kinds, "written")
    return (amounts + _with_units(counts, kinds)) / known >= _NEARLY_ALL


def _with_units(counts: Counter[str], kinds: dict[str, str]) -> int:
    """Rows such as `5 kg`: few units and many amounts, so that they are not codes as 2D and 4D."""
    texts = [text for text, kind in kinds.items() if kind == "unit"]
    units = {match[2] for text in texts if (match := _UNIT.fullmatch(_plain(text)))}
    if len(units) > _MOST_UNITS or len(texts) <= _MOST_CODES // 2:
        return 0
    return sum(counts[text] for text in texts)


def _rows(counts: Counter[str], kinds: dict[str, str], wanted: str) -> int:
    return sum(count for text, count in counts.items() if kinds[text] == wanted)


def _kind(text: str) -> str:
    """`number`, `mark`, `written` (a number in another writing), `unit`, or `word`."""
    if is_mark(text):
        return "mark"
    if number_in(text) is not None and text.strip() not in _BOOLEANS:
        return "number"
    plain = _plain(text)
    if any(character.isdigit() for character in plain):
        if _WRITTEN.fullmatch(plain):
            return "written"
        if _UNIT.fullmatch(plain):
            return "unit"
    return "word"


def is_mark(text: str) -> bool:
    """Whether people write this text for a value that is missing."""
    return text.strip().lower() in _MARKS


def _plain(text: str) -> str:
    """The text without what surrounds a number: spaces of any kind, NUL, currency, percent."""
    folded = unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-")
    kept = [
        one for one in folded if one not in "%‰\0" and unicodedata.category(one) not in _DROPPED
    ]
    bare = "".join(kept).strip()
    if len(bare) < len(folded.strip()) or _CURRENCIES.search(bare):
        bare = _CURRENCIES.sub("", bare).strip()
    return bare


_DROPPED = ("Sc", "Cf", "Cc")  # currency signs, zero-width marks, control characters


def object_array(values: Iterable[Any]) -> npt.NDArray[np.object_]:
    """(rows,) objects, whatever they are: numpy makes no table of them, and no texts."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array

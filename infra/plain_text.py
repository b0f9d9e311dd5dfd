"""Text that comes from files and from other people's code, made safe to print and to record.

A column, a label or an error may hold what a terminal obeys: sequences that set its title, its
colours or its clipboard, and marks that turn the reading order. They are shown as Python writes
them.
"""

from __future__ import annotations

import re

__all__ = ["shown"]

# Control characters but the line's end and the tab; marks of direction; separators of lines and
# paragraphs; halves of surrogate pairs, which cannot be printed at all.
_OBEYED = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f"
    "\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)


def shown(text: str) -> str:
    """Return `text` with each character that a terminal would obey written as its escape."""
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)

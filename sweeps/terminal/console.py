"""The console of all answers: it shows texts of files and of other people's code as they are."""

from __future__ import annotations

import os
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from sweeps.infra.plain_text import shown

__all__ = ["PIPE_WIDTH", "PlainConsole", "answer_console"]

# Of an answer that goes to no terminal.
PIPE_WIDTH = 160


class PlainConsole(Console):
    """A console that shows every text as it is, in sentences and in the cells of tables."""

    def __init__(self, **options: Any) -> None:
        environ = dict(os.environ)
        if not _told_columns():  # rich takes 0 columns at its word, and prints nothing
            environ.pop("COLUMNS", None)
        super().__init__(markup=False, emoji=False, _environ=environ, **options)

    def on_broken_pipe(self) -> None:
        """A reader who has seen enough is no error of the command: rich would end it with 1."""
        raise BrokenPipeError

    def render_str(self, text: str, **options: Any) -> Text:
        """Return what is printed for a string."""
        return super().render_str(shown(text), **options)


def answer_console() -> PlainConsole:
    """Return the console for tables: wide where it is not a terminal and COLUMNS is not set."""
    is_told = sys.stdout.isatty() or _told_columns() > 0
    return PlainConsole(width=None if is_told else PIPE_WIDTH)


def _told_columns() -> int:
    """Return the COLUMNS of the environment; 0 where it says none, or nothing that is a width."""
    told = os.environ.get("COLUMNS", "")
    return int(told) if told.isascii() and told.isdecimal() else 0

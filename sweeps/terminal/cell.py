"""A bar in a notebook's cell while a sweep runs there."""

from __future__ import annotations

import html
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from sweeps.infra.plain_text import shown

__all__ = ["is_notebook", "show_in_cell"]

_PERIOD_S = 0.5
_BAR = (
    "<div style='font: 13px system-ui, sans-serif'>"
    "<div style='height: 8px; border-radius: 4px; background: #8884; margin: 4px 0'>"
    "<div style='height: 8px; border-radius: 4px; background: #0072b2; width: {percent:.1f}%'>"
    "</div></div>{words}</div>"
)


def is_notebook() -> bool:
    """Return whether this process is a notebook's; what is not imported is not asked."""
    shell = sys.modules.get("IPython")
    found = None if shell is None else shell.get_ipython()
    return found is not None and hasattr(found, "kernel")


def show_in_cell(
    line: Callable[[], str], share: Callable[[], float], done: threading.Event
) -> None:
    """Show a bar and a line below it until `done`; the last state stays in the cell.

    Args:
        share: Returns how long the bar is, from 0 to 1.
    """
    shows = import_module("IPython.display")

    def bar() -> Any:
        words = html.escape(shown(line()))
        return shows.HTML(_BAR.format(percent=100 * share(), words=words))

    cell = shows.display(bar(), display_id=True)
    is_done = False
    while not is_done:
        is_done = done.wait(_PERIOD_S)
        cell.update(bar())

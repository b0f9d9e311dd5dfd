"""`method: auto`: another method, which `plan` names."""

from __future__ import annotations

from typing import Literal

from sweeps.search_methods.method import DrawnSearch

__all__ = ["AutoSearch"]


class AutoSearch(DrawnSearch):
    """The method that fits: sobol for few trials, else tpe or gp; `plan` says which, and why."""

    # It draws nothing: sweeps.definition.choosing has put the chosen method in its place.
    method: Literal["auto"]

"""`method: manual`: configurations that somebody lists."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sweeps.search_methods.method import Baseline, Configuration, SearchMethod

__all__ = ["ManualSearch"]


class ManualSearch(SearchMethod):
    """Configurations listed by hand; what they omit comes from the fixed part of `space`."""

    is_by_hand: ClassVar[bool] = True
    method: Literal["manual"]
    configurations: list[Configuration] = Field(
        min_length=1, description="Configurations to run, in this order."
    )
    baseline: Baseline = Field([])

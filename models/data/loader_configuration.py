"""The `data.loader` section: how the items of a user's own dataset are read.

Imports no torch, so that a sweep file is checked at once.
"""

from __future__ import annotations

from pydantic import Field

from sweeps.models.section import Section

__all__ = ["LoaderConfig"]


class LoaderConfig(Section):
    """Processes that read items ahead; what is read does not depend on how many there are."""

    workers: int = Field(
        0, ge=0, le=256, description="Processes of each trial; 0: it reads its items itself."
    )
    timeout_s: float = Field(
        300.0, gt=0, description="A batch that takes longer to read is an error of the trial."
    )

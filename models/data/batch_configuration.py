"""The `batch` section: what a function of the user's does to batches of training rows.

Imports no torch, so that a sweep file is checked at once.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from sweeps.models.own_code.roles import TARGET, free_names
from sweeps.models.section import Section

__all__ = ["OwnBatch"]


class OwnBatch(Section):
    """A user-defined augmentation: `function(inputs, targets, generator, **options)`."""

    target: str = Field(
        pattern=f"^{TARGET}$",
        description="package.module:function that returns inputs and targets of the same shapes.",
    )
    options: Annotated[dict[str, Any], free_names("batch")] = Field(
        default_factory=dict, description="Keyword arguments of the function."
    )

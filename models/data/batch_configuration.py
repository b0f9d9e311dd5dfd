"""The `batch` section: what a function of the user's does to batches of training rows.

Imports no torch, so that a sweep file is checked at once.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from sweeps.models.own_code.roles import TARGET, check_option_names
from sweeps.models.section import Section

__all__ = ["OwnBatch"]


class OwnBatch(Section):
    """A user-defined augmentation: `function(inputs, targets, generator, **options)`."""

    target: str = Field(
        pattern=f"^{TARGET}$",
        description="package.module:function that returns inputs and targets of the same shapes.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Passed to the function as keywords."
    )

    @field_validator("options")
    @classmethod
    def _options_are_free_names(cls, options: dict[str, Any]) -> dict[str, Any]:
        check_option_names("batch", options)
        return options

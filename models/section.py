"""What the sections of a trial's configuration have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Section"]


class Section(BaseModel):
    """A section that is fixed once read, and that takes no key, type or number by mistake.

    Strict: "3" is not 3 and true is not 1, but a whole number is taken for a float.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

"""The `metrics` section: what is recorded of every epoch besides the usual, by name.

Imports no torch, so that a sweep file is checked at once.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from sweeps.models.own_code.roles import TARGET
from sweeps.models.section import Section

__all__ = ["AskedMetrics", "MetricOptions"]


class MetricOptions(Section):
    """The section of a metric with options, or of a user-defined one."""

    target: str | None = Field(
        None,
        pattern=f"^{TARGET}$",
        description="package.module:function of a metric of your own: (outputs, targets, "
        "**options) -> one number.",
    )

    goal: Literal["min", "max"] | None = Field(
        None, description="For your own metric: whether low or high values are better."
    )
    quantile: float | None = Field(
        None, gt=0, lt=1, description="pinball only: the quantile that is predicted; null: 0.5."
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Keyword arguments of your function."
    )
    bounds: Annotated[tuple[float | None, float | None], Field(strict=False)] | None = Field(
        None, description="Lowest and highest value of your own metric; null for none."
    )

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The bounds of an own metric."""
        return self.bounds or (None, None)


def _listed(value: Any) -> Any:
    """Return a list of names as a section without options; anything else as it is."""
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return {name: {} for name in value}
    if isinstance(value, dict):
        return {name: {} if options is None else options for name, options in value.items()}
    return value


AskedMetrics = Annotated[
    dict[str, MetricOptions],
    BeforeValidator(_listed, json_schema_input_type=list[str] | dict[str, MetricOptions | None]),
]

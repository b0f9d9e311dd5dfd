"""Every error that `models` raises on purpose, in one tree.

ValueError
└── ModelError            whatever a user can act on
    ├── DataError         the data set: its source, columns, values or split
    ├── TrialConfigError  a configuration whose parts, or whose data, do not suit each other
    ├── NetError          the user's own net: it cannot be found, built or run
    ├── OwnFunctionError  the user's own loss, metric or batch: it cannot be found, called or used
    ├── OwnTrainingError  the user's own training: it cannot be found, run, measured or saved
    └── WeightsError      weights or a checkpoint that cannot be read
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import ClassVar

__all__ = [
    "DataError",
    "ModelError",
    "NetError",
    "OwnFunctionError",
    "OwnTrainingError",
    "TrialConfigError",
    "WeightsError",
]


class ModelError(ValueError):
    """A configuration, net or data set that cannot be used as it is, and the next step.

    The message is built from the parts, each of which stays readable on the error.

    Attributes:
        section: the part of a sweep file that `key` starts from; empty for a trial's
            configuration.
        rule: what must hold.
        key: where in that section, for example `("split", "test")`; empty for the section itself.
        value: what was found there, or None.
        choices: the allowed values, of which the nearest to `value` is suggested.
        hint: the next step.
        is_permanent: whether trying again cannot help.
    """

    section: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        rule: str,
        *,
        key: tuple[str, ...] = (),
        value: object = None,
        choices: Sequence[str] = (),
        hint: str = "",
        is_permanent: bool = False,
    ) -> None:
        self.rule = rule
        self.key = key
        self.value = value
        self.choices = tuple(choices)
        self.hint = hint
        self.is_permanent = is_permanent
        place = ".".join((*self.section, *key)) + ": " if key else ""
        got = "" if value is None else f"; got {value!r}"
        parts = (f"{place}{rule}{got}", _suggestion(value, self.choices), hint)
        super().__init__(". ".join(part for part in parts if part))


class DataError(ModelError):
    """A data set that cannot be used as it is; `key` starts from the `data` section."""

    section = ("data",)


class TrialConfigError(ModelError):
    """Parts of a trial's configuration that do not suit each other or the data."""


class NetError(ModelError):
    """A user-defined net that cannot be found, built or run."""


class OwnFunctionError(ModelError):
    """A user-defined loss, metric or function of batches that cannot be found, called or used."""


class OwnTrainingError(ModelError):
    """User-defined training that cannot be found, run, measured or saved."""


class WeightsError(ModelError):
    """Weights or a checkpoint that are damaged or belong to another configuration."""


def _suggestion(value: object, choices: tuple[str, ...]) -> str:
    if not choices:
        return ""
    near = difflib.get_close_matches(str(value), choices, n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    shown = ", ".join(choices[:20]) + (", ..." if len(choices) > 20 else "")
    return f"{meant}Choices: {shown}"

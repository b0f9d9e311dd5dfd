"""`changes`: rates, regularizers and own options that become others in the middle of a trial.

Population based training writes them, and a sweep file may. Imports no torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from sweeps.models.errors import TrialConfigError
from sweeps.models.section import Section

__all__ = [
    "CHANGEABLE",
    "OWN_OPTIONS",
    "Change",
    "Changing",
    "changed_until",
    "check_changes",
    "value_at",
    "with_change",
    "with_values",
]

Number = Annotated[float, Field(allow_inf_nan=False)]

# What acts on a step alone, or on a gradient: nothing that gives a net or a state its shape.
CHANGEABLE = (
    "model.dropout",
    *(
        f"optimizer.{name}"
        for name in ("lr", "momentum", "beta1", "beta2", "alpha", "rho", "eps", "weight_decay")
    ),
    *(f"regularization.{name}" for name in ("l1", "l2", "label_smoothing", "clip_norm")),
)
# Of a group of parameters by its place in the list, from 0: one that is frozen begins to learn.
_OF_GROUPS = re.compile(r"optimizer\.groups\.\d+\.(lr|lr_factor|weight_decay)")
# Of own training: whatever has a number; the loop is begun anew with it, from what is kept.
OWN_OPTIONS = "training.options."
# At 0 a net has no dropout and an optimizer no momentum: there is nothing to change.
_NEVER_FROM_0 = ("model.dropout", "optimizer.momentum")


class Change(Section):
    """Values that hold from the beginning of an epoch on."""

    from_epoch: int = Field(ge=2, description="The first epoch with these values.")
    values: dict[str, Number] = Field(
        min_length=1, description="New values by dotted keys, for example optimizer.lr: 0.01."
    )


class Changing(Section):
    """A trial's configuration that has `changes`; the field stands in each, in its place."""

    if TYPE_CHECKING:
        changes: list[Change]

    @model_serializer(mode="wrap")
    def _without_an_empty_list(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out changes where there are none: trials of sweeps before keep their hashes."""
        values: dict[str, Any] = handler(self)
        if not self.changes:
            values.pop("changes", None)
        return values

    @model_validator(mode="after")
    def _changes_give_legal_configurations(self) -> Self:
        if self.changes:
            check_changes(self.model_dump(mode="json"), self.changes)
            for change in self.changes:
                self.at(change.from_epoch)
        return self

    def at(self, epoch: float) -> Self:
        """Return what holds in an epoch, counted from 1, as a configuration without changes."""
        if not self.changes:
            return self
        return self.model_validate(changed_until(self.model_dump(mode="json"), epoch))

    def until(self, epoch: int) -> Self:
        """Return the configuration without its changes after an epoch, counted from 1."""
        kept = [change for change in self.changes if change.from_epoch <= epoch]
        return self.model_copy(update={"changes": kept})


def value_at(configuration: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key; None where a configuration does not have it."""
    found: Any = configuration
    for name in key.split("."):
        if isinstance(found, Sequence):
            found = found[int(name)] if int(name) < len(found) else {}
        else:
            found = found.get(name, {})
    return None if found == {} else found


def with_values(configuration: Mapping[str, Any], values: Mapping[str, float]) -> dict[str, Any]:
    """Return a configuration with other values of dotted keys."""
    made: Any = configuration
    for key, value in values.items():
        made = _with_value(made, key.split("."), value)
    return dict(made)


def _with_value(part: Any, names: Sequence[str], value: float) -> Any:
    """Return a part of a configuration, a section or a list of them, with another value in it."""
    if not names:
        return value
    name, *rest = names
    if isinstance(part, Sequence):
        place = int(name)
        return [*part[:place], _with_value(part[place], rest, value), *part[place + 1 :]]
    return {**part, name: _with_value(part.get(name), rest, value)}


def changed_until(configuration: Mapping[str, Any], epoch: float = math.inf) -> dict[str, Any]:
    """Return what of a configuration holds in an epoch, or at its end, without its changes."""
    made = {key: value for key, value in configuration.items() if key != "changes"}
    for change in configuration.get("changes") or ():
        if change["from_epoch"] <= epoch:
            made = with_values(made, change["values"])
    return made


def with_change(
    configuration: Mapping[str, Any], from_epoch: int, values: Mapping[str, float]
) -> dict[str, Any]:
    """Return a configuration with one change more."""
    change = {"from_epoch": from_epoch, "values": dict(values)}
    return {**configuration, "changes": [*configuration.get("changes", []), change]}


def check_changes(configuration: Mapping[str, Any], changes: Sequence[Change]) -> None:
    """Check what changes say by themselves, and of a configuration that is complete.

    Raises:
        TrialConfigError: Their epochs do not rise or lie beyond the last, a key cannot be changed
            in the middle of training or is not there, or dropout or momentum begins at 0.
    """
    last, most = 1, configuration["training"]["epochs"]
    for change in changes:
        if not last < change.from_epoch <= most:
            rule = f"from_epoch must rise from change to change, up to the last epoch, {most}"
            raise TrialConfigError(rule, key=("changes",), value=change.from_epoch)
        last = change.from_epoch
        for key in change.values:
            _check_key(configuration, key)


def _check_key(configuration: Mapping[str, Any], key: str) -> None:
    is_known = key in CHANGEABLE or key.startswith(OWN_OPTIONS) or _OF_GROUPS.fullmatch(key)
    if not is_known:
        rule = "this value cannot change during training"
        choices = (*CHANGEABLE, "optimizer.groups.0.lr_factor", f"{OWN_OPTIONS}<name>")
        raise TrialConfigError(rule, key=("changes",), value=key, choices=choices)
    value = value_at(configuration, key)
    if value is None:
        rule = "only a value that the trial has from the start can change"
        raise TrialConfigError(rule, key=("changes",), value=key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        rule = "only a number can change during training"
        raise TrialConfigError(rule, key=("changes",), value=key)
    if value == 0 and key in _NEVER_FROM_0:
        rule = f"{key} must be above 0 at the start to change later"
        raise TrialConfigError(rule, key=("changes",), value=value)

"""A trial that a program trains: its configuration.

Imports no torch, so that a sweep file is checked at once.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, model_validator

from sweeps.models.errors import TrialConfigError
from sweeps.models.own_code.program_command import GIVEN, check_command
from sweeps.models.section import Section

__all__ = ["ProgramTraining"]

_KEY = ("training", "command")


class ProgramTraining(Section):
    """A program of any kind, run once a trial, which reports metrics as lines of JSON."""

    kind: Literal["program"]
    command: str = Field(
        description="Started in the sweep file's folder, with no shell. Places: {name} of an "
        "option, {args} (--name=value of all others), {parameters} (a JSON file of all), {seed}, "
        "{epochs}, {checkpoints} (a folder of the trial's), {metrics} (the file to report to).",
    )
    test_command: str | None = Field(
        None,
        description="Run once, in `final`, in the folder of the model that was chosen: reports "
        "one line of JSON with what it measures on test rows. Places as in `command`.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="Values for the places of the command; each may be a parameter.",
    )
    epochs: int = Field(
        ge=1, le=1_000_000, description="Stretches of training, each reported by one line."
    )
    repeated_epochs: Literal["equal", "keep_first"] = Field(
        "equal",
        description="Where the program was stopped and reports epochs again. equal: by the same "
        "numbers, or the trial fails. keep_first: those that were reported first stand.",
    )
    grace_s: float = Field(10.0, ge=0, description="Seconds between SIGTERM and SIGKILL.")

    @model_validator(mode="after")
    def _has_a_place_for_every_option(self) -> ProgramTraining:
        for name in self.options:
            if not name.isidentifier() or name in GIVEN:
                rule = f"an option must be letters, digits and _, and none of {', '.join(GIVEN)}"
                raise TrialConfigError(
                    rule, key=("training", "options"), value=name, hint=_with_underscores(name)
                )
        check_command(self.command, self.options, _KEY)
        if self.test_command is not None:
            key = ("training", "test_command")
            check_command(self.test_command, self.options, key, takes_all=False)
        return self


def _with_underscores(name: str) -> str:
    """Return how an option is written whose flag has other characters; empty where none is."""
    plain = re.sub(r"\W", "_", name)
    if plain == name or not plain.isidentifier():
        return ""
    return f"Write {plain}, and `--{name} {{{plain}}}` in the command"

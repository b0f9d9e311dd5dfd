"""A trial that the user's own code trains, a function or a program: its configuration.

Imports no torch, so that a sweep file is checked at once. What is tuned stands in
`training.options`; there are no sections for what the own code builds by itself.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sweeps.models.changes import Change, Changing
from sweeps.models.configuration import EarlyStopping
from sweeps.models.errors import TrialConfigError
from sweeps.models.own_code.roles import TARGET, free_names
from sweeps.models.program_configuration import ProgramTraining
from sweeps.models.section import Section

__all__ = ["CustomTraining", "OwnRegularization", "OwnTrialConfig"]

_NOT_USED = ("model", "optimizer", "loss", "batch", "schedule")


class CustomTraining(Section):
    """A user-defined training: `target(trial, **options)`."""

    kind: Literal["custom"]
    target: str = Field(
        pattern=f"^{TARGET}$",
        description="package.module:name of a generator function or a class, importable from "
        "where the program runs.",
    )
    options: Annotated[dict[str, Any], free_names("training")] = Field(
        default_factory=dict, description="Keyword arguments; each may be a parameter."
    )
    epochs: int = Field(
        ge=1,
        le=1_000_000,
        description="Number of epochs; each ends with an evaluation.",
    )
    resume: Literal["exact", "from_start"] = Field(
        "exact",
        description="exact: from what the training keeps. from_start: nothing is kept; a stopped "
        "trial starts over.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: cuda if there is one")


class OwnRegularization(Section):
    """What of regularization is not inside the own code."""

    early_stopping: EarlyStopping | None = None


class OwnTrialConfig(Changing):
    """All that decides the curve of a trial with own training, besides its data and seed."""

    training: Annotated[CustomTraining | ProgramTraining, Field(discriminator="kind")]
    regularization: OwnRegularization = OwnRegularization()
    changes: list[Change] = Field(
        [], description="Options that become others during the trial; not of a program."
    )

    @property
    def resumes(self) -> bool:
        """Whether a trial that was stopped goes on from a checkpoint of the product's."""
        return isinstance(self.training, CustomTraining) and self.training.resume == "exact"

    @model_validator(mode="after")
    def _goes_on_where_options_change(self) -> Self:
        if self.changes and not self.resumes:
            raise TrialConfigError(
                "options change between two epochs where the loop is begun anew from what it "
                "keeps, and a program, or `resume: from_start`, keeps nothing here",
                key=("changes",),
                hint="Remove the changes, or keep the state with trial.keep(...)",
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _has_no_section_that_nobody_reads(cls, sections: Any) -> Any:
        for name in _NOT_USED:
            if isinstance(sections, dict) and sections.get(name) is not None:
                raise TrialConfigError(
                    "your own training builds its net, and would ignore this section",
                    key=(name,),
                    hint="Remove the section; what of it is tuned is an option: training.options",
                )
        return sections

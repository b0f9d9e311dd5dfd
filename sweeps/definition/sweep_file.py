"""The sections of a sweep file, as the user writes them.

These models hold the shape and the rules of each section; what needs several sections at once
(space against the net, objective against the data) is in sweeps.definition.checks.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from sweeps.models.data.configuration import NO_DATA, DataConfig
from sweeps.models.scoring.metric_configuration import AskedMetrics, MetricOptions
from sweeps.models.scoring.metrics import with_objective
from sweeps.models.scoring.objective import SIZES
from sweeps.models.section import Section
from sweeps.schedulers.none import NoScheduler
from sweeps.schedulers.population import PopulationBased
from sweeps.schedulers.stopping import Stopping
from sweeps.search_methods.search import Search
from sweeps.search_spaces.constraints import Constraint
from sweeps.search_spaces.problems import SpaceError

__all__ = [
    "Budget",
    "Checkpoints",
    "Choose",
    "Final",
    "ObjectiveSection",
    "OtherObjective",
    "Resources",
    "Roles",
    "SweepFile",
    "TrialLimits",
    "ranked_by_first",
]


class OtherObjective(Section):
    """What a trial should be good at besides what it is ranked by: `{metric: parameters}`."""

    metric: str = Field(
        description="A dev metric, or of the net `parameters` (how many numbers it trains), "
        "`flops` (operations of a row) or `ms_per_row` (time of a row, measured)."
    )


class ObjectiveSection(Section):
    """What a trial is judged by, on the dev set; whether low or high is good follows from it."""

    metric: str = Field("dev_loss", description="A dev metric of the task, for example dev_loss.")
    target_error: float | None = Field(
        None,
        ge=0,
        description="Error that could be reached (1 - accuracy, 1 - subset accuracy of labels, "
        "or 1 - R2); bias is above it.",
    )
    others: list[OtherObjective] = Field(
        [],
        exclude_if=lambda others: not others,
        description="What else makes a trial good; a list of objectives has here all but its "
        "first, which ranks.",
    )


def ranked_by_first(value: Any) -> Any:
    """Return a list of objectives as its first section, which ranks, with the others in it."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {**value[0], "others": value[1:]}
    return value


def left_out(value: Any) -> Any:
    """Return a `data` section of null, or of nothing, as one that is left out."""
    return DataConfig(source=NO_DATA) if value is None else value


class Budget(Section):
    """When the whole sweep stops before its last trial; what is left can be resumed."""

    time_s: float | None = Field(None, gt=0, description="Wall time of one run or resume.")
    trials: int | None = Field(None, ge=1, description="Stop after this many ended trials.")
    target: float | None = Field(None, description="Stop when the objective is this good.")
    max_failures: int | None = Field(None, ge=0, description="Stop when more trials have failed.")


class Resources(Section):
    """What one trial occupies, and how many trials may run at once."""

    cpu: float = Field(1, gt=0, description="CPU cores of one trial; also its threads, rounded up.")
    gpu: float = Field(
        0,
        ge=0,
        description="GPUs of one trial. 0.25: four share one; 2: own training and programs alone.",
    )
    workers: int | None = Field(None, ge=1, description="Trials at once; null: as many as fit.")
    priority: float = Field(
        1,
        ge=0.01,
        le=100,
        description="Where sweeps share a cluster that has too few nodes for all: one of priority "
        "2 gets twice the places that one of priority 1 gets.",
    )


class TrialLimits(Section):
    """How much trouble one trial may make."""

    timeout_s: float | None = Field(None, gt=0, description="Kill a trial that takes longer.")
    retries: int = Field(
        2,
        ge=0,
        description="Further attempts; none once code has raised the same error twice.",
    )
    sanity_check: Literal["error", "warn", "skip"] = Field(
        "error",
        description="Before the first trial, own code is tried on a few rows: it must repeat, "
        "resume exactly, not depend on evaluation, and use its options. warn: record what it does "
        "not keep, and go on.",
    )


class Checkpoints(Section):
    """What a sweep writes of its nets, so that many or large ones do not fill the disk."""

    every: int = Field(
        1, ge=1, description="A running trial saves its checkpoint once in this many epochs."
    )
    keep_weights: int | None = Field(
        100, ge=1, description="Keep the weights of this many best trials; null: of all."
    )


class Roles(Section):
    """What the sweep is to find out, in the words of Google's deep learning tuning playbook.

    All other parameters are nuisances: the options of a scientific choice are compared at the
    best of these.
    """

    scientific: list[str] = Field(
        min_length=1, description="Dotted paths of choices in `space`, for example optimizer."
    )
    balanced: bool = Field(
        True, description="Draw equally many trials of every option (random and sobol)."
    )


class Choose(Section):
    """Which point a final takes: the best in one thing of the trials that satisfy another."""

    max: str | None = Field(None, description="A dev metric that is to be high.")
    min: str | None = Field(
        None,
        description="A dev metric that is to be low, or with `where`: `parameters`, `flops` or "
        "`ms_per_row`.",
    )
    where: str | None = Field(
        None,
        description="An expression that a trial must satisfy, over sizes of a net and dev metrics "
        "of its best epoch, and the means of its repeats again.",
    )

    @property
    def metric(self) -> str:
        """What is to be high or low."""
        return self.max or self.min or ""

    @property
    def mode(self) -> Literal["min", "max"]:
        """Which of the two."""
        return "min" if self.max is None else "max"

    @property
    def metrics(self) -> set[str]:
        """The dev metrics that it goes by."""
        found = {self.metric}
        with suppress(SpaceError):  # which is told by who checks it
            found |= Constraint(self.where or "").names
        return {name for name in found if name.startswith("dev_")}


class Final(Section):
    """What follows a search: its best few under fresh seeds, then one test evaluation."""

    top_k: int = Field(3, ge=1, description="How many of the best trials are trained again.")
    seeds: int = Field(5, ge=1, le=1000, description="Fresh seeds for each of them.")
    choose: Choose | None = Field(
        None,
        exclude_if=lambda choose: choose is None,
        description="By what the best are taken, and the winner among their repeats; null: by the "
        "objective, the first where there are several.",
    )
    refit: bool = Field(True, description="Train the winner once more, on train and dev together.")
    registry_name: str | None = Field(
        None,
        pattern=r"""^[^/:'"\\\s][^/:'"\\]{0,199}$""",
        description="Name in MLflow's Model Registry; no quote, slash or colon; null: the sweep's.",
    )
    alias: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_-]{1,100}$",
        description="Alias that the registered version gets, for example champion.",
    )


class SweepFile(Section):
    """A whole sweep file; `space` is raw here and read by search_spaces."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Names the run folder and the MLflow experiment: letters, digits, . _ -",
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Fixes the plan, the split and every trial.")
    data: Annotated[DataConfig, BeforeValidator(left_out)] = Field(
        DataConfig(source=NO_DATA), description="Left out with own training that needs no data."
    )
    objective: Annotated[ObjectiveSection, BeforeValidator(ranked_by_first)] = Field(
        ObjectiveSection(metric="dev_loss"),
        description="What a trial is judged by, on the dev set; or a list of objectives, of which "
        "the first ranks the trials.",
    )
    metrics: AskedMetrics = Field(
        {},
        description="Names of metrics that are recorded besides the usual ones, as a list, or as "
        "a section with options: pinball: {quantile: 0.9}.",
    )
    search: Search
    stopping: Stopping = NoScheduler(scheduler="none")
    budget: Budget = Budget()
    resources: Resources = Resources()
    trial: TrialLimits = TrialLimits()
    checkpoints: Checkpoints = Checkpoints()
    roles: Roles | None = None
    final: Final | None = None
    space: dict[str, Any] = Field(
        description="A trial's configuration; a parameter may stand for any value or section."
    )
    constraints: list[str] = Field(
        [], description="Expressions over dotted keys of `space` that every trial must satisfy."
    )
    require: list[str] = Field(
        [],
        exclude_if=lambda require: not require,
        description="Expressions over `parameters` and `flops` of a trial's net: a trial that does "
        "not satisfy all is rejected before it trains.",
    )

    @property
    def is_population(self) -> bool:
        """Whether trials copy one another, and change their values on the way."""
        return isinstance(self.stopping, PopulationBased)

    @property
    def recorded_metrics(self) -> dict[str, MetricOptions]:
        """What epochs have besides the usual metrics, the objective's own among them."""
        recorded = with_objective(self.metrics, self.objective.metric)
        for one in self.objective.others:
            if one.metric not in SIZES:
                recorded = with_objective(recorded, one.metric)
        if self.final is not None and self.final.choose is not None:
            for metric in sorted(self.final.choose.metrics):
                recorded = with_objective(recorded, metric)
        return recorded

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
        description="A dev metric, or the size of the net: `parameters` (trainable), `flops` "
        "(per row) or `ms_per_row` (measured time per row)."
    )


class ObjectiveSection(Section):
    """What a trial is judged by, on the dev set; whether low or high is good follows from it."""

    metric: str = Field("dev_loss", description="A dev metric of the task, for example dev_loss.")
    target_error: float | None = Field(
        None,
        ge=0,
        description="Error that is considered achievable (1 - accuracy, 1 - subset accuracy of "
        "labels, or 1 - R2); what lies above it is bias.",
    )
    others: list[OtherObjective] = Field(
        [],
        exclude_if=lambda others: not others,
        description="Further objectives; of a list, all but the first, which ranks.",
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

    time_s: float | None = Field(
        None, gt=0, description="Wall time of one `run` or `resume`, in seconds."
    )
    trials: int | None = Field(None, ge=1, description="Stop after this many trials have ended.")
    target: float | None = Field(None, description="Stop when the objective reaches this value.")
    max_failures: int | None = Field(
        None, ge=0, description="Stop when more trials than this have failed."
    )


class Resources(Section):
    """What one trial occupies, and how many trials may run at once."""

    cpu: float = Field(
        1, gt=0, description="CPU cores per trial; also its number of threads, rounded up."
    )
    gpu: float = Field(
        0,
        ge=0,
        description="GPUs per trial. 0.25: four trials share one; 2 or more: only for your own "
        "training and programs.",
    )
    workers: int | None = Field(
        None, ge=1, description="Trials that run at once; null: as many as fit."
    )
    priority: float = Field(
        1,
        ge=0.01,
        le=100,
        description="Share of a busy cluster: a sweep of priority 2 gets twice the slots of one of "
        "priority 1.",
    )


class TrialLimits(Section):
    """Limits of one trial: retries, timeout, sanity check."""

    timeout_s: float | None = Field(
        None, gt=0, description="Kill a trial that takes longer, in seconds."
    )
    retries: int = Field(
        2,
        ge=0,
        description="Further attempts after a failure; none once the same error was raised twice.",
    )
    sanity_check: Literal["error", "warn", "skip"] = Field(
        "error",
        description="Before the first trial, your own code is tried on a few rows: it must be "
        "deterministic, resume exactly, not depend on when it is evaluated, and use "
        "its options. warn: record violations and continue.",
    )


class Checkpoints(Section):
    """What a sweep writes of its nets, so that many or large ones do not fill the disk."""

    every: int = Field(1, ge=1, description="Epochs between two checkpoints of a running trial.")
    keep_weights: int | None = Field(
        100, ge=1, description="Keep the weights of this many best trials; null: of all trials."
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
        True, description="Draw equally many trials for every option (random and sobol)."
    )


class Choose(Section):
    """Which point a final takes: the best in one thing of the trials that satisfy another."""

    max: str | None = Field(None, description="A dev metric to maximize.")
    min: str | None = Field(
        None,
        description="A dev metric to minimize; with `where` also `parameters`, `flops` or "
        "`ms_per_row`.",
    )
    where: str | None = Field(
        None,
        description="An expression over sizes of the net and dev metrics, which a trial must "
        "satisfy at its best epoch, and again in the mean of its repeats.",
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

    top_k: int = Field(3, ge=1, description="Number of best trials to retrain.")
    seeds: int = Field(5, ge=1, le=1000, description="Number of fresh seeds for each of them.")
    choose: Choose | None = Field(
        None,
        exclude_if=lambda choose: choose is None,
        description="Metric that picks the candidates and the winner; null: the objective (of "
        "several, the first).",
    )
    refit: bool = Field(
        True, description="Train the winner once more, on train and dev rows together."
    )
    registry_name: str | None = Field(
        None,
        pattern=r"""^[^/:'"\\\s][^/:'"\\]{0,199}$""",
        description="Name in MLflow's Model Registry; no quote, slash or colon; null: the sweep's.",
    )
    alias: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_-]{1,100}$",
        description="Alias of the registered version, for example champion.",
    )


class SweepFile(Section):
    """A whole sweep file; `space` is raw here and read by search_spaces."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Names the run folder and the MLflow experiment: letters, digits, . _ -",
    )
    seed: int = Field(
        0, ge=0, lt=2**63, description="Determines the plan, the split and the seed of every trial."
    )
    data: Annotated[DataConfig, BeforeValidator(left_out)] = Field(
        DataConfig(source=NO_DATA),
        description="May be omitted if your own training reads its data itself.",
    )
    objective: Annotated[ObjectiveSection, BeforeValidator(ranked_by_first)] = Field(
        ObjectiveSection(metric="dev_loss"),
        description="Metric on the dev set that ranks trials; or a list of objectives, of which "
        "the first ranks them.",
    )
    metrics: AskedMetrics = Field(
        {},
        description="Further metrics to record, as a list, or as a section with options: pinball: "
        "{quantile: 0.9}.",
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
        description="The configuration of a trial; any value or section may be a parameter."
    )
    constraints: list[str] = Field(
        [],
        description="Expressions over dotted keys of `space` that every trial must satisfy: "
        "arithmetic, comparisons, `and`, `or`, `not`, `in`, `min`, `max`, `abs`, `sum`, `len`.",
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
        return self.stopping.copies

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

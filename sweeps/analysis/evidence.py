"""All that the analyses look at, gathered once from a run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sweeps.definition.listed import complete
from sweeps.definition.planning import configuration_hash
from sweeps.definition.sweep_file import SweepFile
from sweeps.definition.trial_checks import completed
from sweeps.findings.measurement import dev_rows
from sweeps.findings.results import epoch_rows
from sweeps.models.scoring.objective import Objective
from sweeps.models.scoring.tasks import Task
from sweeps.record.description import DataDescription
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import SweepRecord, TrialRecord
from sweeps.search_spaces.parameters import Choice, FloatRange, Normal, Parameter
from sweeps.search_spaces.space import Space

__all__ = ["Curve", "Dimension", "Evidence", "dimensions", "gather", "parameter_values"]

Array = npt.NDArray[np.float64]
Curve = dict[str, Array]


@dataclass(frozen=True, eq=False)
class Dimension:
    """One parameter of the space, with its value in every trial.

    Attributes:
        name: For people: its dotted key, and the options inside which it exists.
        path: In the `space` section.
        kind: float, int or choice.
        low, high: The ends of a range; 0 and the number of options less one for a choice.
        log: Whether a range is searched on a logarithmic scale.
        options: What a choice chooses from, as words; empty for a range.
        values: (trials,) numbers, or positions of options; NaN where the parameter is absent.
        is_range: Whether the ends are bounds that a file has; those of a normal parameter are not.
    """

    name: str
    path: tuple[str | int, ...]
    kind: Literal["float", "int", "choice"]
    low: float
    high: float
    log: bool
    options: tuple[str, ...]
    values: Array
    is_range: bool = True

    def is_varied(self, trials: npt.NDArray[np.intp]) -> bool:
        """Return whether the trials at these positions have two values of it or more."""
        values = self.values[trials]
        return len(np.unique(values[np.isfinite(values)])) > 1

    def scaled(self) -> Array:
        """Return the values from 0 (the low end) to 1 (the high one), on the range's own scale."""
        low, high, values = self.low, self.high, self.values
        if self.log:
            low, high, values = np.log(low), np.log(high), np.log(values)
        return (values - low) / (high - low) if high > low else np.zeros_like(values)


@dataclass(frozen=True, eq=False)
class Evidence:
    """A sweep as the analyses see it; arrays are by trial, in plan order.

    Attributes:
        objective: The objective.
        task: classification or regression; None where own training has no data.
        dev_rows: How many rows trials are compared on; all of them together where there are folds.
        train_rows: How many rows train metrics are of; None with folds, where nets differ in it.
        file: The sweep as it runs.
        trials: What is known of each.
        values: Objective at the best epoch; NaN where a trial has none.
        dimensions: Every parameter of the space.
        curves: Metrics by epoch of each trial, without its repeated epochs.
        independent: How many independent rows those of `train` and `dev` come to, where they were
            cut by groups; empty where each row is one.
        groups: How many groups each part has rows of; empty as above, and in older folders.
    """

    objective: Objective
    task: Task | None
    dev_rows: int
    file: SweepFile
    trials: Sequence[TrialRecord]
    values: Array
    dimensions: tuple[Dimension, ...]
    curves: Sequence[Curve]
    train_rows: int | None = None
    independent: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)

    @property
    def losses(self) -> Array:
        """The objective such that less is better."""
        return self.values if self.objective.mode == "min" else -self.values

    def draws(self) -> Evidence:
        """Return the same without baselines, which somebody chose: chance says nothing of them."""
        number = _baselines(self.file)
        if not number:
            return self
        return replace(
            self,
            trials=self.trials[number:],
            values=self.values[number:],
            dimensions=tuple(replace(one, values=one.values[number:]) for one in self.dimensions),
            curves=self.curves[number:],
        )

    @property
    def measured_on(self) -> tuple[str, str]:
        """What all trials are measured on, and if these are few of their kind, of which kind.

        Dev rows that were cut by groups or by time are alike within a group or a stretch: what they
        say of others is not known from so many trials, nor from so many rows.
        """
        split = self.file.data.split
        if self.file.data.kind == "none" or not self.dev_rows:
            return "", ""
        if split.order is not None:
            return "this stretch of time", "other times"
        if split.group is not None and self.independent:
            number = self.groups.get("dev")
            return f"these {number} groups" if number else "these groups", "other groups"
        return f"these {self.dev_rows} dev rows", ""

    @property
    def is_drawn(self) -> bool:
        """Whether trials were drawn at random (or by Sobol), so that chance can be computed."""
        return self.file.search.is_by_chance or self.is_before_learning

    @property
    def has_learned(self) -> bool:
        """Whether a trial was proposed from results: until one is, all are random draws."""
        return any(one.saw is not None for one in self.trials)

    @property
    def is_before_learning(self) -> bool:
        """Whether the search would learn, and has no trial yet but those it begins with."""
        return self.file.search.learns and not self.has_learned

    @property
    def why_incomparable(self) -> str:
        """Why chance is no measure of options and ranges; empty where results can be shuffled."""
        if self.file.search.is_by_hand:
            return (
                "the trials were listed by hand: some values may always occur together, so their "
                "effects cannot be separated"
            )
        return self.why_dependent

    @property
    def why_dependent(self) -> str:
        """Why nothing that takes trials for independent draws can be said; empty where it can."""
        method = self.file.search.method
        if self.file.is_population:
            return "trials of a population copy one another: they are not independent"
        if not self.file.search.learns or self.is_before_learning:
            return ""
        first = self.file.search.planned or 0
        but = f"all trials but the first {first}" if first > 1 else "all trials but the first"
        return f"{method} proposed {but} from the results before them: they are not independent"


def gather(folder: RunFolder, record: SweepRecord) -> Evidence:
    """Return the evidence of a sweep; raises RunFolderError where its folder was damaged."""
    file, description = folder.read_sweep(), folder.read_description()
    values = [record.value(trial) for trial in record.trials]
    space = Space(file.space)
    return Evidence(
        objective=record.objective,
        task=description.data.task,
        dev_rows=dev_rows(description.data),
        file=file,
        trials=record.trials,
        values=np.array([np.nan if value is None else value for value in values], dtype=float),
        dimensions=dimensions(space, [parameter_values(space, one) for one in record.trials]),
        curves=_curves(folder, len(record.trials)),
        train_rows=_train_rows(description.data, file.data.train_sample),
        independent=description.data.independent,
        groups=description.data.groups,
    )


def _baselines(file: SweepFile) -> int:
    """Return how many trials are baselines: they come first, and two alike are one."""
    listed = [complete(file.space, one) for one in file.search.baseline]
    return len({configuration_hash(completed(one) or one) for one in listed})


def _train_rows(data: DataDescription, sample: int | None) -> int | None:
    rows = [split.rows for split in data.splits if split.name == "train"]
    return min(rows[0], sample or rows[0]) if rows else None


def _curves(folder: RunFolder, trials: int) -> list[Curve]:
    rows: list[list[dict[str, float]]] = [[] for _ in range(trials)]
    if folder.ledger.exists():
        for trial, row in epoch_rows(folder):
            rows[trial].append(row)
    return [
        {key: np.array([row.get(key, np.nan) for row in found]) for key in found[0]}
        if found
        else {}
        for found in rows
    ]


def parameter_values(space: Space, trial: TrialRecord) -> list[float | None]:
    """Return the number of each dimension of a space in a trial; None where it has none."""
    # An earlier version's plan lacks the defaults of keys that are newer than it.
    configuration = trial.trial.configuration
    return space.values(completed(configuration) or configuration, completed)


def dimensions(space: Space, read: Sequence[Sequence[float | None]]) -> tuple[Dimension, ...]:
    """Return every parameter of a space, with the values that were read from trials.

    Args:
        read: For each trial what `parameter_values` returned.
    """
    return tuple(
        _dimension(space, path, parameter, [values[at] for values in read])
        for at, (path, parameter) in enumerate(space.dimensions)
    )


def _dimension(
    space: Space,
    path: tuple[str | int, ...],
    parameter: Parameter,
    values: Sequence[float | None],
) -> Dimension:
    numbers = np.array([np.nan if value is None else value for value in values], dtype=float)
    name = _name(space.template, path)
    if isinstance(parameter, Choice):
        options = _labels(parameter.options)
        return Dimension(name, path, "choice", 0, len(options) - 1, False, options, numbers)
    if isinstance(parameter, Normal):
        usual = (*parameter.usual(), *numbers[np.isfinite(numbers)])
        ends = min(usual), max(usual)
        return Dimension(name, path, "float", *ends, parameter.log, (), numbers, is_range=False)
    kind: Literal["float", "int"] = "float" if isinstance(parameter, FloatRange) else "int"
    low, high = parameter.ends()
    return Dimension(name, path, kind, low, high, parameter.log, (), numbers)


def _name(template: Any, path: tuple[str | int, ...]) -> str:
    """Return `optimizer.lr [adam]` for the learning rate of that option of `optimizer`."""
    keys: list[str] = []
    options: list[str] = []
    here, at = template, 0
    while at < len(path):
        if path[at] == "choice" and at + 1 < len(path):
            position = int(path[at + 1])
            options.append(_labels(here["choice"])[position])
            here = here["choice"][position]
            at += 2
            continue
        keys.append(str(path[at]))
        here = here[path[at]]
        at += 1
    inside = f" [{', '.join(options)}]" if options else ""
    return ".".join(keys) + inside


def _labels(options: Sequence[Any]) -> tuple[str, ...]:
    """Return what people call the options of a choice; those that share a name are numbered."""
    names = [_option(option, at) for at, option in enumerate(options)]
    return tuple(
        name if names.count(name) == 1 else f"{name} #{names[: at + 1].count(name)}"
        for at, name in enumerate(names)
    )


def _option(option: Any, position: int) -> str:
    """Return an option's value, range, kind, function, number of listed values, or position."""
    if isinstance(option, dict):
        low_high = option.get("float", option.get("int"))
        if isinstance(low_high, list):
            return " to ".join(map(str, low_high))
        kind = option.get("kind", "custom")
        named = option.get("target") if kind == "custom" else kind
        return str(named or option.get("kind", f"option {position + 1}"))
    if isinstance(option, list) and any(isinstance(one, dict) for one in option):
        return f"{len(option)} values" if len(option) > 1 else "1 value"
    return str(option)

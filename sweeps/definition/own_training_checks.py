"""What a sweep with own training declares: its metrics, each with what is good, and no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sweeps.definition.metric_checks import no_goal, no_name
from sweeps.definition.sweep_file import ObjectiveSection, SweepFile
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.metrics import METRICS, Limits, Mode
from sweeps.models.scoring.objective import Objective
from sweeps.models.trial_kinds import is_own_training, is_program
from sweeps.search_spaces.problems import Problem, did_you_mean

__all__ = [
    "check_needs_data",
    "check_own_metrics",
    "check_own_objective",
    "mixed_training",
    "runs_programs",
    "trains_itself",
]


def trains_itself(template: Any) -> bool:
    """Return whether trials of a space are trained by the user's own code.

    Args:
        template: The `space` section, as it is written.
    """
    return any(is_own_training({"training": one}) for one in _trainings(template))


def mixed_training(template: Any) -> Iterator[Problem]:
    """Yield that some trials would be trained by own code and others not."""
    kinds = {is_own_training({"training": one}) for one in _trainings(template)}
    if len(kinds) > 1:
        rule = "either all trials of a sweep or none must be trained by your own code"
        hint = "write two sweep files, and compare them with `sweeps compare`"
        yield Problem(("space", "training"), None, rule, hint=hint)


def check_needs_data(file: SweepFile) -> Iterator[Problem]:
    """Yield that nets have no data to be trained on, or that what is asked of data does nothing."""
    if file.data.kind != "none" and runs_programs(file.space):
        rule = "a program reads its own data and would ignore this section"
        hint = "remove it; give a path as an option of the program, or in its command"
        yield Problem(("data",), None, rule, hint=hint)
    if file.data.kind == "none" and not trains_itself(file.space):
        hint = "write data: {source: ...}; only your own training can do without"
        yield Problem(("data",), None, "missing key 'data'", hint=hint, kind="missing_key")
    if file.data.loader.workers and trains_itself(file.space):
        rule = "your own training makes its own loaders and would ignore this key"
        place, hint = ("data", "loader", "workers"), "remove the key"
        yield Problem(place, file.data.loader.workers, rule, hint=hint)
    if file.data.train_sample is not None and trains_itself(file.space):
        rule = "your own training computes its own metrics and would ignore this key"
        yield Problem(("data", "train_sample"), file.data.train_sample, rule, hint="remove the key")


def runs_programs(template: Any) -> bool:
    """Return whether trials of a space are programs; the template is as in `trains_itself`."""
    return any(is_program({"training": one}) for one in _trainings(template))


def _trainings(template: Any) -> Iterator[Any]:
    """Yield the `training` sections that the options of a space can have."""
    for option in _options(template):
        if isinstance(option, Mapping):
            yield from _options(option.get("training"))


def _options(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping) and isinstance(value.get("choice"), list):
        for option in value["choice"]:
            yield from _options(option)
    else:
        yield value


def check_own_objective(
    section: ObjectiveSection, declared: Mapping[str, MetricOptions], problems: list[Problem]
) -> Objective | None:
    """Return the objective; None where there is a problem, which is added to the others."""
    name = section.metric.removeprefix("dev_")
    if name not in declared or name == section.metric:
        choices = tuple(f"dev_{one}" for one in declared)
        rule = f"{section.metric!r} is not a declared metric of your own training"
        hint = did_you_mean(section.metric, choices)
        hint = hint or f"declare it: metrics: {{{name}: {{goal: min}}}}, or max"
        problems.append(Problem(("objective", "metric"), section.metric, rule, choices, hint))
        return None
    mode, limits = _goal(name, declared[name]), _limits(name, declared[name])
    return None if mode is None else Objective(section.metric, mode, limits=limits)


def check_own_metrics(declared: Mapping[str, MetricOptions]) -> Iterator[Problem]:
    """Yield what is wrong with the `metrics` section of a sweep with own training."""
    for name, options in declared.items():
        if not name.isidentifier():
            yield no_name(name)
        elif _goal(name, options) is None:
            yield no_goal(name)
        if options.target is not None or options.options:
            key = "options" if options.target is None else "target"
            rule = f"your own training measures {name} itself, so this function would not be called"
            yield Problem(("metrics", name, key), options.target, rule, hint="remove the key")
        if options.quantile is not None:
            rule = f"your own training measures {name} itself, so this quantile would not be used"
            yield Problem(("metrics", name, "quantile"), options.quantile, rule)


def _limits(name: str, options: MetricOptions) -> Limits | None:
    """Return what a metric is declared to be at least and at most.

    None for that of the metric that is known by this name. A loss is excepted: one of the own
    loop's may be any, as is a metric whose goal is the other one.
    """
    is_known = name in METRICS and METRICS[name].direction == _goal(name, options)
    return None if options.bounds is None and is_known and name != "loss" else options.limits


def _goal(name: str, options: MetricOptions) -> Mode | None:
    """Return which values are good; of a name that is known here, what they are."""
    if options.goal is not None:
        return options.goal
    return METRICS[name].direction if name in METRICS else None

"""Whether what trials are judged by, and what is recorded besides, can be measured on the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sweeps.definition.other_names import answer_to
from sweeps.definition.sweep_file import ObjectiveSection
from sweeps.definition.trial_checks import own_problems
from sweeps.models.own_code.roles import metric_functions
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.metrics import METRICS, Metric, bounds_of, metrics_of
from sweeps.models.scoring.objective import Objective
from sweeps.models.scoring.tasks import TASKS, Task
from sweeps.models.splits.data_checks import DataSummary
from sweeps.search_spaces.problems import KeyPath, Problem, did_you_mean

__all__ = ["check_metrics", "check_objective", "no_goal", "no_name"]


def check_objective(
    section: ObjectiveSection,
    asked: Mapping[str, MetricOptions],
    data: DataSummary | None,
    problems: list[Problem],
) -> Objective | None:
    """Return the objective; None where there is a problem, which is added to the others.

    Args:
        asked: The `metrics` section, which may declare own ones.
    """
    own = {f"dev_{name}": one for name, one in asked.items() if one.target}
    offered = {f"dev_{name}": metric for name, metric in _offered(data).items()}
    place: KeyPath = ("objective", "metric")
    if section.metric in own:
        declared = own[section.metric]
        # Without a goal there is a problem already.
        return declared.goal and Objective(section.metric, declared.goal, limits=declared.limits)
    metric = offered.get(section.metric)
    if metric is None:
        problems.append(_unknown(section.metric, place, data, (*offered, *own)))
        return None
    why = _undefined(metric, data)
    if why:
        rule = f"{section.metric} cannot be measured: {why}"
        problems.append(Problem(place, section.metric, rule))
        return None
    return Objective(section.metric, metric.direction)


def check_metrics(
    asked: Mapping[str, MetricOptions], data: DataSummary | None, folders: Sequence[Path] = ()
) -> Iterator[Problem]:
    """Yield what is wrong with the `metrics` section.

    Args:
        folders: Where the user's modules are looked for before the import path.
    """
    for name, one in asked.items():
        yield from _of_own(name, one) if one.target else _of_metric(name, one, data)
    for own in metric_functions(asked):
        yield from own_problems(own, folders)


def _of_own(name: str, options: MetricOptions) -> Iterator[Problem]:
    place: KeyPath = ("metrics", name)
    if name in METRICS:
        rule = f"{name} is a built-in metric; give yours another name"
        yield Problem(place, name, rule)
    elif not name.isidentifier():
        yield no_name(name)
    if options.goal is None:
        yield no_goal(name)
    low, high = bounds_of(options.limits)
    if not low < high:
        rule = f"the lowest value must be below the highest, got {low:g} and {high:g}"
        yield Problem((*place, "bounds"), options.bounds, rule)
    if options.quantile is not None:
        rule = f"only pinball has a quantile; {name} is your own metric"
        hint = f"write options: {{quantile: {options.quantile:g}}}"
        yield Problem((*place, "quantile"), options.quantile, rule, hint=hint)


def no_name(name: str) -> Problem:
    """Return that a metric of the user's is called what is no name."""
    rule = "the name of a metric must consist of letters, digits and _, and not begin with a digit"
    return Problem(("metrics", name), name, f"{rule}, got {name!r}")


def no_goal(name: str) -> Problem:
    """Return that nobody can know which values of a metric of the user's are good."""
    rule = "missing key 'goal': whether low or high values are better"
    hint = "write goal: min | max"
    return Problem(("metrics", name), None, rule, hint=hint, kind="missing_key")


def _of_metric(name: str, options: MetricOptions, data: DataSummary | None) -> Iterator[Problem]:
    offered = _offered(data)
    place: KeyPath = ("metrics", name)
    if name not in offered:
        yield _unknown(name, place, data, tuple(offered))
        return
    if options.options or options.bounds is not None:
        key = "options" if options.options else "bounds"
        rule = f"{key} is only for your own metrics; {name} is built in"
        hint = f"remove the key, or name your function: metrics: {{{name}: {{target: own:{name}}}}}"
        yield Problem((*place, key), None, rule, hint=hint)
    why = _undefined(offered[name], data)
    if why:
        yield Problem(place, name, f"{name} cannot be measured: {why}")
    if options.goal is not None:
        rule = f"goal is only for your own metrics; that of {name} is known"
        yield Problem((*place, "goal"), options.goal, rule, hint="remove the key")
    if options.quantile is not None and name != "pinball":
        rule = f"only pinball has a quantile; {name} has none"
        yield Problem((*place, "quantile"), options.quantile, rule)


def _offered(data: DataSummary | None) -> dict[str, Metric]:
    return METRICS if data is None else metrics_of(data.task)


def _undefined(metric: Metric, data: DataSummary | None) -> str:
    return "" if data is None or not metric.needs else data.unmeasurable.get(metric.needs, "")


def _unknown(
    found: str, place: KeyPath, data: DataSummary | None, choices: tuple[str, ...]
) -> Problem:
    tasks: list[Task] = [data.task] if data is not None else list(TASKS)
    what = "dev metric" if place[0] == "objective" else "metric"
    rule = f"{found!r} is not a {what} for {' or '.join(tasks)}"
    if place[0] == "objective" and found.startswith("train_"):
        rule = f"{found!r} would reward overfitting: trials are judged on the dev set"
    name = found.removeprefix("dev_")
    hint = answer_to("metric", name) or did_you_mean(found, choices)
    if not hint and name.isidentifier():
        hint = f"one of your own: metrics: {{{name}: {{target: 'own:{name}', goal: max}}}}"
    return Problem(place, found, rule, choices, hint)

"""Whether what trials are judged by, and what is recorded besides, can be measured on the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sweeps.definition.sweep_file import ObjectiveSection
from sweeps.models.data_checks import DataSummary
from sweeps.models.metric_configuration import MetricOptions
from sweeps.models.metrics import METRICS, Metric, metrics_of
from sweeps.models.objective import Objective
from sweeps.models.tasks import TASKS, Task
from sweeps.search_spaces.problems import KeyPath, Problem, did_you_mean

__all__ = ["check_metrics", "check_objective"]


def check_objective(
    section: ObjectiveSection, data: DataSummary | None, problems: list[Problem]
) -> Objective | None:
    """Return the objective; None where there is a problem, which is added to the others."""
    offered = {f"dev_{name}": metric for name, metric in _offered(data).items()}
    place: KeyPath = ("objective", "metric")
    metric = offered.get(section.metric)
    if metric is None:
        problems.append(_unknown(section.metric, place, data, tuple(offered)))
        return None
    why = _undefined(metric, data)
    if why:
        rule = f"{section.metric} cannot be measured: {why}"
        problems.append(Problem(place, section.metric, rule))
        return None
    return Objective(section.metric, metric.direction)


def check_metrics(asked: Mapping[str, MetricOptions], data: DataSummary | None) -> list[Problem]:
    """Return what is wrong with the `metrics` section."""
    return [problem for name, one in asked.items() for problem in _of_metric(name, one, data)]


def _of_metric(name: str, options: MetricOptions, data: DataSummary | None) -> Iterator[Problem]:
    offered = _offered(data)
    place: KeyPath = ("metrics", name)
    if name not in offered:
        yield _unknown(name, place, data, tuple(offered))
        return
    why = _undefined(offered[name], data)
    if why:
        yield Problem(place, name, f"{name} cannot be measured: {why}")
    if options.goal is not None:
        rule = f"which values of {name} are good is known, and goal says it of own metrics"
        yield Problem((*place, "goal"), options.goal, rule, hint="remove the key")
    if options.quantile is not None and name != "pinball":
        rule = f"only pinball has a quantile, and {name} has none"
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
    return Problem(place, found, rule, choices, did_you_mean(found, choices))

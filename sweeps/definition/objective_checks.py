"""The `objective` section: one thing to be good at, which ranks the trials, or a list of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sweeps.definition.metric_checks import check_objective
from sweeps.definition.own_training_checks import check_own_objective, trains_itself
from sweeps.definition.sweep_file import ObjectiveSection, SweepFile
from sweeps.models.scoring.objective import SIZES, Objective
from sweeps.models.splits.data_checks import DataSummary
from sweeps.search_spaces.problems import KeyPath, Problem, did_you_mean

__all__ = ["check_objectives", "objective_at", "place_in_list"]


def check_objectives(
    file: SweepFile, data: DataSummary | None, problems: list[Problem]
) -> Objective | None:
    """Return the first objective with the others in it.

    None where something is wrong, which is added to the other problems.
    """
    before = len(problems)
    first = _of_metric(file, file.objective, data, problems)
    others = [
        _of_other(file, number, data, problems) for number in range(len(file.objective.others))
    ]
    found = [one for one in others if one is not None]
    if first is None or len(problems) > before:
        return None
    return replace(first, others=tuple(found)) if found else first


def _of_other(
    file: SweepFile, number: int, data: DataSummary | None, problems: list[Problem]
) -> Objective | None:
    sections = file.objective.others
    metric, place = sections[number].metric, ("objective", "others", number, "metric")
    earlier = [file.objective.metric, *(one.metric for one in sections[:number])]
    if metric in earlier:
        rule = f"each objective must be listed once; {metric} is listed twice"
        problems.append(Problem(place, metric, rule, hint="remove one of the two"))
        return None
    if metric in SIZES:
        return _of_size(file, metric, place, problems)
    sizes = () if trains_itself(file.space) else SIZES
    objective, found = objective_at(file, metric, place, data, sizes)
    problems += found
    return objective


def objective_at(
    file: SweepFile, metric: str, place: KeyPath, data: DataSummary | None, sizes: Sequence[str]
) -> tuple[Objective | None, list[Problem]]:
    """Return a dev metric with its direction, or None and what is wrong with it at its place.

    Args:
        sizes: What else may stand there.
    """
    found: list[Problem] = []
    objective = _of_metric(file, ObjectiveSection(metric=metric), data, found)
    meant = did_you_mean(metric, sizes)
    return objective, [
        replace(one, path=place, choices=(*one.choices, *sizes), hint=meant or one.hint)
        for one in found
    ]


def _of_size(
    file: SweepFile, metric: str, place: KeyPath, problems: list[Problem]
) -> Objective | None:
    if trains_itself(file.space):
        rule = f"{metric} is not known for your own training"
        hint = "report it as a metric: metrics: {size: {goal: min}} and objective dev_size"
        problems.append(Problem(place, metric, rule, hint=hint))
        return None
    return Objective(metric, "min", limits=(0.0, None))


def _of_metric(
    file: SweepFile,
    section: ObjectiveSection,
    data: DataSummary | None,
    problems: list[Problem],
) -> Objective | None:
    if section.metric in SIZES and section is file.objective:
        rule = f"{section.metric} cannot rank trials: the best would be the net that learns least"
        hint = f"write it second: objective: [{{metric: dev_loss}}, {{metric: {section.metric}}}]"
        problems.append(Problem(("objective", "metric"), section.metric, rule, hint=hint))
        return None
    if trains_itself(file.space):
        return check_own_objective(section, file.metrics, problems)
    return check_objective(section, file.metrics, data, problems)


def place_in_list(path: KeyPath, values: Mapping[str, Any]) -> KeyPath:
    """Return where a place of the `objective` section is in a file that has a list there."""
    if path[:1] != ("objective",) or not isinstance(values.get("objective"), Sequence):
        return path
    if path[1:2] == ("others",) and len(path) > 2 and isinstance(path[2], int):
        return ("objective", path[2] + 1, *path[3:])
    return path if len(path) < 2 or isinstance(path[1], int) else ("objective", 0, *path[1:])

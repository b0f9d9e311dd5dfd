"""Whether trials that train on user-defined losses can be compared by `dev_loss`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sweeps.definition.sweep_file import ObjectiveSection
from sweeps.models.scoring.objective import Objective
from sweeps.search_spaces.problems import KeyPath, Problem

__all__ = ["check_own_loss", "of_own_loss"]


def check_own_loss(
    section: ObjectiveSection, configurations: Iterable[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Yield that trials would be judged each by another loss.

    The losses that the product has may be a parameter: every trial then reports the task's own.

    Args:
        section: the objective, and the others beside it.
        configurations: those that show every option and both ends of every range.
    """
    losses = _losses(configurations)
    places: dict[KeyPath, str] = {("objective", "metric"): section.metric}
    for number, other in enumerate(section.others):
        places["objective", "others", number, "metric"] = other.metric
    judging = [place for place, metric in places.items() if metric == "dev_loss"]
    if not judging or not _has_own(losses) or _are_equal(losses):
        return
    rule = "trials cannot be compared by dev_loss, as they are trained on different losses"
    hint = "choose a metric that all share, such as dev_accuracy or dev_r2, or fix space.loss"
    yield Problem(judging[0], "dev_loss", rule, hint=hint)


def of_own_loss(objective: Objective, configurations: Iterable[Mapping[str, Any]]) -> Objective:
    """Return the objective; where it is the mean of a user-defined loss, of any value."""
    if objective.metric == "dev_loss" and _has_own(_losses(configurations)):
        return replace(objective, limits=(None, None))
    return objective


def _losses(configurations: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one["loss"] for one in configurations if isinstance(one.get("loss"), Mapping)]


def _has_own(losses: Iterable[Mapping[str, Any]]) -> bool:
    return any(loss.get("kind") == "custom" for loss in losses)


def _are_equal(losses: list[Mapping[str, Any]]) -> bool:
    return all(loss == losses[0] for loss in losses)

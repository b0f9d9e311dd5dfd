"""The `choose` section of a final: which point of several objectives it takes."""

from __future__ import annotations

from collections.abc import Iterator

from sweeps.definition.constraint_checks import read_at
from sweeps.definition.objective_checks import objective_at
from sweeps.definition.own_training_checks import trains_itself
from sweeps.definition.requirement_checks import names_in
from sweeps.definition.sweep_file import Choose, SweepFile
from sweeps.models.scoring.objective import SIZES
from sweeps.models.splits.data_checks import DataSummary
from sweeps.search_spaces.problems import KeyPath, Problem

__all__ = ["check_choose"]

_PLACE: KeyPath = ("final", "choose")


def check_choose(file: SweepFile, data: DataSummary | None) -> Iterator[Problem]:
    """Yield what is wrong with what a final chooses by."""
    choose = None if file.final is None else file.final.choose
    if choose is None:
        return
    if (choose.max is None) == (choose.min is None):
        rule = "give either max or min, not both"
        hint = 'write choose: {max: dev_accuracy, where: "parameters <= 1e5"}'
        yield Problem(_PLACE, None, rule, hint=hint)
        return
    yield from _of_metric(file, choose, data)
    if choose.where is not None:
        yield from _of_where(file, choose.where, data)


def _of_metric(file: SweepFile, choose: Choose, data: DataSummary | None) -> Iterator[Problem]:
    name, place = choose.metric, (*_PLACE, choose.mode)
    sizes = () if trains_itself(file.space) else SIZES
    if name in sizes:
        if choose.mode == "min" and choose.where is not None:
            return
        rule = f"{choose.mode}: {name} alone ignores what the net has learned"
        hint = f'write choose: {{min: {name}, where: "dev_loss <= 0.5"}}'
        yield Problem(place, name, rule, hint=hint)
        return
    objective, problems = objective_at(file, name, place, data, sizes)
    yield from problems
    if objective is not None and objective.mode != choose.mode:
        good = "low" if objective.mode == "min" else "high"
        rule = f"{choose.mode}: {name} would choose the worst: {good} values of it are better"
        yield Problem(place, name, rule, hint=f"write {objective.mode}: {name}")


def _of_where(file: SweepFile, text: str, data: DataSummary | None) -> Iterator[Problem]:
    place = (*_PLACE, "where")
    constraint, unreadable = read_at(text, place)
    yield from unreadable
    if constraint is None:
        return
    sizes = () if trains_itself(file.space) else SIZES
    wrong = [
        problem
        for name in sorted(constraint.names - set(sizes))
        for problem in objective_at(file, name, place, data, sizes)[1]
    ]
    yield from wrong
    if not wrong:
        known = sorted(constraint.names) or [*sizes, file.objective.metric]
        yield from names_in(constraint, known, place, lambda _: "")

"""What needs several sections of a sweep file at once, checked before anything starts.

Both ends of every range and every option of every choice are tried against the trial's own
configuration model; the objective, net and constraints are held against the data and the space.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sweeps.definition.choose_checks import check_choose
from sweeps.definition.constraint_checks import (
    allows,
    check_constraints,
    read_constraints,
    rejections,
)
from sweeps.definition.generation_checks import generation_problems
from sweeps.definition.listed import complete, listed_configurations
from sweeps.definition.metric_checks import check_metrics
from sweeps.definition.objective_checks import check_objectives
from sweeps.definition.own_files import looked_in
from sweeps.definition.own_loss_checks import check_own_loss, of_own_loss
from sweeps.definition.own_options import option_problems
from sweeps.definition.own_training_checks import (
    check_needs_data,
    check_own_metrics,
    mixed_training,
    trains_itself,
)
from sweeps.definition.population_checks import population_problems
from sweeps.definition.problems import from_model
from sweeps.definition.requirement_checks import check_requirements
from sweeps.definition.roles import check_roles
from sweeps.definition.sweep_file import SweepFile
from sweeps.definition.trial_checks import (
    Surroundings,
    check_configuration,
    own_problems,
    template_place,
)
from sweeps.models.own_code.roles import data_functions
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.data_checks import DataSummary, check_data
from sweeps.schedulers.stopping import Stopping
from sweeps.search_methods.grid import GridSearch
from sweeps.search_methods.learning import LearningSearch
from sweeps.search_spaces.constraints import Constraint
from sweeps.search_spaces.normal import NORMAL_KINDS
from sweeps.search_spaces.parameters import looks_like_parameter
from sweeps.search_spaces.problems import KeyPath, Problem, SpaceError
from sweeps.search_spaces.space import Space

__all__ = ["Sections", "check_sections"]


@dataclass(frozen=True)
class Sections:
    """What the checks made of a file's sections."""

    space: Space
    constraints: tuple[Constraint, ...]
    objective: Objective
    data: DataSummary | None


def check_sections(
    file: SweepFile, base_dir: Path, unsound: Collection[str] = (), *, run_code: bool = True
) -> tuple[Sections | None, list[Problem]]:
    """Return the sections, or None and every problem that was found.

    Args:
        file: A sweep file whose sections are each well formed.
        base_dir: Where relative data files are looked for.
        unsound: Sections that are not the file's own but stand in for faulty ones.
        run_code: Whether data that a function of the user's loads are loaded, and options held
            against a Pydantic model of theirs.
    """
    problems: list[Problem] = []
    kind = file.data.kind
    misfits = list(_check_data_options(file, looked_in(base_dir)))
    is_sound = "data" not in unsound and not misfits
    is_read = is_sound and kind != "none" and (run_code or kind != "function")
    data = _check_data(file, base_dir, problems) if is_read else None
    around = Surroundings(data, looked_in(base_dir), run_code)
    problems += misfits if misfits or is_read else _look_at_data(file, around)
    constraints, unreadable = read_constraints(file.constraints)
    knows_metrics = "metrics" not in unsound
    if "space" in unsound and (file.metrics or not knows_metrics):
        return None, problems + unreadable  # own training declares metrics, and may be meant
    problems += check_needs_data(file)
    objective = None
    if knows_metrics and "objective" not in unsound:
        objective = check_objectives(file, data, problems)
    problems += _check_metrics(file, around)
    problems += check_requirements(file)
    problems += check_choose(file, data) if knows_metrics else ()
    problems += unreadable
    if "space" in unsound:
        return None, problems
    allowed = None if unreadable or "constraints" in unsound else constraints
    space, faults, left_out = _read_space(file.space)
    if space is None:
        return None, problems + faults
    complete_ones, more = _try_space(space, allowed, around)
    # An unknown key is wrong in itself, whatever is wrong with its parameter.
    faults += [one for one in more if one.path not in left_out or one.kind == "unknown_key"]
    listed = _check_listed(file, around, bool(faults), problems)
    known = complete_ones or [dict(one) for one, _ in space.representatives()]
    problems += check_constraints(constraints, known, are_complete=not faults)
    problems += rejections(constraints, listed)
    problems += _check_search(file, space, allowed != {}, bool(faults))
    problems += generation_problems(file.search, space)
    tried = [*known, *(one for _, one in listed)]
    # A misspelt key leaves a configuration without the section.
    is_trained = all("training" in one for one in tried)
    if is_trained and not any("training" in one.path for one in faults):
        problems += _check_stopping(file.stopping, tried)
        complete = [*complete_ones, *(one for _, one in listed)]
        of_population = population_problems(file, space, complete)
        problems += (one for one in of_population if one.path[0] not in unsound)
    problems += check_own_loss(file.objective, tried) if "objective" not in unsound else ()
    problems += check_roles(file.roles, space)
    problems += _check_resources(file)
    problems += faults
    if problems or objective is None or (data is None and is_read):
        return None, list(dict.fromkeys(problems))
    judged = of_own_loss(objective, tried)
    return Sections(space, tuple(constraints.values()), judged, data), []


def _check_metrics(file: SweepFile, around: Surroundings) -> Iterator[Problem]:
    if trains_itself(file.space):
        yield from check_own_metrics(file.metrics)
        yield from mixed_training(file.space)
    else:
        yield from check_metrics(file.metrics, around.data, around.folders)


def _check_data(file: SweepFile, base_dir: Path, problems: list[Problem]) -> DataSummary | None:
    report = check_data(file.data, base_dir, file.seed)
    problems += [from_model(error) for error in report.problems]
    return report.summary


def _look_at_data(file: SweepFile, around: Surroundings) -> Iterator[Problem]:
    """Yield why the function that loads the data cannot be called, as its text tells."""
    for own in data_functions(file.data):
        yield from own_problems(own, around.folders)


def _check_data_options(file: SweepFile, folders: Sequence[Path]) -> Iterator[Problem]:
    """Yield that the function that loads the data does not take its options, or each trial others.

    Args:
        folders: Where modules are looked for before the import path.
    """
    for name, value in file.data.options.items():
        if looks_like_parameter(value):
            rule = "options of the data cannot be searched: trials are compared on the same rows"
            hint = (
                "make it an option of the net (space.model.options), or write one sweep per value "
                "and use `sweeps compare`"
            )
            yield Problem(("data", "options", name), None, rule, hint=hint)
    for own in data_functions(file.data):
        yield from option_problems(own, folders)


def _read_space(template: Mapping[str, Any]) -> tuple[Space | None, list[Problem], set[KeyPath]]:
    """Return the space, what is wrong with its parameters, and the places of the faulty ones.

    Faulty parameters are left out of the space (None), so that the rest of it can be tried.
    """
    try:
        return Space(template), [], set()
    except SpaceError as err:
        problems = [replace(one, path=("space", *one.path)) for one in err.problems]
        faulty = {_innermost_parameter(template, one.path) for one in err.problems}
    rest = copy.deepcopy(dict(template))
    for path in faulty:
        _leave_out(rest, path)
    with suppress(SpaceError):
        return Space(rest), problems, {("space", *path) for path in faulty}
    return None, problems, set()


def _innermost_parameter(value: Any, path: KeyPath) -> KeyPath:
    found: KeyPath = ()
    for depth, key in enumerate(path):
        if looks_like_parameter(value):
            found = path[:depth]
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return found
    return path if looks_like_parameter(value) else found


def _leave_out(value: Any, path: KeyPath) -> None:
    for key in path[:-1]:
        value = value[key]
        if value is None:  # an outer choice is left out as a whole
            return
    if path:
        value[path[-1]] = None


def _try_space(
    space: Space, constraints: Mapping[int, Constraint] | None, around: Surroundings
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Return complete configurations that show every option and end, and what is wrong.

    What is wrong of several values together counts only where the constraints allow them.

    Args:
        constraints: None where they are not known, as one of them cannot be read.
    """
    complete_ones: list[dict[str, Any]] = []
    found: dict[Problem, None] = {}
    for configuration, varied in space.representatives():
        verdict = check_configuration(configuration, around)
        if verdict.configuration is not None:
            complete_ones.append(verdict.configuration)
        if verdict.is_joint and not _allows(constraints, configuration):
            continue
        for problem in verdict.problems:
            place = template_place(space, configuration, problem) or varied or ()
            found[_of_range(replace(problem, path=("space", *place)))] = None
    return complete_ones, list(found)


def _allows(constraints: Mapping[int, Constraint] | None, values: Mapping[str, Any]) -> bool:
    return constraints is not None and allows(constraints.values(), values)


def _of_range(problem: Problem) -> Problem:
    """Return a range of the wrong type as one problem, not as one of each bound."""
    path = problem.path
    if path[-1] in NORMAL_KINDS:
        return _of_normal(problem)
    kind = path[-2] if len(path) > 2 else None
    if kind not in ("float", "int") or problem.kind not in ("type", "whole_number"):
        return problem
    is_whole = kind == "float" and problem.kind == "whole_number"
    hint = "write `int:` in place of `float:`" if is_whole else ""
    rule = f"must be {problem.wanted}, got a range of `{kind}`"
    return replace(problem, path=path[:-2], value=None, rule=rule, hint=hint)


def _of_normal(problem: Problem) -> Problem:
    """Return what is wrong with the furthest draw from a normal parameter, and the way out."""
    kind = problem.path[-1]
    if problem.kind not in ("type", "whole_number"):
        hint = f"give the `{kind}` a bound: `low` or `high`; without one it may draw such a number"
        return replace(problem, hint=hint)
    rule = f"must be {problem.wanted}, got `{kind}`, which draws fractions"
    hint = "write `int: [low, high]`, with `log: true` for a lognormal one"
    return replace(problem, path=problem.path[:-1], value=None, rule=rule, hint=hint)


def _check_listed(
    file: SweepFile, around: Surroundings, space_is_faulty: bool, problems: list[Problem]
) -> list[tuple[KeyPath, dict[str, Any]]]:
    """Check configurations listed by hand; returns the right ones with their places."""
    found = []
    for place, listed in listed_configurations(file.search):
        try:
            verdict = check_configuration(complete(file.space, listed), around)
        except SpaceError as err:
            problems += [replace(one, path=(*place, *one.path)) for one in err.problems]
            continue
        if verdict.configuration is not None:
            found.append((place, verdict.configuration))
        # What comes from a faulty space is reported there.
        own = (one for one in verdict.problems if not space_is_faulty or _has(listed, one.path))
        problems += [replace(one, path=(*place, *one.path)) for one in own]
    return found


def _has(listed: Any, path: KeyPath) -> bool:
    for key in path:
        if not isinstance(listed, Mapping) or key not in listed:
            return False
        listed = listed[str(key)]
    return True


def _check_search(
    file: SweepFile, space: Space, is_constrained: bool, space_is_faulty: bool
) -> Iterator[Problem]:
    search = file.search
    if isinstance(search, GridSearch):
        yield from _check_grid(search, space, space_is_faulty)
    if isinstance(search, LearningSearch):
        yield from _check_learning(file, search)
    is_sound = not (is_constrained or space_is_faulty)
    if search.asked is not None and is_sound:
        different = space.cardinality()
        if different is not None and different + len(search.baseline) < search.asked:
            s = "" if different == 1 else "s"
            rule = f"{search.asked} trials asked for, but the space has {different} configuration"
            hint = f"ask for {different} at most, or use `method: grid` to try all"
            yield Problem(("search", "trials"), search.asked, rule + s, hint=hint)


def _check_grid(search: GridSearch, space: Space, space_is_faulty: bool) -> Iterator[Problem]:
    try:
        size = space.grid_size()
    except SpaceError as err:
        yield from (replace(one, path=("space", *one.path)) for one in err.problems)
        return
    if size > search.limit and not space_is_faulty:
        rule = f"the grid has {size:,} points; search.limit is {search.limit:,}"
        hint = "use fewer points, raise search.limit, or use `method: random`"
        yield Problem(("search", "limit"), search.limit, rule, hint=hint)


def _check_learning(file: SweepFile, search: LearningSearch) -> Iterator[Problem]:
    """Yield what cannot be had together with a search that learns from its results."""
    key, number = search.begins_with, search.at_random
    if number >= search.trials:
        rule = (
            f"nothing would be learned: all {search.trials} trials are drawn at random, as "
            f"{key} is {number}"
        )
        hint = f"write `{key}: {search.trials // 2}`, or use `method: random`"
        yield Problem(("search", key), number, rule, hint=hint)
    if not search.learns_from_stopped and file.stopping.stops:
        rule = (
            f"{search.method} learns only from trials that ran to their end; "
            f"{file.stopping.scheduler} stops most before"
        )
        hint = "use `method: tpe`, which also learns from stopped trials, or `scheduler: none`"
        yield Problem(("stopping", "scheduler"), file.stopping.scheduler, rule, hint=hint)
    elif file.stopping.together:
        rule = f"{file.stopping.together}; {search.method} proposes trials one at a time"
        hint = "use `scheduler: asha`, which decides trial by trial; or `method: random` or `sobol`"
        yield Problem(("stopping", "scheduler"), file.stopping.scheduler, rule, hint=hint)
    if file.roles is not None:
        rule = f"roles need independent draws; trials of {search.method} depend on one another"
        hint = "use `method: random` or `sobol`, or remove `roles`"
        yield Problem(("roles",), None, rule, hint=hint)


def _check_stopping(
    stopping: Stopping, configurations: Iterable[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Yield that a scheduler waits for longer than any trial trains."""
    grace, longest = stopping.grace_epochs, max(one["training"]["epochs"] for one in configurations)
    if grace >= longest:
        rule = (
            f"the scheduler never decides: every trial trains {grace} epochs first, and none has "
            f"more than {longest}"
        )
        lower = f"lower it below {longest}, or " if longest > 1 else ""
        hint = f"{lower}write `scheduler: none`"
        yield Problem(("stopping", "grace_epochs"), grace, rule, hint=hint)


def _check_resources(file: SweepFile) -> Iterator[Problem]:
    """Yield that a trial would hold GPUs that its training does not use, or parts of several."""
    resources = file.resources
    if trains_itself(file.space):
        if resources.gpu > 1 and not resources.gpu.is_integer():
            rule = f"must be a whole number, or a fraction of one GPU, got {resources.gpu:g}"
            yield Problem(("resources", "gpu"), resources.gpu, rule)
    elif resources.gpu > 1:
        rule = f"must be at most 1: a net trains on one GPU, got {resources.gpu:g}"
        hint = "write `gpu: 1`; trials run side by side on the others (own training may have more)"
        yield Problem(("resources", "gpu"), resources.gpu, rule, hint=hint)

"""What needs several sections of a sweep file at once, checked before anything starts.

Both ends of every range and every option of every choice are tried against the trial's own
configuration model; the objective, net and constraints are held against the data and the space.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.configuration import TrialConfig, check_trial, metrics_for, mode_of
from models.data_checks import DataSummary, check_data
from models.data_configuration import Task
from models.errors import DataError, TrialConfigError
from search_spaces.constraints import Constraint
from search_spaces.problems import Problem, SpaceError, did_you_mean
from search_spaces.space import Space
from sweeps.listed import complete
from sweeps.records import Goal
from sweeps.sweep_file import GridSearch, ManualSearch, RandomSearch, SobolSearch, SweepFile
from sweeps.validation_messages import problems_of, rule_and_value

__all__ = ["Sections", "check_sections", "check_space"]


@dataclass(frozen=True)
class Sections:
    """What the checks made of a file's sections."""

    space: Space
    constraints: tuple[Constraint, ...]
    goal: Goal
    data: DataSummary


def check_sections(file: SweepFile, base_dir: Path) -> tuple[Sections | None, list[Problem]]:
    """Return the sections, or None and every problem that was found.

    Args:
        file: A sweep file whose sections are each well formed.
        base_dir: Where relative data files are looked for.
    """
    problems: list[Problem] = []
    data = _check_data(file, base_dir, problems)
    goal = _check_objective(file, data, problems)
    space, space_problems = check_space(file.space, file.constraints)
    problems += space_problems
    constraints: tuple[Constraint, ...] = ()
    if space is not None:
        listed = _check_listed(file, problems)
        constraints = _check_constraints(file, space, listed, problems)
        _check_search(file, space, constraints, problems)
        if data is not None:
            problems += dict.fromkeys(_net_against_data(space, data))
    if problems or space is None or data is None or goal is None:
        return None, problems
    return Sections(space, constraints, goal, data), []


def _check_data(file: SweepFile, base_dir: Path, problems: list[Problem]) -> DataSummary | None:
    report = check_data(file.data, base_dir, file.seed)
    problems += [data_problem(error) for error in report.problems]
    return report.summary


def data_problem(error: DataError) -> Problem:
    """Return an error of the data as a problem of the `data` section."""
    rule = rule_and_value(error.rule, error.value)
    hint = error.hint or did_you_mean(str(error.value), error.choices)
    return Problem(("data", *error.key), error.value, rule, error.choices[:20], hint)


def _check_objective(
    file: SweepFile, data: DataSummary | None, problems: list[Problem]
) -> Goal | None:
    metric = file.objective.metric
    tasks: list[Task] = [data.task] if data is not None else ["classification", "regression"]
    choices = tuple(name for task in tasks for name in metrics_for(task) if name.startswith("dev_"))
    if metric in choices:
        return Goal(metric, mode_of(metric))
    rule = f"{metric!r} is no dev metric of a {' or '.join(tasks)} task"
    if metric.startswith("train_"):
        rule = f"{metric!r} would reward overfitting: trials are judged on the dev set"
    hint = did_you_mean(metric, choices)
    problems.append(Problem(("objective", "metric"), metric, rule, choices, hint))
    return None


def check_space(
    template: Mapping[str, Any], constraints: Sequence[str]
) -> tuple[Space | None, list[Problem]]:
    """Return the space of a `space` section, or None, and what is wrong in the section.

    Args:
        constraints: As written. Rules between sections (warm-up within the epochs) count only
            where these allow the combination.
    """
    try:
        space = Space(template)
    except SpaceError as err:
        return None, [_at(("space",), problem) for problem in err.problems]
    readable = _readable(constraints)
    found: dict[Problem, None] = {}
    for configuration, varied in space.representatives():
        found |= dict.fromkeys(_trial_problems(configuration, space, varied, readable))
    return space, list(found)


def _readable(constraints: Sequence[str]) -> list[Constraint]:
    found = []
    for text in constraints:
        with suppress(SpaceError):
            found.append(Constraint(text))
    return found


def _trial_problems(
    configuration: Mapping[str, Any],
    space: Space,
    varied: tuple[Any, ...] | None,
    constraints: Sequence[Constraint],
) -> Iterator[Problem]:
    try:
        TrialConfig.model_validate(configuration)
    except ValidationError as err:
        between_sections = all(not details["loc"] for details in err.errors())
        if between_sections and not _allowed(configuration, constraints):
            return
        for problem in problems_of(err, TrialConfig, configuration):
            place = _template_path(space, configuration, problem.path) or varied or ()
            yield Problem(
                ("space", *place), problem.value, problem.rule, problem.choices, problem.hint
            )


def _allowed(configuration: Mapping[str, Any], constraints: Sequence[Constraint]) -> bool:
    try:
        return all(constraint.holds(configuration) for constraint in constraints)
    except SpaceError:
        return True


def _check_listed(file: SweepFile, problems: list[Problem]) -> list[tuple[tuple[Any, ...], Any]]:
    """Check configurations listed by hand; returns each with its place in the file."""
    found = []
    for path, listed in _listed(file):
        try:
            configuration = complete(file.space, listed)
            complete_one = TrialConfig.model_validate(configuration).model_dump(mode="json")
            found.append((path, complete_one))
        except SpaceError as err:
            problems += [_at(path, problem) for problem in err.problems]
        except ValidationError as err:
            problems += [_at(path, one) for one in problems_of(err, TrialConfig, configuration)]
    return found


def _listed(file: SweepFile) -> Iterator[tuple[tuple[Any, ...], Mapping[str, Any]]]:
    for number, configuration in enumerate(file.search.baseline):
        yield ("search", "baseline", number), configuration
    if isinstance(file.search, ManualSearch):
        for number, configuration in enumerate(file.search.configurations):
            yield ("search", "configurations", number), configuration


def _check_constraints(
    file: SweepFile,
    space: Space,
    listed: list[tuple[tuple[Any, ...], Any]],
    problems: list[Problem],
) -> tuple[Constraint, ...]:
    known = _known_names(space)
    constraints = []
    for number, text in enumerate(file.constraints):
        place = ("constraints", number)
        try:
            constraint = Constraint(text)
        except SpaceError as err:
            problems += [_at(place, problem) for problem in err.problems]
            continue
        for name in sorted(constraint.names - known):
            rule = f"{name!r} is no value of a trial's configuration"
            choices = tuple(sorted(known))
            problems.append(Problem(place, text, rule, hint=did_you_mean(name, choices)))
        constraints.append(constraint)
        problems += _rejected(constraint, place, listed)
    return tuple(constraints)


def _rejected(
    constraint: Constraint, place: tuple[Any, ...], listed: list[tuple[tuple[Any, ...], Any]]
) -> Iterator[Problem]:
    for path, configuration in listed:
        try:
            if not constraint.holds(configuration):
                rule = f"the constraint {constraint.text!r} rejects this configuration"
                yield Problem(path, None, rule, hint="change one of the two")
        except SpaceError as err:
            yield from (_at(place, problem) for problem in err.problems)


def _known_names(space: Space) -> frozenset[str]:
    """Return the dotted names of all values that any configuration of the space has."""
    names: set[str] = set()
    for configuration, _ in space.representatives():
        try:
            complete_one = TrialConfig.model_validate(configuration).model_dump(mode="json")
        except ValidationError:
            complete_one = dict(configuration)
        names.update(_names(complete_one, ""))
    return frozenset(names)


def _names(value: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, inner in value.items():
        yield prefix + key
        if isinstance(inner, Mapping):
            yield from _names(inner, f"{prefix}{key}.")


def _check_search(
    file: SweepFile, space: Space, constraints: tuple[Constraint, ...], problems: list[Problem]
) -> None:
    search = file.search
    if isinstance(search, GridSearch):
        _check_grid(search, space, problems)
    if isinstance(search, RandomSearch | SobolSearch) and not constraints:
        different = space.cardinality()
        if different is not None and different + len(search.baseline) < search.trials:
            rule = f"{search.trials} trials asked for, and the space has {different} configurations"
            hint = f"ask for {different} at most, or use `method: grid` to try all"
            problems.append(Problem(("search", "trials"), search.trials, rule, hint=hint))


def _check_grid(search: GridSearch, space: Space, problems: list[Problem]) -> None:
    try:
        size = space.grid_size()
    except SpaceError as err:
        problems += [_at(("space",), problem) for problem in err.problems]
        return
    if size > search.limit:
        rule = f"the grid has {size:,} points, and search.limit is {search.limit:,}"
        hint = "use fewer points, raise search.limit, or use `method: random`"
        problems.append(Problem(("search", "limit"), search.limit, rule, hint=hint))


def _net_against_data(space: Space, data: DataSummary) -> Iterator[Problem]:
    """Yield what the chosen nets cannot do with this data's task and shape."""
    for configuration, _ in space.representatives():
        try:
            config = TrialConfig.model_validate(configuration)
        except ValidationError:
            continue
        try:
            check_trial(config, data.task, data.input_shape)
        except TrialConfigError as err:
            place = _template_path(space, configuration, err.key)
            rule = rule_and_value(err.rule, err.value)
            yield Problem(("space", *place), err.value, rule, err.choices, err.hint)


def _template_path(
    space: Space, configuration: Mapping[str, Any], path: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Return where in the file a configuration's value stands; a default's, its section."""
    while path:
        try:
            return space.template_path(configuration, path)
        except (KeyError, SpaceError):
            path = path[:-1]
    return ()


def _at(prefix: tuple[Any, ...], problem: Problem) -> Problem:
    return Problem(
        (*prefix, *problem.path), problem.value, problem.rule, problem.choices, problem.hint
    )

"""Whether one configuration can be trained, on its own and on the sweep's data.

Representatives of a space, configurations listed by hand and drawn trials are judged alike here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sweeps.definition.own_models import model_problems
from sweeps.definition.own_modules import function_problem
from sweeps.definition.own_options import may_take_model, option_problems
from sweeps.definition.problems import from_model
from sweeps.definition.program_files import program_problems, program_training
from sweeps.definition.validation_messages import problems_of
from sweeps.models.configuration import TrialConfig, check_trial
from sweeps.models.errors import TrialConfigError
from sweeps.models.own_code.roles import OwnFunction, trial_functions
from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.splits.data_checks import DataSummary
from sweeps.models.trial_kinds import AnyTrialConfig, is_own_training, read_trial, trial_model
from sweeps.search_spaces.problems import KeyPath, Problem, SpaceError
from sweeps.search_spaces.space import Space

__all__ = [
    "Surroundings",
    "TrialCheck",
    "check_configuration",
    "completed",
    "own_problems",
    "possible_configurations",
    "template_place",
    "with_models",
]

# Stand in for sections that are wrong in themselves, so that the rest is held against the data.
_STAND_INS: dict[str, Any] = {
    "model": {"kind": "linear"},
    "optimizer": {"kind": "sgd"},
    "training": {"epochs": 1_000_000},
}


@dataclass(frozen=True)
class TrialCheck:
    """What is to be said of one configuration.

    Attributes:
        configuration: Complete, defaults included, as plain JSON values; None if illegal.
        problems: With paths in the configuration; empty where there are none.
        is_joint: No value is wrong in itself, only together with others or with the data, so
            that a constraint may keep such configurations out.
    """

    configuration: dict[str, Any] | None
    problems: tuple[Problem, ...] = ()
    is_joint: bool = False


@dataclass(frozen=True)
class Surroundings:
    """What a configuration is held against besides itself.

    Attributes:
        data: What the data are like; None where that is not known.
        folders: Where the user's modules are looked for before the import path.
        runs_code: Whether modules may be run that have a model of their function's options.
    """

    data: DataSummary | None
    folders: tuple[Path, ...] = ()
    runs_code: bool = False


def check_configuration(configuration: Mapping[str, Any], around: Surroundings) -> TrialCheck:
    """Return what is wrong with a configuration, on these data if they are known."""
    model = trial_model(configuration)
    try:
        config = model.model_validate(configuration)
    except ValidationError as err:
        problems = problems_of(err, model, configuration)
        is_joint = all(details["type"] == "value_error" for details in err.errors())
        rest = _without_wrong_sections(configuration, err)
        if rest is not None:
            problems += _against_surroundings(rest, rest.model_dump(mode="json"), around)
        return TrialCheck(None, tuple(problems), is_joint)
    complete = config.model_dump(mode="json")
    problems = list(_against_surroundings(config, complete, around))
    if problems:
        return TrialCheck(None, tuple(problems), is_joint=True)
    return TrialCheck(complete)


def completed(configuration: Any) -> dict[str, Any] | None:
    """Return a trial's configuration with every default, as a plan has it; None if illegal."""
    try:
        return read_trial(configuration).model_dump(mode="json")
    except ValidationError:
        return None


def possible_configurations(space: Space) -> list[dict[str, Any]]:
    """Return complete configurations that show every option and both ends of every range."""
    found = (completed(configuration) for configuration, _ in space.representatives())
    return [one for one in found if one is not None]


def _without_wrong_sections(
    configuration: Mapping[str, Any], error: ValidationError
) -> TrialConfig | None:
    if is_own_training(configuration):
        return None
    wrong = {details["loc"][0] for details in error.errors() if details["loc"]}
    sound = {
        key: value
        for key, value in configuration.items()
        if key in TrialConfig.model_fields and key not in wrong
    }
    try:
        return TrialConfig.model_validate(_STAND_INS | sound)
    except ValidationError:
        return None


def _against_surroundings(
    config: AnyTrialConfig, complete: Mapping[str, Any], around: Surroundings
) -> Iterator[Problem]:
    """Yield what the net cannot do with this data, and what the user's own cannot be called with.

    Calling those functions is left to the trials: it would take torch. A model of their options is
    asked, where code may be run.

    Args:
        complete: The configuration as plain JSON values.
    """
    for own in trial_functions(complete):
        yield from own_problems(own, around.folders)
        if around.runs_code and may_take_model(own, around.folders):
            yield from model_problems(own)
    program = program_training(config)
    if program is not None:
        yield from program_problems(program, around.folders)
    data = around.data
    if data is None or isinstance(config, OwnTrialConfig):
        return
    try:
        check_trial(config, data)
    except TrialConfigError as err:
        yield from_model(err)


def with_models(space: Space, around: Surroundings) -> list[str]:
    """Return the functions of a space whose options may have a Pydantic model of the user's."""
    every = (own for one in possible_configurations(space) for own in trial_functions(one))
    found = (own.target for own in every if may_take_model(own, around.folders))
    return list(dict.fromkeys(found))


def own_problems(own: OwnFunction, folders: Sequence[Path]) -> Iterator[Problem]:
    """Yield what keeps a function of the user's from being called, as far as its text tells."""
    problem = function_problem(own, folders)
    if problem is None:
        yield from option_problems(own, folders)
    else:
        yield problem


def template_place(space: Space, configuration: Mapping[str, Any], problem: Problem) -> KeyPath:
    """Return where in `space` a problem of a configuration stands; a default's, its section."""
    if problem.kind == "unknown_key":
        section = _known_part(space, configuration, problem.path[:-1])
        return (*section, problem.path[-1])
    return _known_part(space, configuration, problem.path)


def _known_part(space: Space, configuration: Mapping[str, Any], path: KeyPath) -> KeyPath:
    while path:
        try:
            return space.template_path(configuration, path)
        except (KeyError, SpaceError):
            path = path[:-1]
    return ()

"""Reads and checks a sweep file: all of its problems at once, each with file, line and column.

Imports neither torch nor ray nor mlflow, so that the verdict is there at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sweeps.definition.checks import check_sections
from sweeps.definition.choosing import choose
from sweeps.definition.objective_checks import place_in_list
from sweeps.definition.overrides import Override, apply_overrides, parse_override
from sweeps.definition.own_files import make_importable
from sweeps.definition.own_modules import package_problem
from sweeps.definition.planning import PlannedTrial, make_plan
from sweeps.definition.problems import at_place
from sweeps.definition.sweep import Sweep
from sweeps.definition.sweep_file import SweepFile, ranked_by_first
from sweeps.definition.trial_checks import template_place
from sweeps.definition.validation_messages import KEYS_OF_KINDS, problems_of
from sweeps.errors import FileProblem, SweepFileError
from sweeps.models.data.configuration import NO_DATA
from sweeps.models.own_code.roles import metric_functions, trial_functions
from sweeps.search_spaces.problems import Problem, SpaceError
from sweeps.search_spaces.yaml_reader import Document, YamlError, parse_yaml, read_text

__all__ = ["check_sweep", "check_text", "load_sweep", "located", "read_values"]

# Stand in for sections that are wrong in themselves; none of their own is then reported.
_STAND_INS: dict[str, Any] = {"name": "unnamed", "data": {"source": "iris"}, "space": {}}

# Files of a run folder, which `record` writes.
_OF_RUNS = ("sweep.json", "plan.jsonl")
_MOST_FILES = 5


def load_sweep(path: str | Path, overrides: Sequence[str] = ()) -> Sweep:
    """Return the checked sweep of a file.

    Args:
        path: A sweep file (YAML).
        overrides: `key.path=value` texts; a value is read as YAML.

    Raises:
        SweepFileError: Anything at all is wrong; `problems` has all of it.
    """
    return check_sweep(Path(path), overrides)[0]


def check_sweep(
    path: Path, overrides: Sequence[str] = (), *, run_code: bool = True
) -> tuple[Sweep, list[PlannedTrial]]:
    """Return the checked sweep and its plan; raises SweepFileError as load_sweep does.

    Args:
        run_code: Whether a function of the user's that loads the data is called, and the packages
            of own nets are imported, and modules in which options have a Pydantic model. Without,
            what they are is told from their text alone.
    """
    try:
        source = read_text(path)
    except OSError as err:
        raise SweepFileError([_unreadable(path, err)]) from err
    except YamlError as err:
        raise _not_yaml(err, str(path)) from err
    return check_text(source, str(path), path.resolve().parent, overrides, run_code=run_code)


def _unreadable(path: Path, error: OSError) -> FileProblem:
    """Return why there is no sweep file at a path, and what else is there."""
    if not path.is_dir():
        return FileProblem(str(path), 0, 0, "", f"cannot read the sweep file: {error.strerror}")
    if any((path / name).is_file() for name in _OF_RUNS):
        rule = "must be a sweep file, and this is the folder of a run"
        hint = (
            f"`sweeps show {path}` shows its results, sweeps.open_run({str(path)!r}) returns them "
            f"in Python, and `sweeps resume {path}` continues it"
        )
        return FileProblem(str(path), 0, 0, "", rule, hint=hint)
    files = sorted(one.name for one in path.glob("*.yaml"))[:_MOST_FILES]
    hint = f"it has {', '.join(files)}" if files else ""
    rule = "must be a sweep file, and this is a folder"
    return FileProblem(str(path), 0, 0, "", rule, hint=hint)


def check_text(
    source: str, name: str, base_dir: Path, overrides: Sequence[str] = (), *, run_code: bool = True
) -> tuple[Sweep, list[PlannedTrial]]:
    """Check a sweep file's text; `name` is what messages call it, the rest as in check_sweep."""
    document = _read(source, name)
    value, applied, refused = _changed(document.value, overrides)
    places = _Places(name, document, value, applied)
    if run_code:
        make_importable(base_dir)
    file, unsound, problems = _well_formed(value)
    chosen = choose(file)
    if chosen is not None:
        overrides = (*overrides, chosen.override)
        value = _changed(value, [chosen.override])[0]
        file, unsound, problems = _well_formed(value)
    sections, more = check_sections(file, base_dir, unsound, run_code=run_code)
    if refused or problems or sections is None:
        raise SweepFileError(refused + places.of(problems + more))
    sweep = Sweep(
        file=file,
        space=sections.space,
        constraints=sections.constraints,
        source=source,
        base_dir=base_dir,
        overrides=tuple(overrides),
        objective=sections.objective,
        summary=sections.data,
        chosen=chosen,
        runs_code=run_code,
        name=name,
    )
    try:
        plan = make_plan(sweep)
    except SpaceError as err:
        raise SweepFileError(places.of(err.problems)) from err
    problems = list(_package_problems(sweep, plan)) if run_code else []
    if problems:
        raise SweepFileError(places.of(problems))
    return sweep, plan


def _package_problems(sweep: Sweep, plan: Iterable[PlannedTrial]) -> Iterator[Problem]:
    """Yield why the packages that hold functions of metrics and trials cannot be imported."""
    for own in metric_functions(sweep.file.metrics):
        problem = package_problem(own)
        if problem is not None:
            yield problem
    seen: set[str] = set()
    for trial in plan:
        for own in trial_functions(trial.configuration):
            if own.target in seen:
                continue
            seen.add(own.target)
            problem = package_problem(own)
            if problem is not None:
                place = template_place(sweep.space, trial.configuration, problem)
                yield replace(problem, path=("space", *place))


def located(sweep: Sweep, problems: Iterable[Problem]) -> list[FileProblem]:
    """Return problems of a sweep with where they stand: in its file, or in an override."""
    document = _read(sweep.source, sweep.name)
    values, applied, _ = _changed(document.value, sweep.overrides)
    return _Places(sweep.name, document, values, applied).of(problems)


def read_values(source: str, name: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return the values of a sweep file with the overrides in them, unchecked."""
    return _changed(_read(source, name).value, overrides)[0]


def _read(source: str, name: str) -> Document:
    try:
        return parse_yaml(source, name)
    except YamlError as err:
        raise _not_yaml(err, name) from err


def _not_yaml(error: YamlError, name: str) -> SweepFileError:
    return SweepFileError(
        [
            at_place(replace(problem, path=()), name, error.line, error.column)
            for problem in error.problems
        ]
    )


def _changed(
    value: dict[str, Any], overrides: Sequence[str]
) -> tuple[dict[str, Any], list[Override], list[FileProblem]]:
    """Return the file's value with the overrides in it, those, and why others are not in it."""
    applied: list[Override] = []
    refused: list[FileProblem] = []
    for text in overrides:
        try:
            override = parse_override(text)
            value = apply_overrides(value, [override])
            applied.append(override)
        except SweepFileError as err:
            refused += err.problems
    return value, applied, refused


def _well_formed(value: dict[str, Any]) -> tuple[SweepFile, frozenset[str], list[Problem]]:
    """Return the file, the names of sections that others stand in for, and what is wrong in them.

    A section that is wrong in itself is replaced by a stand-in, so that the rest can be checked.
    """
    try:
        return SweepFile.model_validate(value), frozenset(), []
    except ValidationError as err:
        # Errors are at the places of the first objective's section, and `_Places` turns them back.
        read = {
            key: ranked_by_first(one) if key == "objective" else one for key, one in value.items()
        }
        problems = problems_of(err, SweepFile, read)
        unsound = frozenset(str(details["loc"][0]) for details in err.errors())
    sound = {key: value[key] for key in SweepFile.model_fields if key in value.keys() - unsound}
    if "data" not in value:
        sound["data"] = {"source": NO_DATA}  # and whether they are needed is checked
    sound["search"] = sound.get("search") or _listed_only(value.get("search"))
    if isinstance(value.get("constraints"), list) and "constraints" in unsound:
        # At the same positions, for the messages.
        texts = [text if isinstance(text, str) else "true" for text in value["constraints"]]
        sound["constraints"] = texts
    return SweepFile.model_validate(_STAND_INS | sound), unsound, problems


def _listed_only(search: Any) -> dict[str, Any]:
    """Return a search that has the configurations of a faulty one, so that those are checked."""
    listed = {}
    for key in ("baseline", "configurations"):
        found = search.get(key) if isinstance(search, dict) else None
        if isinstance(found, list) and found and all(isinstance(one, dict) for one in found):
            listed[key] = found
    if "configurations" in listed:
        return {"method": "manual", **listed}
    return {"method": "random", "trials": 1, **listed}


class _Places:
    """Finds where in the file, or in which override, a key path stands."""

    def __init__(
        self,
        name: str,
        document: Document,
        values: Mapping[str, Any],
        overrides: Iterable[Override],
    ) -> None:
        """Take the file as it was read, and its values with the overrides in them."""
        self._name = name
        self._values = values
        self._document = document
        self._overrides = list(overrides)

    def of(self, problems: Iterable[Problem]) -> list[FileProblem]:
        found = (self._one(problem) for problem in problems)
        return list(dict.fromkeys(found))

    def _one(self, problem: Problem) -> FileProblem:
        problem = replace(problem, path=place_in_list(problem.path, self._values))
        for override in reversed(self._overrides):  # the last one holds
            if problem.path[: len(override.path)] == override.path:
                return at_place(problem, f"--set {override.text}")
        at_key = problem.kind == "unknown_key"
        if at_key and (way_out := self._whole_section(problem.path)):
            problem = replace(problem, hint="; ".join(filter(None, (problem.hint, way_out))))
        line, column = self._document.position(problem.path, at_key=at_key)
        return at_place(problem, self._name, line, column)

    def _whole_section(self, path: Sequence[str | int]) -> str:
        """Return how to override a section whose kind was overridden, and its other keys were not.

        Args:
            path: The key that the section of the new kind does not have.
        """
        for override in self._overrides:
            *section, key = override.path
            if key in KEYS_OF_KINDS and section == list(path[:-1]):
                text = f"{'.'.join(map(str, section))}={{{key}: {override.value}}}"
                return f"--set '{text}' replaces the whole section"
        return ""

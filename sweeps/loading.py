"""Reads and checks a sweep file: all of its problems at once, each with file, line and column.

Imports neither torch nor ray nor mlflow, so that the verdict is there at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.data_checks import check_data
from models.data_configuration import DataConfig
from search_spaces.problems import Problem, SpaceError
from search_spaces.yaml_reader import Document, YamlError, parse_yaml
from sweeps.checks import check_sections, check_space, data_problem
from sweeps.errors import FileProblem, SweepFileError
from sweeps.overrides import Override, apply_overrides, parse_override
from sweeps.own_modules import make_importable
from sweeps.planning import PlannedTrial, make_plan
from sweeps.sweep import Sweep
from sweeps.sweep_file import SweepFile
from sweeps.validation_messages import problems_of

__all__ = ["check_sweep", "load_sweep"]


def load_sweep(path: Path, overrides: Sequence[str] = ()) -> Sweep:
    """Return the checked sweep of a file.

    Args:
        path: A sweep file (YAML).
        overrides: `key.path=value` texts; a value is read as YAML.

    Raises:
        SweepFileError: Anything at all is wrong; `problems` has all of it.
    """
    return check_sweep(path, overrides)[0]


def check_sweep(path: Path, overrides: Sequence[str] = ()) -> tuple[Sweep, list[PlannedTrial]]:
    """Return the checked sweep and its plan; raises SweepFileError as load_sweep does."""
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        reason = getattr(err, "strerror", None) or str(err)
        raise SweepFileError(
            [FileProblem(str(path), 0, 0, "", f"cannot read the sweep file: {reason}")]
        ) from err
    return check_text(source, str(path), path.resolve().parent, overrides)


def check_text(
    source: str, name: str, base_dir: Path, overrides: Sequence[str] = ()
) -> tuple[Sweep, list[PlannedTrial]]:
    """Check a sweep file's text; `name` is what messages call it."""
    document, parsed, value = _read(source, name, overrides)
    places = _Places(name, document, parsed)
    make_importable(base_dir)
    try:
        file = SweepFile.model_validate(value)
    except ValidationError as err:
        problems = problems_of(err, SweepFile, value) + _other_problems(value, base_dir)
        raise SweepFileError(places.of(problems)) from err
    sections, problems = check_sections(file, base_dir)
    if sections is None:
        raise SweepFileError(places.of(problems))
    sweep = Sweep(
        file=file,
        space=sections.space,
        constraints=sections.constraints,
        source=source,
        base_dir=base_dir,
        overrides=tuple(overrides),
        goal=sections.goal,
        data=sections.data,
    )
    try:
        return sweep, make_plan(sweep)
    except SpaceError as err:
        raise SweepFileError(places.of(err.problems)) from err


def _read(
    source: str, name: str, overrides: Sequence[str]
) -> tuple[Document, list[Override], dict[str, Any]]:
    try:
        document = parse_yaml(source, name)
    except YamlError as err:
        raise SweepFileError(
            [
                FileProblem(name, err.line, err.column, "", problem.rule, hint=problem.hint)
                for problem in err.problems
            ]
        ) from err
    parsed = [parse_override(text) for text in overrides]
    return document, parsed, apply_overrides(document.value, parsed)


def _other_problems(value: dict[str, Any], base_dir: Path) -> list[Problem]:
    """Return what is wrong in `space` and `data` even where other sections are, to show all."""
    found: list[Problem] = []
    if isinstance(value.get("space"), dict):
        constraints = value.get("constraints")
        texts = [text for text in constraints if isinstance(text, str)] if (
            isinstance(constraints, list)
        ) else []  # fmt: skip
        found += check_space(value["space"], texts)[1]
    with suppress(ValidationError, KeyError):
        data = DataConfig.model_validate(value["data"])
        seed = value.get("seed", 0)
        report = check_data(data, base_dir, seed if isinstance(seed, int) else 0)
        found += [data_problem(error) for error in report.problems]
    return found


class _Places:
    """Finds where in the file, or in which override, a key path stands."""

    def __init__(self, name: str, document: Document, overrides: Iterable[Override]) -> None:
        self._name = name
        self._document = document
        self._overrides = list(overrides)

    def of(self, problems: Iterable[Problem]) -> list[FileProblem]:
        found = (self._one(problem) for problem in problems)
        return list(dict.fromkeys(found))

    def _one(self, problem: Problem) -> FileProblem:
        dotted = ".".join(str(item) for item in problem.path)
        for override in self._overrides:
            if problem.path[: len(override.path)] == override.path:
                return FileProblem(
                    f"--set {override.text}", 0, 0, dotted, problem.rule, problem.choices,
                    problem.hint,
                )  # fmt: skip
        at_key = problem.rule.startswith("unknown key")
        line, column = self._document.position(problem.path, at_key=at_key)
        return FileProblem(
            self._name, line, column, dotted, problem.rule, problem.choices, problem.hint
        )

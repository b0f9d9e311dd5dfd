"""The files of the programs that trials run, told from their commands without running them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sweeps.definition.own_files import files_of
from sweeps.models.own_code.program_command import named_in, split_command
from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.program_configuration import ProgramTraining
from sweeps.models.trial_kinds import AnyTrialConfig
from sweeps.search_spaces.problems import KeyPath, Problem, did_you_mean

__all__ = ["files_of_programs", "program_problems", "program_training"]

# Files that a command names, and that are held to what they were; data are not.
_CODE = (".py", ".sh", ".r", ".jl", ".yaml", ".yml", ".json", ".toml", ".ini", ".cfg")


def program_training(config: AnyTrialConfig) -> ProgramTraining | None:
    """Return how a trial's program is run; None of a trial that is none."""
    training = config.training if isinstance(config, OwnTrialConfig) else None
    return training if isinstance(training, ProgramTraining) else None


def files_of_programs(values: Mapping[str, Any], folder: Path) -> dict[Path, Path]:
    """Return the files of code that the programs of a sweep need, each with its path in a folder.

    Args:
        values: The sweep file's values.
        folder: Where programs start: the sweep file's.

    Returns:
        Those that their commands name, and for Python's the modules that they import, however far.
    """
    found: set[Path] = set()
    for command in _commands_in(values):
        words = _fixed_words(command)
        for before, word in zip(["", *words], words, strict=False):
            if before == "-m":
                found |= files_of(f"{word}:main", [folder]).keys()
            found |= _files_named(word.rpartition("=")[2], folder)
    return {file: file.relative_to(folder) for file in sorted(found)}


def _files_named(word: str, folder: Path) -> set[Path]:
    file = Path(os.path.normpath(folder / word))  # one that lies above is no part of the folder
    if not (word.lower().endswith(_CODE) and file.is_file() and file.is_relative_to(folder)):
        return set()
    imported = files_of(f"{file.stem}:main", [file.parent]) if file.suffix == ".py" else {}
    return {file, *(one for one in imported if one.is_relative_to(folder))}


def _commands_in(values: Any) -> Iterator[str]:
    """Yield the commands of a sweep file's values, wherever one stands."""
    if isinstance(values, Mapping):
        if values.get("kind") == "program":
            commands = (values.get("command"), values.get("test_command"))
            yield from (command for command in commands if isinstance(command, str))
        values = list(values.values())
    if isinstance(values, list | tuple):
        for one in values:
            yield from _commands_in(one)


def _fixed_words(command: str) -> list[str]:
    """Return the words of a command that are the same in every trial; none of one that is none."""
    try:
        words = split_command(command)
    except ValueError:
        return []
    return [word for word in words if not named_in(word)]


def program_problems(training: ProgramTraining, folders: Sequence[Path]) -> Iterator[Problem]:
    """Yield what of its commands is not there: a program, or a script that one is to run.

    Args:
        folders: The first is where they start.
    """
    here = folders[0] if folders else Path()
    yield from _command_problems(training.command, ("training", "command"), here)
    if training.test_command is not None:
        yield from _command_problems(training.test_command, ("training", "test_command"), here)


def _command_problems(command: str, key: KeyPath, here: Path) -> Iterator[Problem]:
    words, first = _fixed_words(command), split_command(command)[0]
    if first in words and _program(first, here) is None:
        rule = f"no such program: {first!r}, neither on the PATH nor in {here}"
        yield Problem(key, command, rule, hint="write its path relative to the sweep file's folder")
    for word in words:
        if word.endswith(".py") and word != first and not (here / word).is_file():
            beside = sorted(str(path.relative_to(here)) for path in here.glob("*.py"))
            rule = f"no such file: {word!r} in {here}"
            yield Problem(key, command, rule, tuple(beside[:20]), did_you_mean(word, beside))


def _program(word: str, here: Path) -> str | None:
    if os.sep in word:
        path = here / word
        return str(path) if os.access(path, os.X_OK) and path.is_file() else None
    path_of_this = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return shutil.which(word, path=path_of_this)

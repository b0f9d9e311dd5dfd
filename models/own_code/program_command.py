"""The command of a program that a trial runs: how it is read, and what stands for its places.

A command is split into words before anything is put into it, and no shell reads it: a value is
one word, or a part of one, whatever it holds. Imports no torch and runs nothing.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sweeps.models.errors import TrialConfigError

__all__ = ["GIVEN", "check_command", "named_in", "named_options", "placed", "split_command"]

# What stands in a command besides options: each has a name that no option may have.
GIVEN = ("args", "parameters", "seed", "epochs", "checkpoints", "metrics")
# `args` and `parameters` pass all options on.
_ALL = {"args", "parameters"}
_PLACE = re.compile(r"\{([A-Za-z_][\w.-]*)\}")
_ARGS = "{args}"
# What a shell would replace: $NAME, ${NAME}, $(command), `command`.
_VARIABLE = re.compile(r"\$[({]?([A-Za-z_]\w*)|`")
# Words by which a shell joins, redirects or ends commands.
_SHELLS = {"|", "||", "|&", "&", "&&", ";", "<", ">", ">>", "&>", "2>", "2>>", "2>&1", "1>&2"}


def split_command(command: str) -> list[str]:
    """Return the words of a command, with their places; quotes hold words together.

    Raises:
        ValueError: a quote is not closed, or there is no word.
    """
    words = shlex.split(command)
    if not words:
        raise ValueError("the command names no program")
    return words


def named_in(command: str) -> list[str]:
    """Return the names of a command's places, in order."""
    return _PLACE.findall(command)


def named_options(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values of options by name; of what lies in a section, by `section.name`."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            found |= named_options(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def placed(words: Sequence[str], options: Mapping[str, Any], given: Mapping[str, str]) -> list[str]:
    """Return the words of a command with values in their places.

    Args:
        words: of `split_command`.
        options: as `named_options`.
        given: for the other names of `GIVEN` but `args`, which stands for a word `--name=value`
            of each option that has no place of its own.
    """
    values = {**{name: as_text(value) for name, value in options.items()}, **given}
    found: list[str] = []
    for word in words:
        if word == _ARGS:
            named = set(named_in(" ".join(words)))
            found += (f"--{name}={values[name]}" for name in options if name not in named)
        else:
            found.append(_PLACE.sub(lambda place: values[place[1]], word))
    return found


def as_text(value: Any) -> str:
    """Return a value as a program reads it: text as it is, all else as in JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def check_command(
    command: str, options: Mapping[str, Any], key: tuple[str, ...], takes_all: bool = True
) -> None:
    """Check that a command can be split, and that its places and a trial's options are the same.

    Args:
        command: as it is written.
        options: a trial's, sections and all.
        key: where the command stands.
        takes_all: whether each option has to be passed on.

    Raises:
        TrialConfigError: it cannot be, or they are not.
    """
    try:
        words = split_command(command)
    except ValueError as err:
        rule = f"cannot split the command into words: {str(err).lower()}"
        hint = "Close all quotes" if command.strip() else "Write `python train.py`, for example"
        raise TrialConfigError(rule, key=key, value=command, hint=hint) from err
    if operators := _shell_operators(command):
        found = ", ".join(operators)
        rule = f"the command is not run by a shell, so {found} would be passed to the program"
        hint = (
            "What is printed is in output.log of the trial; what needs a shell is a script, "
            "or `sh -c '...'`; an argument that looks so is put in quotes"
        )
        raise TrialConfigError(rule, key=key, value=command, hint=hint)
    values = named_options(options)
    if variables := _shell_variables(command):
        raise _left_as_it_is(variables, values, key)
    for problem in _wrong_places(words, values, key):
        raise problem
    named = set(named_in(" ".join(words)))
    unused = [name for name in values if name not in named]
    if takes_all and unused and not named & _ALL:
        places = " ".join(f"--{name} {{{name}}}" for name in unused)
        raise TrialConfigError(
            f"the command must pass on every option, or trials would differ in values that nothing "
            f"reads: {', '.join(unused)}",
            key=key,
            hint=f"Write `{places}` into it, {_ARGS} for all that it does not name, or "
            "{parameters} for a JSON file of all",
        )


def _shell_operators(command: str) -> list[str]:
    """Return the words without quotes that only a shell would not hand on."""
    try:
        words = shlex.split(command, posix=False)
    except ValueError:  # an escaped quote, which this way of reading takes for an open one
        return []
    return [word for word in words if word in _SHELLS]


def _shell_variables(command: str) -> list[str]:
    """Return the words without quotes that a shell would put something else in place of."""
    try:
        words = shlex.split(command, posix=False)
    except ValueError:
        return []
    bare = [word for word in words if not {"'", '"', "\\"} & set(word)]
    return [word for word in bare if _VARIABLE.search(word)]


def _left_as_it_is(
    words: Sequence[str], values: Mapping[str, Any], key: tuple[str, ...]
) -> TrialConfigError:
    found = ", ".join(words)
    near = difflib.get_close_matches(_VARIABLE.findall(words[0])[0].lower(), values, n=1)
    places = ", ".join(f"{{{name}}}" for name in near or [*values][:3])
    return TrialConfigError(
        f"the command is not run by a shell, so {found} would reach the program unchanged",
        key=key,
        hint=f"Parameters are written in braces ({places or '{name}'}); a program finds variables "
        "of the environment itself, and `sh -c '...'` puts them in",
    )


def _wrong_places(
    words: Sequence[str], values: Mapping[str, Any], key: tuple[str, ...]
) -> Iterator[TrialConfigError]:
    choices = (*values, *GIVEN)
    for word in words:
        for name in named_in(word):
            if name not in choices:
                near = difflib.get_close_matches(name, choices, n=1)
                meant = f"Did you mean {{{near[0]}}}? " if near else ""
                rule = f"the command has a place {{{name}}} that no option fills in every trial"
                yield TrialConfigError(rule, key=key, hint=f"{meant}Places: {', '.join(choices)}")
        if _ARGS in word and word != _ARGS:
            rule = (
                f"{_ARGS} stands for several words, so it must be a word of its own, got {word!r}"
            )
            yield TrialConfigError(rule, key=key)

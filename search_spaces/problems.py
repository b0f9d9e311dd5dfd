"""What can be wrong with a search space, and how it is said.

ValueError
└── SpaceError        one or more Problems, each with its key path
    └── YamlError     the text is no YAML of the kind that is read (search_spaces.yaml_reader)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["KeyPath", "Kind", "Problem", "SpaceError", "did_you_mean", "nearest", "number_hint"]

KeyPath = tuple[str | int, ...]
# What programs decide by; the words of a rule are for people alone.
Kind = Literal["unknown_key", "missing_key", "whole_number", "type", "value"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and the next step.

    Attributes:
        path: Keys and list positions from the top down to the place.
        value: What was found there; None where nothing was.
        rule: What must hold, and what was found.
        choices: The allowed values, where they are few.
        hint: The next step.
        kind: What sort of thing is wrong; `whole_number` and `type` are wrong types.
        wanted: The type that was wanted, where a value has another.
    """

    path: KeyPath
    value: object
    rule: str
    choices: tuple[str, ...] = ()
    hint: str = ""
    kind: Kind = "value"
    wanted: str = ""

    # Values may be lists, which have no hash; a place and a rule tell problems apart.
    def __hash__(self) -> int:
        return hash((self.path, self.rule))

    def __str__(self) -> str:
        """Return `path: rule; allowed: ...; hint`."""
        place = ".".join(str(part) for part in self.path)
        text = f"{place}: {self.rule}" if place else self.rule
        if self.choices:
            text += f"; allowed: {', '.join(self.choices)}"
        return f"{text}; {self.hint}" if self.hint else text


class SpaceError(ValueError):
    """A space, constraint or file that cannot be used; `problems` has all that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(self.problems)  # what a copy or a pickle is made from again

    def __str__(self) -> str:
        """Return one line a problem."""
        return "\n".join(str(problem) for problem in self.problems)


def did_you_mean(word: str, choices: Sequence[str]) -> str:
    """Return `did you mean 'x'?` for the nearest choice, or an empty text."""
    near = nearest(word, choices)
    return f"did you mean {near!r}?" if near else ""


def nearest(word: str, choices: Sequence[str]) -> str:
    """Return the choice that a misspelt word most likely means; empty where none is near."""
    typed = str(word)
    same = [one for one in choices if one.lower() == typed.lower()]
    near = same or difflib.get_close_matches(typed, choices, n=5, cutoff=0.6)
    return min(near, key=lambda one: _slips(typed, one), default="")


def _slips(typed: str, meant: str) -> int:
    """Return how many slips make one word of another: a letter more, less, other, or two swapped.

    The restricted distance of Damerau and Levenshtein: difflib alone takes Adma for Adamax.
    """
    before, last = [0] * (len(meant) + 1), list(range(len(meant) + 1))
    for row, letter in enumerate(typed, start=1):
        now = [row]
        for column, other in enumerate(meant, start=1):
            slips = min(last[column] + 1, now[-1] + 1, last[column - 1] + (letter != other))
            if row > 1 and column > 1 and (typed[row - 2], letter) == (other, meant[column - 2]):
                slips = min(slips, before[column - 2] + 1)
            now.append(slips)
        before, last = last, now
    return last[-1]


def number_hint(value: object) -> str:
    """Return the fix for a text that stands where a number must; empty for any other value."""
    if not isinstance(value, str):
        return ""
    plain = value.replace("_", "")
    try:
        float(plain)
    except ValueError:
        return ""
    return "write it without quotes" if plain == value else f"write {plain}"

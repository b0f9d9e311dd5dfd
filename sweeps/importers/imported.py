"""What of another tool's sweep a sweep file can say, and what was left out, with its place."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sweeps.models.own_code.program_command import GIVEN
from sweeps.search_methods.tpe import TpeSearch
from sweeps.search_spaces.parameters import looks_like_parameter
from sweeps.search_spaces.problems import KeyPath, SpaceError
from sweeps.search_spaces.space import Space
from sweeps.search_spaces.yaml_writer import write_yaml

__all__ = [
    "Imported",
    "drawn",
    "epochs_of",
    "file_name",
    "leaves",
    "number",
    "option_name",
    "stepped",
    "sweep_text",
]

# Parameters that say how long a program trains, which has a place of its own here.
_EPOCHS = ("epochs", "num_epochs", "n_epochs", "max_epochs", "num-epochs", "max-epochs")
_GUESSED_EPOCHS = 10
_STARTUP = TpeSearch.model_fields["startup"].default
_HEAD = """Made by `sweeps import` of {source}.
The program must report each epoch by one line of JSON in the file that SWEEPS_METRICS names:
  with open(os.environ["SWEEPS_METRICS"], "a") as file:
      print(json.dumps({{"epoch": epoch, "{metric}": value}}), file=file)"""


@dataclass
class Imported:
    """A sweep file in the making.

    Attributes:
        sections: Of the sweep file.
        options: What is tuned, by name.
        command: The program's words.
        epochs: How long it trains, a number or a parameter; None where that is not known.
        notes: What was left out or is said in another way, each with its place in the source.
    """

    sections: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    epochs: Any = None
    notes: list[tuple[KeyPath, str]] = field(default_factory=list)

    def note(self, path: KeyPath, text: str) -> None:
        """Say of a place in the source what became of it."""
        self.notes.append((path, text))

    def leave_out(self, value: Mapping[str, Any], reasons: Mapping[str, str], *path: str) -> None:
        """Note each key of a section that has no place here, and why."""
        for key, reason in reasons.items():
            if key in value:
                self.note((*path, key), f"left out: {reason}")

    def leave_out_unknown(self, value: Mapping[str, Any], known: Sequence[str], *path: str) -> None:
        """Note each key of a section that is not known."""
        for key in value:
            if key not in known:
                self.note((*path, key), "left out: an unknown key")


def sweep_text(imported: Imported, source: str) -> str:
    """Return the sweep file.

    Args:
        source: The name of the file that it is made of.
    """
    [metric, *_] = imported.sections["metrics"]
    epochs = imported.epochs
    if epochs is None:
        text = f"the file does not say how often the program reports; {_GUESSED_EPOCHS} is a guess"
        imported.note((), f"space.training.epochs: {text}")
    training = {
        "kind": "program",
        "command": " ".join(imported.command),
        "options": imported.options,
        "epochs": _GUESSED_EPOCHS if epochs is None else epochs,
    }
    value = {**imported.sections, "space": {"training": training}}
    _try_each_once(imported, value)
    comments: dict[KeyPath, str] = {
        ("space", "training", "epochs"): "How often the program reports."
    }
    return write_yaml(value, comments, _HEAD.format(source=source, metric=metric))


def _try_each_once(imported: Imported, value: dict[str, Any]) -> None:
    """Make a grid of a space that has fewer configurations than trials are asked for."""
    asked = value["search"].get("trials")
    with suppress(SpaceError):  # told where the sweep file is checked
        there_are = Space(value["space"]).cardinality()
        if isinstance(asked, int) and there_are is not None and there_are < asked:
            value["search"] = {"method": "grid"}
            text = f"search: the space has {there_are} configurations, which are tried once each"
            imported.note((), f"{text} (method: grid), in place of {asked} draws")


def drawn(method: str, trials: Any) -> dict[str, Any]:
    """Return a `search` section; of few trials, TPE's draws at random must not be all."""
    section = {"method": method, "trials": trials}
    if method == "tpe" and isinstance(trials, int) and 2 <= trials <= _STARTUP:
        section["startup"] = trials // 2
    return section


def epochs_of(name: str, parameter: Any) -> Any | None:
    """Return how long the program trains, where a parameter is that; else None."""
    is_whole = type(parameter) is int
    if isinstance(parameter, Mapping):
        options = parameter.get("choice", ())
        is_whole = "int" in parameter or (options and all(type(one) is int for one in options))
    return parameter if name in _EPOCHS and is_whole else None


def option_name(name: str, taken: Mapping[str, Any]) -> str:
    """Return the name of an option for a parameter: letters, digits and _, and no reserved word."""
    found = re.sub(r"\W", "_", name, flags=re.ASCII)
    if not found.isidentifier() or keyword.iskeyword(found):
        found = f"p_{found}"
    is_kind = looks_like_parameter({found: []})  # an option `choice` would make all a parameter
    if found in GIVEN or found in taken or is_kind:
        found += "_value"
    return found


def leaves(option: Any, name: str) -> list[str] | None:
    """Return the places of an option in a command: its name, or of a section each part's.

    None where it is a choice of sections that have not all the same parts.
    """
    if not isinstance(option, Mapping):
        return [name]
    if not looks_like_parameter(option):
        found = [leaves(inner, f"{name}.{key}") for key, inner in option.items()]
        return None if None in found else [one for some in found for one in some or ()]
    sections = [one for one in option.get("choice", ()) if isinstance(one, Mapping)]
    if not sections:
        return [name]
    each = [leaves(one, name) for one in option["choice"]]
    return each[0] if all(one == each[0] for one in each) else None


def file_name(name: Any, otherwise: str) -> str:
    """Return a sweep's name: letters, digits, `.`, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", str(name or "")).strip("-._")[:64] or otherwise


def number(value: Any) -> Any:
    """Return a number that may be written as text; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value


def stepped(low: float, high: float, step: float, is_whole: bool) -> dict[str, Any]:
    """Return a range with steps whose last one is the highest that fits."""
    last = low + math.floor((high - low) / step + 1e-9) * step
    if is_whole:
        return {"int": [round(low), round(last)], "step": round(step)}
    return {"float": [float(f"{low:.12g}"), float(f"{last:.12g}")], "step": step}

"""Which search method goes with which scheduler: what a check of each pair says."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sweeps.definition.loading import check_text
from sweeps.errors import SweepFileError
from sweeps.schedulers.stopping import Stopping
from sweeps.search_methods.search import Search
from sweeps.search_spaces.yaml_writer import write_yaml

_TRIALS: dict[str, Any] = {"trials": 20}
_LEARNS: dict[str, Any] = {"trials": 20, "startup": 5}
_LISTED: list[dict[str, Any]] = [{"optimizer": {"kind": "sgd", "lr": lr}} for lr in (0.01, 0.1)]
# What a method needs in its section.
_KEYS: dict[str, dict[str, Any]] = {
    "grid": {},
    "random": _TRIALS,
    "sobol": _TRIALS,
    "auto": _TRIALS,
    "manual": {"configurations": _LISTED},
    "tpe": _LEARNS,
    "gp": _LEARNS,
    "cmaes": _LEARNS,
    "nsga2": {"trials": 20, "population_size": 5},
}
_SPACE = {
    "model": {"kind": "linear"},
    "optimizer": {"kind": "sgd", "lr": {"float": [0.01, 0.1], "points": 3}},
    "training": {"epochs": 30},
}


def table_of_pairs() -> str:
    """Return a row for each method, with `yes` under each scheduler that goes with it."""
    schedulers = list(_names(Stopping, "scheduler"))
    head = [f"| method | {' | '.join(f'`{one}`' for one in schedulers)} |"]
    head += [f"| {' | '.join(['---'] * (len(schedulers) + 1))} |"]
    rows = [
        f"| `{method}` | {' | '.join('yes' if goes(method, one) else 'no' for one in schedulers)} |"
        for method in _names(Search, "method")
    ]
    return "\n".join([*head, *rows, ""])


def goes(method: str, scheduler: str) -> bool:
    """Return whether a sweep may have both."""
    file = {
        "name": "pairs",
        "data": {"source": "iris"},
        "search": {"method": method, **_KEYS[method]},
        "stopping": {"scheduler": scheduler},
        "space": _SPACE,
    }
    try:
        check_text(write_yaml(file, {}), "pairs.yaml", Path())
    except SweepFileError as err:
        if {one.path for one in err.problems} == {"stopping.scheduler"}:
            return False
        raise  # the file is wrong in something else
    return True


def _names(union: Any, key: str) -> Iterator[str]:
    for section in typing.get_args(typing.get_args(union)[0]):
        yield from typing.get_args(section.model_fields[key].annotation)

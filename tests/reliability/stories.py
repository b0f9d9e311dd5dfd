"""Sweeps with the commands that are typed for them, to be broken at random instants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sweeps.drivers import EVERY_EPOCH, counted_sweep
from tests.sweeps.sweep_files import custom_model, space

__all__ = ["STORIES", "Story"]

_FAILS = """        if self.training and self.number == 1 and (HERE / 'fails').exists():
            raise RuntimeError('broken on purpose')
"""
_DRAWN = "{method: random, trials: 4}"
_FINAL = "{top_k: 2, seeds: 2}"


@dataclass(frozen=True)
class Story:
    """One sweep file and its commands.

    Attributes:
        commands: What is typed, in order; `run` is first.
        runner: `local`, or `ray`.
        is_exact: Whether nothing in it depends on the order in which workers report.
    """

    name: str
    sections: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[tuple[str, ...], ...] = (("run",),)
    runner: str = "local"
    is_exact: bool = True

    def write(self, folder: Path) -> Path:
        """Write the sweep file and its net; both of its runs are of the same file and net."""
        folder.mkdir(parents=True)
        if ("retry",) in self.commands:
            (folder / "fails").touch()
        module = f"net_{self.name.replace(' ', '_').replace(',', '')}"
        sections: dict[str, Any] = dict(self.sections)
        return counted_sweep(folder, module, _FAILS, trials=4, **sections)


def _drawn(folder_module: str) -> str:
    models = f"{{choice: [{custom_model(folder_module, 0)}, {custom_model(folder_module, 1)}]}}"
    text = space(models, "{kind: adam, lr: {float: [0.01, 0.1]}}", epochs=9)
    return text.replace("batch_size: 32", "batch_size: full")


def _extended(name: str) -> Mapping[str, str]:
    return {"search": _DRAWN, "space": _drawn(f"net_{name}:build")}


_ASHA = {"stopping": "{scheduler: asha, grace_epochs: 1, audit: 1}"}
_RETRY = {"trial": "{retries: 0}", "stopping": EVERY_EPOCH}
STORIES = (
    Story("plain"),
    Story("asha", _ASHA),
    Story("hyperband", {"stopping": "{scheduler: hyperband}"}),
    Story("median", {"stopping": "{scheduler: median, min_samples: 2, grace_epochs: 2}"}),
    Story("folds", {"data": "{source: iris, split: {folds: 3}}"}),
    Story("final", {"final": _FINAL}),
    Story("final later", {}, (("run",), ("final", "--top-k", "2", "--seeds", "2"))),
    Story("extend", _extended("extend"), (("run",), ("extend", "--trials", "2"))),
    Story("retry", _RETRY, (("run",), ("retry",))),
    Story("ray plain", {}, runner="ray"),
    Story("ray asha", _ASHA, runner="ray", is_exact=False),
    Story("ray final", {"final": _FINAL}, runner="ray"),
)

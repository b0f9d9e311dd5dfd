"""How far sweeps are, read from their folders alone: it works while their cluster is down."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from sweeps.errors import RunFolderError
from sweeps.record.ledger import read_events
from sweeps.record.reading import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.record.stages import stage_folders
from sweeps.terminal.progress import duration, status_line

__all__ = ["Overview", "overview_of", "print_list", "print_status"]


@dataclass(frozen=True)
class Overview:
    """How far a sweep is.

    Attributes:
        state: `running`, `interrupted` (nothing runs it, and it is not over) or `ended`.
        line: Its trials by outcome, the best so far, and, of one that runs, pace and ETA.
        last_t: When its last event was written, in seconds since 1970.
        nodes: The nodes of its last session, as (name, CPU cores, GPUs).
        stages: One such line for each stage that was begun.
    """

    name: str
    state: str
    line: str
    last_t: float
    nodes: tuple[tuple[str, float, float], ...] = ()
    stages: tuple[tuple[str, str], ...] = ()


def overview_of(folder: RunFolder) -> Overview:
    """Return how far a sweep is; raises RunFolderError where its folder is damaged."""
    line, is_over = _line(folder, running := folder.is_locked())
    stages = {name: _line(stage, running) for name, stage in stage_folders(folder).items()}
    is_over = is_over and all(done for _, done in stages.values())
    session, last_t = _last_session(folder)
    nodes = tuple(
        (node.get("name") or "this machine", node["cpus"], node["gpus"])
        for node in session.get("nodes", ())
    )
    return Overview(
        folder.name,
        "running" if running else "ended" if is_over else "interrupted",
        line,
        last_t,
        nodes,
        tuple((str(name), text) for name, (text, _) in stages.items()),
    )


def print_status(path: Path, *, as_json: bool) -> None:
    """Print how far one sweep is."""
    one = overview_of(RunFolder.open(path))
    if as_json:
        print(json.dumps(asdict(one)))
        return
    print(f"{one.name}: {one.state}, last event {_ago(one.last_t)}")
    print(one.line)
    for name, line in one.stages:
        print(f"{name}: {line}")
    for name, cpus, gpus in one.nodes:
        print(f"node {name}: {cpus:g} CPU cores" + (f", {gpus:g} GPUs" if gpus else ""))


def print_list(runs: Path, *, as_json: bool) -> None:
    """Print one line for each sweep of a storage, the latest last.

    Raises:
        RunFolderError: There is no such folder.
    """
    if not runs.is_dir():
        raise RunFolderError(f"there is no folder {runs}: no sweep has been run there")
    found = [_overview_or_damage(path.parent) for path in runs.glob("*/sweep.json")]
    found.sort(key=lambda one: one.last_t)
    if as_json:
        print(json.dumps([asdict(one) for one in found]))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("sweep", "state", "last event", "trials"):
        table.add_column(title, no_wrap=title != "trials")
    for one in found:
        table.add_row(one.name, one.state, _ago(one.last_t), one.line)
    Console(width=None if Console().is_terminal else 160).print(table)


def _overview_or_damage(path: Path) -> Overview:
    try:
        return overview_of(RunFolder.open(path))
    except RunFolderError as err:
        return Overview(path.name, "damaged", str(err), 0.0)


def _line(folder: RunFolder, running: bool) -> tuple[str, bool]:
    """Return a folder's status line, and whether nothing of it is left to do."""
    record = read_record(folder)
    epochs = sum(trial.epochs for trial in record.trials)
    active_s = record.active_s
    if running and record.session_from:
        active_s += max(0.0, time.time() - record.session_from)
    text = status_line(record, epochs, epochs / active_s if running and active_s else None)
    if record.stopped:
        text += f" | stopped: {record.stopped}"
    return text, record.is_finished


def _last_session(folder: RunFolder) -> tuple[dict[str, Any], float]:
    session: dict[str, Any] = {}
    last_t = folder.read_description().get("created_at", 0.0)
    if folder.ledger.exists():
        for event, _ in read_events(folder.ledger):
            session = event if event["event"] == "session" else session
            last_t = event.get("t", last_t)
    return session, last_t


def _ago(t: float) -> str:
    return f"{duration(max(0.0, math.floor(time.time() - t)))} ago" if t else "never"

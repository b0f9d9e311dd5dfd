"""How far sweeps are, read from their folders alone: it works while their cluster is down."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.table import Table

from sweeps.errors import RunFolderError
from sweeps.findings.stages import stage_folders, state_of
from sweeps.infra.command_line import command
from sweeps.record.ledger import read_events
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.record.session_nodes import SessionNodes
from sweeps.record.stops import is_pause
from sweeps.record.sweep_record import SweepRecord
from sweeps.terminal.console import answer_console
from sweeps.terminal.progress import EpochRate, duration, status_line, time_left_s

__all__ = ["Overview", "overview_of", "print_list", "print_status"]

_HERE = "this machine"


@dataclass(frozen=True)
class Overview:
    """How far a sweep is.

    Attributes:
        state: `running`, `paused`, `interrupted` (nothing runs it, and it is not over) or `ended`.
        line: Its trials by outcome, the best so far, and, of one that runs, pace and ETA.
        last_t: When its last event was written, in seconds since 1970.
        epochs_per_s: How fast its search trains now, and None where it does not.
        left_s: The seconds that its search still needs, and None while that cannot be told.
        nodes: The nodes of its last session as they are now, as (name, CPU cores, GPUs).
        stages: One such line for each stage that was begun.
    """

    name: str
    state: str
    line: str
    last_t: float
    epochs_per_s: float | None = None
    left_s: float | None = None
    nodes: tuple[tuple[str, float, float], ...] = ()
    stages: tuple[tuple[str, str], ...] = ()


def overview_of(folder: RunFolder) -> Overview:
    """Return how far a sweep is; raises RunFolderError where its folder is damaged."""
    record = read_record(folder)
    search = _progress(folder, record, running := folder.is_running())
    stages = {
        name: _progress(stage, read_record(stage), running)
        for name, stage in stage_folders(folder).items()
    }
    nodes = tuple(
        (node.get("name") or _HERE, node["cpus"], node["gpus"]) for node in record.nodes.now
    )
    return Overview(
        folder.name,
        state_of(folder, record, running),
        search.line,
        search.last_t,
        search.epochs_per_s,
        search.left_s,
        nodes,
        tuple((str(name), one.line) for name, one in stages.items()),
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
    if one.state in ("interrupted", "paused"):
        print(f"Continue:  {command('resume', path)}")
    for node, count in Counter(one.nodes).items():
        print(_node_line(*node, count))


def _node_line(name: str, cpus: float, gpus: float, count: int) -> str:
    """Return what a node has, or several of one address: those of one machine share it."""
    has = _counted(cpus, "CPU core") + (f", {_counted(gpus, 'GPU')}" if gpus else "")
    if name == _HERE:
        return f"{_HERE}: {has}"
    return f"node {name}: {has}" if count == 1 else f"{count} nodes at {name}: {has} each"


def _counted(number: float, what: str) -> str:
    return f"{number:g} {what}" + ("" if number == 1 else "s")


def print_list(runs: Path, *, as_json: bool) -> None:
    """Print one line for each sweep of a storage, the latest last."""
    found = [_overview_or_damage(path.parent) for path in runs.glob("*/sweep.json")]
    found.sort(key=lambda one: one.last_t)
    if as_json:
        print(json.dumps([asdict(one) for one in found]))
        return
    if not found:
        print(f"there is no sweep in {runs} yet")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("sweep", "state", "last event", "trials"):
        table.add_column(title, no_wrap=title != "trials")
    for one in found:
        table.add_row(one.name, one.state, _ago(one.last_t), one.line)
    answer_console().print(table)


def _overview_or_damage(path: Path) -> Overview:
    try:
        return overview_of(RunFolder.open(path))
    except RunFolderError as err:
        return Overview(path.name, "damaged", str(err), 0.0)


@dataclass(frozen=True)
class _Progress:
    """How far a sweep or a stage of it is."""

    line: str
    last_t: float
    epochs_per_s: float | None
    left_s: float | None


def _progress(folder: RunFolder, record: SweepRecord, running: bool) -> _Progress:
    last_t, rate = _last_session(folder)
    epochs = sum(trial.epochs for trial in record.trials)
    # The reader's clock may be behind the driver's.
    now = rate.update(epochs, max(time.time(), last_t))
    is_training = running and record.is_open and not is_pause(record.stopped)
    epochs_per_s = now if is_training else None
    if not running:
        record.nodes = SessionNodes(record.nodes.now)  # the driver was killed
    line = status_line(record, epochs_per_s)
    if record.stopped:
        line += f" | stopped: {record.stopped}"
    left_s = time_left_s(record, epochs_per_s)
    return _Progress(line, last_t, epochs_per_s, left_s)


def _last_session(folder: RunFolder) -> tuple[float, EpochRate]:
    """Return the time of the last event, and the rate of the last session."""
    last_t = folder.read_description().created_at
    rate, epochs, busy_s = EpochRate(), 0, 0.0
    running: set[int] = set()
    for event in read_events(folder.ledger):
        last_t = event.get("t", last_t)
        if event["event"] == "session":
            rate, running = EpochRate(), set()
        elif event["event"] == "started":
            running.add(event["trial"])
        elif event["event"] == "report":
            epochs += len(event["epochs"])
            busy_s += sum(row.get("epoch_s", 0.0) for row in event["epochs"])
        rate.update(epochs, last_t, busy_s / max(1, len(running)))
        if "outcome" in event:
            running.discard(event["trial"])
    return last_t, rate


def _ago(t: float) -> str:
    return f"{duration(max(0.0, math.floor(time.time() - t)))} ago" if t else "never"

"""How far a sweep is, from its ledger alone: pace, time left and nodes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.infra.command_line import command
from sweeps.record.run_folder import RunFolder
from sweeps.terminal.overview import overview_of, print_list, print_status
from sweeps.watch.feed import Feed
from tests.sweeps.sweep_files import space, write_sweep

NODES = [
    {"name": "10.0.0.1", "cpus": 8.0, "gpus": 0.0},
    {"name": "10.0.0.2", "cpus": 16.0, "gpus": 2.0},
]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A sweep of six trials whose ledger a test writes anew."""
    results = sweeps.run(write_sweep(tmp_path), runs=tmp_path, runner="local", tracking_uri="none")
    results.folder.ledger.write_text("")
    return results.folder


def session(t: float) -> dict[str, Any]:
    return {"event": "session", "t": t, "action": "run", "trials": 6, "nodes": NODES}


def trained(trial: int, epochs: list[int], t: float, epoch_s: float = 10.0) -> dict[str, Any]:
    rows = [{"epoch": epoch, "dev_loss": 1.0, "epoch_s": epoch_s} for epoch in epochs]
    return {"event": "report", "t": t, "trial": trial, "epochs": rows}


def ended(trial: int, t: float) -> dict[str, Any]:
    return {"event": "outcome", "t": t, "trial": trial, "outcome": "completed", "reason": ""}


def write(folder: RunFolder, *events: dict[str, Any]) -> None:
    folder.ledger.write_text("".join(json.dumps(event) + "\n" for event in events))


def test_what_a_killed_session_trained_does_not_count_as_pace(folder: RunFolder) -> None:
    now = time.time()
    killed = [session(now - 9000)]
    for trial in range(3):
        killed += [trained(trial, list(range(1, 11)), now - 8000), ended(trial, now - 8000)]
    resumed = [session(now - 100), trained(3, list(range(1, 11)), now - 50), ended(3, now - 50)]
    write(folder, *killed, *resumed)
    with folder.lock():
        one = overview_of(folder)
    # Ten epochs in the last 100 s, and twenty to go; not forty in 100 s.
    assert one.epochs_per_s == pytest.approx(0.1, rel=0.05)
    assert one.left_s == pytest.approx(200, rel=0.05)
    assert "about 3 min left" in one.line


def test_the_pace_is_that_of_the_latest_epochs(folder: RunFolder) -> None:
    now = time.time()
    slow = [trained(0, [epoch], now - 1000 + 100 * epoch) for epoch in range(1, 9)]
    fast = [trained(1, [epoch], now - 40 + epoch) for epoch in range(1, 41)]
    write(folder, session(now - 1000), *slow, ended(0, now - 150), *fast)
    with folder.lock():
        one = overview_of(folder)
    assert one.epochs_per_s == pytest.approx(1.0, rel=0.1)


def test_epochs_that_take_minutes_have_a_pace_too(folder: RunFolder) -> None:
    now = time.time()
    rows = [trained(0, [epoch], now - 1300 + 300 * epoch, 300.0) for epoch in range(1, 5)]
    write(folder, session(now - 1300), *rows, ended(0, now - 100))
    with folder.lock():
        one = overview_of(folder)
    assert one.epochs_per_s == pytest.approx(4 / 1300, rel=0.05)
    assert one.left_s == pytest.approx(20 / (4 / 1300), rel=0.05)
    assert "0 epochs/s" not in one.line


def test_a_sweep_that_nothing_runs_has_no_time_left(folder: RunFolder) -> None:
    write(folder, session(1000.0), trained(0, [1, 2], 1010.0), ended(0, 1010.0))
    one = overview_of(folder)
    assert (one.state, one.epochs_per_s, one.left_s) == ("interrupted", None, None)
    assert "left" not in one.line


def test_a_paused_sweep_has_no_pace_and_no_time_left(folder: RunFolder) -> None:
    now = time.time()
    end = {"event": "end", "t": now, "reason": "paused", "detail": "paused by hand"}
    write(folder, session(now - 60), trained(0, list(range(1, 11)), now), ended(0, now), end)
    with folder.lock():
        one = overview_of(folder)
    assert (one.state, one.epochs_per_s, one.left_s) == ("paused", None, None)
    assert one.line.endswith("| stopped: paused by hand")


def test_the_first_time_left_leaves_out_the_start_of_workers(folder: RunFolder) -> None:
    now = time.time()
    begun = [{"event": "started", "t": now - 300, "trial": trial} for trial in (0, 1)]
    first = trained(0, list(range(1, 11)), now, epoch_s=2.0)
    write(folder, session(now - 300), *begun, first, ended(0, now))
    with folder.lock():
        one = overview_of(folder)
    # Two workers, two seconds an epoch; five trials of ten epochs are left.
    assert one.epochs_per_s == pytest.approx(1.0, rel=0.1)
    assert one.left_s == pytest.approx(50.0, rel=0.1)


def test_nodes_of_one_address_are_one_line(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    alike = [{"name": "127.0.0.1", "cpus": 1.0, "gpus": 0.0}] * 2
    write(folder, session(1000.0) | {"nodes": [*alike, {**NODES[1], "gpus": 1.0}]})
    print_status(folder.path, as_json=False)
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "2 nodes at 127.0.0.1: 1 CPU core each",
        "node 10.0.0.2: 16 CPU cores, 1 GPU",
    ]


def test_a_node_without_a_name_is_this_machine(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, session(1000.0) | {"nodes": [{"name": "", "cpus": 2.0, "gpus": 0.0}]})
    print_status(folder.path, as_json=False)
    assert capsys.readouterr().out.splitlines()[-1] == "this machine: 2 CPU cores"


@pytest.mark.parametrize("width", [70, 120])
def test_a_list_is_as_wide_as_it_is_told_where_no_terminal_says_it(
    folder: RunFolder,
    width: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_list(folder.path.parent, as_json=False)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= width


def test_a_storage_without_a_sweep_has_a_sentence_and_no_empty_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_list(tmp_path, as_json=False)
    assert capsys.readouterr().out == f"there is no sweep in {tmp_path} yet\n"


def test_a_clock_behind_the_drivers_gives_no_negative_pace(folder: RunFolder) -> None:
    ahead = time.time() + 3600
    write(folder, session(ahead - 60), trained(0, list(range(1, 13)), ahead), ended(0, ahead))
    with folder.lock():
        one = overview_of(folder)
    assert one.epochs_per_s == pytest.approx(12 / 60)


def test_the_nodes_of_the_last_session_are_shown(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, session(1000.0) | {"nodes": NODES[:1]}, session(2000.0))
    print_status(folder.path, as_json=False)
    said = capsys.readouterr().out.splitlines()
    assert said[-3:] == [
        f"Continue:  {command('resume', folder.path)}",
        "node 10.0.0.1: 8 CPU cores",
        "node 10.0.0.2: 16 CPU cores, 2 GPUs",
    ]
    print_status(folder.path, as_json=True)
    answer = json.loads(capsys.readouterr().out)
    assert answer["nodes"] == [["10.0.0.1", 8.0, 0.0], ["10.0.0.2", 16.0, 2.0]]
    assert answer["left_s"] is None


def test_a_sweep_whose_final_was_not_begun_is_over_for_nobody(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 2}", space=space(epochs=1))
    folder = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none").folder
    assert states(folder) == ["ended"] * 3
    # As `final` leaves it when it is killed before its stage is made.
    folder.change_description({"sweep": {**folder.read_description().values, "final": {}}})
    assert states(folder) == ["interrupted"] * 3
    sweeps.resume(folder.path, runner="local", tracking_uri="none")
    assert states(folder) == ["ended"] * 3


def states(folder: RunFolder) -> list[str]:
    """What `list`, `watch` and `resume` take the sweep for."""
    is_finished = sweeps.open_run(folder.path).is_finished
    return [
        overview_of(folder).state,
        Feed(folder).summary()["state"],
        "ended" if is_finished else "interrupted",
    ]


def of_nodes(t: float, nodes: list[dict[str, Any]], **named: list[str]) -> dict[str, Any]:
    return {"event": "nodes", "t": t, "nodes": nodes, "lost": [], "joined": [], "gone": []} | named


def test_a_node_that_has_gone_is_told_and_no_longer_listed(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = of_nodes(1001.0, NODES[:1], lost=["10.0.0.2"], gone=["10.0.0.2"])
    write(folder, session(1000.0), lost)
    with folder.lock():
        print_status(folder.path, as_json=False)
        shown = Feed(folder).summary()["shared"]
    assert shown == "node 10.0.0.2 has left the cluster"
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "0/6 trials | node 10.0.0.2 has left the cluster"
    assert said[2:] == ["node 10.0.0.1: 8 CPU cores"]

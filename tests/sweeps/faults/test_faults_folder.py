"""A damaged folder, a full disk or a second process is an error that says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import sweeps
from sweeps.errors import PlacementError, RunFolderError, StorageError
from sweeps.findings.results import Results
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.errors import DataError
from sweeps.record.run_folder import RunFolder
from tests.sweeps.drivers import EVERY_EPOCH, PROJECT, counted_sweep, events, run_command
from tests.sweeps.sweep_files import space, write_sweep

# Ends the driver within trial 2, at its fifth epoch, by pressing Ctrl-C twice.
BREAKS_OFF = """
        marker = HERE / 'broken_off'
        if self.training and self.number == 2 and self.calls > 9 and not marker.exists():
            marker.touch()
            import os, signal
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
"""


def broken_off(folder: Path, module: str) -> Path:
    path = counted_sweep(folder, module, BREAKS_OFF, trials=4, epoch_s=0.0)
    with pytest.raises(KeyboardInterrupt):
        sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")
    return folder / "runs" / "blobs"


def resume(run: Path) -> Results:
    return sweeps.resume(run, runner="local", tracking_uri="none")


def curves(results: Results) -> list[dict[str, float]]:
    frame = results.epochs().drop(columns="epoch_s").sort_values(["trial", "epoch"])
    return frame.to_dict("records")


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "untouched": lambda content: content,
    "truncated": lambda content: content[: len(content) // 2],
    "garbage": lambda content: b"garbage" * 100,
    "flipped": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_checkpoint_gives_the_same_numbers(tmp_path: Path, damage: str) -> None:
    run = broken_off(tmp_path, f"checkpoint_{damage}")
    [checkpoint] = (run / "checkpoints").glob("*.pt")
    checkpoint.write_bytes(DAMAGES[damage](checkpoint.read_bytes()))
    resumed = resume(run)
    path = tmp_path / "sweep.yaml"
    whole = sweeps.run(path, runs=tmp_path / "whole", runner="local", tracking_uri="none")
    assert curves(resumed) == curves(whole)
    assert resumed.record.outcomes == {"completed": 4}


def test_a_truncated_last_line_of_the_ledger_is_recovered(tmp_path: Path) -> None:
    run = broken_off(tmp_path, "cut_line")
    ledger = run / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-20])
    assert resume(run).record.outcomes == {"completed": 4}
    assert len(list(events(run, "outcome"))) == 4


def test_lines_that_the_ledger_lost_with_its_machine_are_trained_again(tmp_path: Path) -> None:
    run = broken_off(tmp_path, "lost_lines")
    ledger = run / "ledger.jsonl"
    before = len(events(run, "report"))
    lines = ledger.read_text().splitlines(keepends=True)
    reports = [number for number, line in enumerate(lines) if '"event":"report"' in line]
    ledger.write_text("".join(lines[: reports[-2]]))
    assert len(events(run, "report")) == before - 2
    resumed = resume(run)
    path = tmp_path / "sweep.yaml"
    whole = sweeps.run(path, runs=tmp_path / "whole", runner="local", tracking_uri="none")
    assert curves(resumed) == curves(whole)
    assert resumed.record.outcomes == {"completed": 4}


def test_changed_data_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    rows = [f"{x},{-x},{'ab'[x % 2]}" for x in range(40)]
    (tmp_path / "table.csv").write_text("\n".join(["x,y,label", *rows]))
    path = write_sweep(tmp_path, data="{source: table.csv, target: label}", budget="{trials: 2}")
    first = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    before = first.folder.ledger.read_bytes()
    (tmp_path / "table.csv").write_text("\n".join(["x,y,label", *rows, "5,5,a"]))
    with pytest.raises(RunFolderError, match=r"the data table.csv changed"):
        resume(first.path)
    assert first.folder.ledger.read_bytes() == before


def test_data_that_is_gone_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("a,b,y\n" + "".join(f"{n},{n % 7},{n % 2}\n" for n in range(60)))
    path = write_sweep(tmp_path, data="{source: rows.csv, target: y}")
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    rows.unlink()
    ledger = results.folder.ledger
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:-3]))
    with pytest.raises(RunFolderError, match=r"cannot read the data .*rows\.csv.*; restore it"):
        resume(results.path)


def test_a_named_sweep_that_was_killed_while_it_was_made_is_made(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    half = tmp_path / "runs" / "named"
    half.mkdir(parents=True)
    (half / "plan.jsonl").touch()
    results = sweeps.run(
        path, runs=tmp_path / "runs", run_id="named", runner="local", tracking_uri="none"
    )
    assert results.path == half
    assert len(results.record.ranked()) == 6


def test_a_second_process_is_refused_and_the_first_one_is_not_disturbed(tmp_path: Path) -> None:
    run = broken_off(tmp_path, "locked")
    with RunFolder.open(run).lock():
        code, output = run_command("resume", run, "--local")
    assert code == 3
    assert "is in use by process" in output
    assert resume(run).record.outcomes == {"completed": 4}


def test_resuming_a_finished_sweep_changes_nothing_says_so_and_starts_no_ray(
    tmp_path: Path,
) -> None:
    run = broken_off(tmp_path, "finished")
    resume(run)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    code, output = run_command("resume", run)
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert code == 0
    assert "is finished: nothing to resume" in output
    assert {path.name for path in after if after[path] != before.get(path)} <= {".lock"}


def test_resuming_a_finished_sweep_makes_lost_results_again(tmp_path: Path) -> None:
    run = broken_off(tmp_path, "lost_results")
    resume(run)
    before = (run / "trials.jsonl").read_bytes()
    (run / "trials.jsonl").unlink()
    resume(run)
    assert (run / "trials.jsonl").read_bytes() == before


def test_more_gpus_than_there_are_is_an_error_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeps.execution.placement._gpus", lambda: 0)
    path = write_sweep(tmp_path, resources="{gpu: 1}")
    with pytest.raises(PlacementError, match=r"resources.gpu = 1") as caught:
        sweeps.run(path, runs=tmp_path / "runs", tracking_uri="none")
    assert caught.value.exit_code == 4
    assert not (tmp_path / "runs").exists()


def test_a_full_disk_is_an_error_and_the_sweep_can_be_resumed(tmp_path: Path) -> None:
    path = counted_sweep(tmp_path, "full", trials=4, epoch_s=0.0, stopping=EVERY_EPOCH)
    # No file may grow past 8 KiB, which the ledger does in the second trial.
    command = [sys.executable, "-m", "sweeps", "run", str(path), "--local", "--no-mlflow"]
    limited = ["bash", "-c", 'ulimit -f 8; exec "$@"', "bash", *command]
    done = subprocess.run(
        [*limited, "--runs", str(tmp_path / "runs")], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 5, done.stderr
    assert "free some space, then resume the sweep" in done.stderr
    resumed = resume(tmp_path / "runs" / "blobs")
    whole = sweeps.run(path, runs=tmp_path / "whole", runner="local", tracking_uri="none")
    assert resumed.record.outcomes == {"completed": 4}
    assert curves(resumed) == curves(whole)


def test_what_a_kill_left_of_a_finished_sweep_goes_with_a_resume(tmp_path: Path) -> None:
    path = write_sweep(
        tmp_path,
        search="{method: random, trials: 2}",
        space=space(epochs=2),
        final="{top_k: 1, seeds: 2}",
    )
    run = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none").path
    for folder in (run, run / "final", run / "final" / "refit", run / "weights"):
        (folder / ".one.json.123.tmp").touch()
    sweeps.resume(run, runner="local", tracking_uri="none")
    assert [*run.rglob("*.tmp")] == []


def test_a_path_that_is_not_utf8_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 1}", space=space(epochs=1))
    other = tmp_path / os.fsdecode(b"a\xff")
    with pytest.raises(StorageError, match=r"run folder must be text in UTF-8, got '.*\\udcff'"):
        sweeps.run(path, runs=other, runner="local", tracking_uri="none")
    assert not other.exists()


def test_data_under_a_path_that_is_not_utf8_is_said_to_be(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"a\xff")
    folder.mkdir()
    (folder / "t.csv").write_text("x,y\n1,a\n")
    with pytest.raises(DataError, match="the path of a data file must be text in UTF-8"):
        load_dataset(DataConfig(source="t.csv", target="y"), folder)

"""A sweep that runs in another process is paused, goes on, and loses nothing by it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import sweeps
from sweeps.cli.commands import main
from sweeps.record.replay import read_ledger
from sweeps.record.requests import ask_to_go_on, ask_to_pause, requests_of
from sweeps.record.run_folder import RunFolder
from sweeps.terminal.overview import overview_of
from tests.sweeps.drivers import Driver, counted_sweep, driver, epochs_trained, events, wait_for

TRIALS, EPOCHS = 3, 20


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def waiting_sweep(folder: Path, module: str, **sections: str) -> Path:
    """A sweep whose trials take their time until there is a file `go`."""
    slow = "        if not (HERE / 'go').exists(): time.sleep(0.3)\n"
    return counted_sweep(folder, module, slow, trials=TRIALS, epochs=EPOCHS, epoch_s=0, **sections)


def state(run: Path) -> str:
    return overview_of(RunFolder(run)).state


def values(run: Path) -> list[float | None]:
    record = read_ledger(RunFolder(run))
    return [record.value(one) for one in record.trials]


def goes_on_to_its_end(one: Driver, folder: Path) -> None:
    (folder / "go").touch()
    assert main(["resume", str(folder / "runs" / "blobs")]) == 0
    code, said = one.wait()
    assert code == 0, said


def test_a_paused_sweep_waits_and_goes_on_as_if_nothing_had_been(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, run = waiting_sweep(tmp_path, "paused"), tmp_path / "runs" / "blobs"
    with driver("run", path, "--local", cwd=tmp_path) as one:
        wait_for(lambda: events(run, "report"))
        assert main(["pause", str(run)]) == 0
        assert state(run) == "paused"
        assert overview_of(RunFolder(run)).epochs_per_s is None
        assert main(["status", str(run)]) == 0
        assert main(["list", "--runs", str(run.parent)]) == 0
        assert main(["pause", str(run)]) == 1
        trained = epochs_trained(tmp_path)
        assert 0 < len(trained) < EPOCHS
        goes_on_to_its_end(one, tmp_path)
    told = capsys.readouterr()
    assert told.out.count("blobs: paused") == 1
    assert "sweeps resume" in told.out
    assert "is paused already" in told.err
    assert [one["action"] for one in events(run, "session")] == ["run", "resume"]
    assert [one["reason"] for one in events(run, "end")] == ["paused", None]
    assert sorted(epochs_trained(tmp_path)) == sorted([*range(TRIALS)] * EPOCHS)
    assert requests_of(RunFolder(run)) == []
    (tmp_path / "apart").mkdir()
    (tmp_path / "apart" / "go").touch()
    whole = waiting_sweep(tmp_path / "apart", "whole")
    done = sweeps.run(whole, runs=tmp_path / "whole", runner="local", tracking_uri="none")
    assert values(run) == values(done.path)


def test_a_paused_sweep_whose_process_ends_is_resumed(tmp_path: Path) -> None:
    path, run = waiting_sweep(tmp_path, "ended"), tmp_path / "runs" / "blobs"
    with driver("run", path, "--local", cwd=tmp_path) as one:
        wait_for(lambda: events(run, "report"))
        assert main(["pause", str(run)]) == 0
        one.signal(signal.SIGINT)
        assert one.wait()[0] == 7
    assert state(run) == "interrupted"
    with driver("resume", run, "--local", cwd=tmp_path) as one:
        wait_for(lambda: len(events(run, "session")) > 1)
        assert main(["pause", str(run)]) == 0
        one.process.kill()
        one.process.wait()
    assert state(run) == "interrupted"
    (tmp_path / "go").touch()
    sweeps.resume(run, runner="local", tracking_uri="none")
    assert state(run) == "ended"
    assert sorted(epochs_trained(tmp_path)) == sorted([*range(TRIALS)] * EPOCHS)


def test_what_does_not_run_is_not_paused_and_what_is_not_paused_does_not_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, run = waiting_sweep(tmp_path, "running"), tmp_path / "runs" / "blobs"
    with driver("run", path, "--local", cwd=tmp_path) as one:
        wait_for(lambda: events(run, "report"))
        assert main(["resume", str(run)]) == 3
        assert "is in use by process" in capsys.readouterr().err
        assert main(["resume", str(run), "--only-ask"]) == 1
        assert "is not paused" in capsys.readouterr().err
        assert main(["pause", str(run)]) == 0
        assert main(["resume", str(run), "--set", "budget.trials=2"]) == 3
        assert "stop it first" in capsys.readouterr().err
        assert main(["stop", str(run), "--trial", "2"]) == 0
        assert "is paused: when it continues, trial 2 will be stopped" in capsys.readouterr().out
        assert main(["stop", str(run)]) == 0
        assert one.wait()[0] == 7
    assert state(run) == "interrupted"
    assert main(["pause", str(run)]) == 1
    assert "is not running: there is nothing to pause" in capsys.readouterr().err


def test_a_pause_that_is_taken_back_before_it_is_heard_stops_nothing(tmp_path: Path) -> None:
    path = waiting_sweep(tmp_path, "taken_back")
    (tmp_path / "go").touch()
    done = sweeps.run(
        path, overrides=["budget.trials=1"], runs=tmp_path / "runs", runner="local",
        tracking_uri="none",
    )  # fmt: skip
    with done.folder.lock():
        ask_to_pause(done.folder)
        ask_to_go_on(done.folder)
        assert "pause" not in requests_of(done.folder)
    options = {"runner": "local", "tracking_uri": "none"}
    rest = sweeps.resume(done.path, overrides=["budget.trials=null"], **options)  # type: ignore[arg-type]
    assert state(rest.path) == "ended"
    assert requests_of(rest.folder) == []


@pytest.mark.ray
def test_on_ray_a_paused_sweep_keeps_no_worker_and_goes_on(tmp_path: Path) -> None:
    path = waiting_sweep(tmp_path, "paused_on_ray", resources="{workers: 2, cpu: 1}")
    run = tmp_path / "runs" / "blobs"
    with driver("run", path, cwd=tmp_path) as one:
        wait_for(lambda: events(run, "report"))
        assert main(["pause", str(run)]) == 0
        wait_for(lambda: len(one.left_running()) == 1)  # the driver alone
        goes_on_to_its_end(one, tmp_path)
    assert events(run, "failure") == []
    assert sorted(one["trial"] for one in events(run, "outcome")) == [*range(TRIALS)]

"""A sweep that runs in another process is stopped, or one trial of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import sweeps
from sweeps.cli.commands import main
from sweeps.record.replay import read_ledger
from sweeps.record.requests import ask_to_stop_trial, requests_of
from sweeps.record.run_folder import RunFolder
from sweeps.storage.files import stored_files
from tests.sweeps.drivers import counted_sweep, driver, epochs_trained, events, wait_for
from tests.sweeps.programs import program_sweep

STOPPED = "stopped_by_hand"
NONE, ONE = "{scheduler: none}", "{trials: 1}"


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def outcomes(run: Path) -> list[str | None]:
    return [one.outcome for one in read_ledger(RunFolder(run)).trials]


def test_trials_and_then_the_sweep_are_stopped_from_another_shell_and_resume_leaves_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = "        if not (HERE / 'go').exists(): time.sleep(0.4)\n"
    path = counted_sweep(tmp_path, "by_hand", slow, trials=4, epochs=60, epoch_s=0)
    run = tmp_path / "runs" / "blobs"
    with driver("run", path, "--local", cwd=tmp_path) as one:
        wait_for(lambda: events(run, "report"))
        assert main(["stop", str(run), "--trial", "0"]) == 0  # it trains
        assert main(["stop", str(run), "--trial", "2"]) == 0  # it waits
        wait_for(lambda: 1 in epochs_trained(tmp_path))
        assert main(["stop", str(run)]) == 0
        code, _ = one.wait()
    assert code == 7
    assert outcomes(run) == [STOPPED, None, STOPPED, None]
    assert "interrupted by hand" in str(read_ledger(RunFolder(run)).stopped)
    told = capsys.readouterr().out
    assert "trial 0 is stopped_by_hand: stopped by hand after epoch" in told
    assert "trial 2 is stopped_by_hand: stopped by hand after epoch 0" in told
    assert "resume" in told
    assert requests_of(RunFolder(run)) == []
    assert 2 not in epochs_trained(tmp_path)
    before = epochs_trained(tmp_path).count(0)
    (tmp_path / "go").touch()
    sweeps.resume(run, runner="local", tracking_uri="none")
    assert outcomes(run) == [STOPPED, "completed", STOPPED, "completed"]
    assert epochs_trained(tmp_path).count(0) == before


def test_a_request_that_is_just_being_written_is_nobodys_to_take(tmp_path: Path) -> None:
    """A driver that looked meanwhile deleted the file before it had its name."""
    folder = RunFolder(tmp_path)
    folder.requests.mkdir()
    seen: list[list[str]] = []
    replace = Path.replace

    def looked_at(self: Path, target: Path) -> Path:
        seen.append([one.name for one in folder.requests.iterdir()])
        seen.append(requests_of(folder))
        return replace(self, target)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "replace", looked_at)
        stored_files(folder.requests).write("trial-3", b"")
    [names, asked] = seen
    assert len(names) == 1
    assert asked == []
    assert requests_of(folder) == ["trial-3"]


def test_what_does_not_run_is_not_stopped_and_what_has_ended_neither(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = counted_sweep(tmp_path, "at_rest", trials=3, epochs=1, stopping=NONE, budget=ONE)
    done = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    assert main(["stop", str(done.path)]) == 1
    assert "is not running: there is nothing to stop" in capsys.readouterr().err
    assert main(["stop", str(done.path), "--trial", "0"]) == 1
    assert "trial 0 has ended already: it is completed" in capsys.readouterr().err
    assert main(["stop", str(done.path), "--trial", "7"]) == 1
    assert "has planned trials 0 to 2" in capsys.readouterr().err
    assert requests_of(done.folder) == []


def test_a_trial_that_is_stopped_while_nothing_runs_is_not_begun_by_the_next_session(
    tmp_path: Path,
) -> None:
    path = counted_sweep(tmp_path, "later", trials=3, epochs=1, stopping=NONE, budget=ONE)
    done = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    ask_to_stop_trial(done.folder, 2)
    options = {"runner": "local", "tracking_uri": "none"}
    rest = sweeps.resume(done.path, overrides=["budget.trials=null"], **options)  # type: ignore[arg-type]
    assert outcomes(rest.path) == ["completed", "completed", STOPPED]
    assert requests_of(rest.folder) == []


def test_a_program_that_says_nothing_is_ended(tmp_path: Path) -> None:
    path = program_sweep(tmp_path, "time.sleep(60)", search="{method: random, trials: 1}")
    run = tmp_path / "runs" / "blobs"
    with driver("run", path, "--local", cwd=tmp_path) as one:
        wait_for(lambda: events(run, "started"))
        assert main(["stop", str(run), "--trial", "0"]) == 0
        assert one.wait()[0] == 8
        assert one.left_running() == []
    assert outcomes(run) == [STOPPED]


def test_a_stop_that_was_meant_for_a_killed_session_stops_no_other(tmp_path: Path) -> None:
    path = counted_sweep(tmp_path, "stale", trials=2, epochs=1, stopping=NONE, budget=ONE)
    done = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    (done.path / "requests").mkdir()
    (done.path / "requests" / "stop").touch()
    options = {"runner": "local", "tracking_uri": "none"}
    rest = sweeps.resume(done.path, overrides=["budget.trials=null"], **options)  # type: ignore[arg-type]
    assert outcomes(rest.path) == ["completed", "completed"]


@pytest.mark.ray
def test_on_ray_a_trial_that_waits_one_that_trains_and_one_that_hangs_are_ended(
    tmp_path: Path,
) -> None:
    hangs = "        if self.number == 1: time.sleep(120)\n"
    path = counted_sweep(
        tmp_path, "on_ray", hangs, trials=4, epochs=3000, resources="{workers: 2, cpu: 1}"
    )
    run = tmp_path / "runs" / "blobs"
    with driver("run", path, cwd=tmp_path) as one:
        wait_for(lambda: 0 in epochs_trained(tmp_path) and len(events(run, "started")) > 1)
        for index in (0, 3, 1, 2):
            assert main(["stop", str(run), "--trial", str(index)]) == 0
        code, said = one.wait()
    assert code in (0, 8), said
    assert outcomes(run) == [STOPPED] * 4
    assert events(run, "failure") == []

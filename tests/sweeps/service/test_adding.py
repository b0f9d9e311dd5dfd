"""Trials are added to a sweep that runs in another process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.cli.commands import main
from sweeps.errors import RequestError, StorageError
from sweeps.findings.stages import stage_folder
from sweeps.record.replay import read_ledger
from sweeps.record.requests import ask_for_trials, asked_trials, requests_of
from sweeps.record.run_folder import RunFolder
from sweeps.storage.files import FolderFiles
from tests.sweeps.drivers import counted_sweep, driver, events, wait_for

DRAWN = "{method: random, trials: 2}"
FINAL = "{top_k: 1, seeds: 1}"


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def waiting_sweep(folder: Path, module: str, **sections: str) -> Path:
    """A sweep of 8 configurations whose trials take their time until there is a file `go`."""
    slow = "        if not (HERE / 'go').exists(): time.sleep(0.2)\n"
    given = {"search": DRAWN, **sections}
    return counted_sweep(folder, module, slow, trials=8, epochs=100, epoch_s=0, **given)


def planned(run: Path) -> list[tuple[str, float | None]]:
    record = read_ledger(RunFolder(run))
    return [(one.trial.hash, record.value(one)) for one in record.trials]


@pytest.mark.parametrize("is_paused", [False, True])
def test_added_trials_are_those_of_a_longer_sweep_and_come_before_its_final(
    is_paused: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = waiting_sweep(tmp_path, f"added_{is_paused}", final=FINAL)
    run = tmp_path / "runs" / "blobs"
    with driver("run", path, "--local", cwd=tmp_path) as one:
        wait_for(lambda: events(run, "report"))
        if is_paused:
            assert main(["pause", str(run)]) == 0
        assert main(["extend", str(run), "--trials", "1"]) == 0
        assert main(["extend", str(run), "--trials", "2"]) == 0
        assert asked_trials(RunFolder(run)) == 3
        assert "will train 2 more trials after its planned trials" in capsys.readouterr().out
        (tmp_path / "go").touch()
        if is_paused:
            assert main(["resume", str(run)]) == 0
        code, said = one.wait()
    assert code == 0, said
    assert requests_of(RunFolder(run)) == []
    assert [one["action"] for one in events(run, "session")][-1] == "extend"
    final = stage_folder(RunFolder(run), "final")
    assert final is not None
    [began] = events(final.path, "session")
    assert all(one["t"] <= began["t"] for one in events(run, "outcome"))
    apart = tmp_path / "whole"
    apart.mkdir()
    (apart / "go").touch()
    whole = waiting_sweep(apart, f"added_{is_paused}_whole")
    done = sweeps.run(
        whole, overrides=["search.trials=5"], runs=apart / "runs", runner="local",
        tracking_uri="none",
    )  # fmt: skip
    values = [value for _, value in planned(done.path)]
    assert [value for _, value in planned(run)] == values
    assert len(values) == 5


def test_more_than_the_space_has_is_said_and_the_sweep_comes_to_its_end(tmp_path: Path) -> None:
    path, run = waiting_sweep(tmp_path, "too_many"), tmp_path / "runs" / "blobs"
    with driver("run", path, "--local", cwd=tmp_path) as one:
        wait_for(lambda: events(run, "report"))
        assert main(["extend", str(run), "--trials", "50"]) == 0
        (tmp_path / "go").touch()
        code, said = one.wait()
    assert code == 0, said
    assert "no trials were added, although 50 were requested" in said
    assert len(planned(run)) == 2
    assert requests_of(RunFolder(run)) == []


def test_what_draws_no_trials_is_refused_at_once(tmp_path: Path) -> None:
    path = counted_sweep(tmp_path, "a_grid", trials=2, epochs=1, stopping="{scheduler: none}")
    done = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    with pytest.raises(RequestError, match="uses method grid, whose trials are fixed by its file"):
        ask_for_trials(done.folder, 1)


def test_of_a_sweep_that_nothing_runs_the_command_is_named(tmp_path: Path) -> None:
    path = waiting_sweep(tmp_path, "at_rest")
    (tmp_path / "go").touch()
    done = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    with pytest.raises(RequestError, match=r"is not running: .*sweeps extend .*blobs --trials 3"):
        ask_for_trials(done.folder, 3)
    assert requests_of(done.folder) == []
    for number in (0, -1, 10**6):
        with pytest.raises(RequestError, match="must be 1 to 100000"):
            ask_for_trials(done.folder, number)


def test_what_asked_for_trials_is_served_once_although_it_could_not_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = waiting_sweep(tmp_path, "once")
    (tmp_path / "go").touch()
    options: dict[str, Any] = {"runs": tmp_path / "runs", "runner": "local", "tracking_uri": "none"}
    folder = sweeps.run(path, **options).folder
    folder.requests.mkdir(exist_ok=True)
    (folder.requests / "add-3-0123abcd").touch()
    (folder.requests / "add-99-0123abcd").touch()  # more than the space has
    monkeypatch.setattr(FolderFiles, "delete", lambda self, *names: None)
    del options["runs"]
    for _ in range(2):
        sweeps.resume(folder.path, **options)
        assert len(planned(folder.path)) == 2 + 3
    assert asked_trials(folder) == 0


def test_a_stop_that_cannot_be_deleted_is_an_error_and_does_not_stop_each_session_to_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = waiting_sweep(tmp_path, "for_ever")
    (tmp_path / "go").touch()
    options: dict[str, Any] = {"runner": "local", "tracking_uri": "none"}
    folder = sweeps.run(path, runs=tmp_path / "runs", **options).folder
    folder.requests.mkdir(exist_ok=True)
    (folder.requests / "stop").touch()
    with monkeypatch.context() as patched:
        patched.setattr(FolderFiles, "delete", lambda self, *names: None)
        with pytest.raises(StorageError, match=r"cannot delete stop in .*requests"):
            sweeps.extend(folder.path, 1, **options)
    resumed = sweeps.resume(folder.path, **options)
    assert resumed.record.outcomes.total() == len(resumed.record.trials) == 3

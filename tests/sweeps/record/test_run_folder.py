"""A run folder is read whole, or its damage is named: never a trial that was not planned."""

from __future__ import annotations

import errno
import fcntl
import json
import threading
from pathlib import Path

import pytest

from sweeps.definition.planning import PlannedTrial, configuration_hash
from sweeps.errors import RequestError, RunFolderError, StorageError
from sweeps.record.run_folder import RunFolder, write_atomically

CONFIGURATIONS = [{"model": {"kind": "linear"}, "n": number} for number in range(3)]
PLAN = [
    PlannedTrial(index, configuration_hash(configuration), index, configuration)
    for index, configuration in enumerate(CONFIGURATIONS)
]
DESCRIPTION = {
    "id": "1", "base_dir": "/", "overrides": [], "goal": {"metric": "dev_loss", "mode": "min"},
    "data": {"source": "s", "task": "regression", "digest": "d", "split": {}, "splits": []},
    "trials": 3, "sweep": {},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder.create(tmp_path / "runs", "one")
    made.write_plan(PLAN)
    made.write_description(DESCRIPTION)
    return made


def test_who_looks_whether_a_sweep_runs_keeps_no_driver_from_starting(folder: RunFolder) -> None:
    with folder.lock():
        pass
    with (folder.path / ".lock").open() as looked:
        fcntl.flock(looked, fcntl.LOCK_SH)
        release = threading.Timer(0.1, lambda: fcntl.flock(looked, fcntl.LOCK_UN))
        release.start()
        with folder.lock():
            assert folder.is_locked()
        release.join()


def test_a_plan_comes_back_as_it_was_written(folder: RunFolder) -> None:
    assert RunFolder.open(folder.path).read_plan() == PLAN


def test_a_second_folder_of_a_name_gets_a_number(tmp_path: Path, folder: RunFolder) -> None:
    assert RunFolder.create(tmp_path / "runs", "one").name == "one-2"
    assert RunFolder.create(tmp_path / "runs", "one").name == "one-3"


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_a_plan_cut_between_two_lines_is_an_error(folder: RunFolder, keep: int) -> None:
    lines = folder.plan.read_text().splitlines(keepends=True)
    folder.plan.write_text("".join(lines[:keep]))
    with pytest.raises(
        RunFolderError, match=f"must have 3 trials, got {keep}. The plan was damaged"
    ):
        folder.read_plan()


@pytest.mark.parametrize("size", [5, 60, -3])
def test_a_plan_cut_within_a_line_is_an_error(folder: RunFolder, size: int) -> None:
    folder.plan.write_bytes(folder.plan.read_bytes()[:size])
    with pytest.raises(RunFolderError, match="The plan was damaged"):
        folder.read_plan()


def test_a_trial_with_another_configuration_than_planned_is_an_error(folder: RunFolder) -> None:
    trials = [PLAN[0].to_json() | {"configuration": {}}, *(trial.to_json() for trial in PLAN[1:])]
    folder.plan.write_text("\n".join(map(json.dumps, trials)))  # as format 1 had it
    with pytest.raises(RunFolderError, match=r"line 1: the configuration does not match its hash"):
        folder.read_plan()


def test_lines_of_an_extension_that_was_not_made_do_not_count(folder: RunFolder) -> None:
    folder.write_description({**DESCRIPTION, "trials": 2})
    assert folder.read_plan() == PLAN[:2]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"format": 1}', '{"format": 1, "id": 2}']
)
def test_a_damaged_description_is_an_error(folder: RunFolder, content: str) -> None:
    folder.description.write_text(content)
    with pytest.raises(RunFolderError, match=r"cannot read .*sweep.json: .* The file was"):
        RunFolder.open(folder.path)


def test_another_format_is_an_error_that_names_both(folder: RunFolder) -> None:
    folder.description.write_text(json.dumps({**DESCRIPTION, "format": 4}))
    with pytest.raises(RunFolderError, match="has format 4; this version reads up to 3"):
        RunFolder.open(folder.path)


@pytest.mark.parametrize("name", ["sweep.json", "plan.jsonl"])
def test_a_folder_killed_while_it_was_set_up_says_so(folder: RunFolder, name: str) -> None:
    (folder.path / name).unlink()
    with pytest.raises(RunFolderError, match=f"{name} is missing. The sweep was killed before"):
        RunFolder.open(folder.path)


@pytest.mark.parametrize("name", ["plan.jsonl", "sweep.json"])
def test_a_file_that_a_sweep_with_results_lost_is_not_taken_for_a_kill(
    folder: RunFolder, name: str
) -> None:
    folder.ledger.write_text("")
    (folder.path / name).unlink()
    with pytest.raises(RunFolderError, match=f"{name} is missing. Restore it"):
        RunFolder.open(folder.path)


def test_no_folder_at_all_names_those_that_are_there(tmp_path: Path, folder: RunFolder) -> None:
    with pytest.raises(RequestError, match=r"there is no run folder .*two; .* has one"):
        RunFolder.open(tmp_path / "runs" / "two")


def test_a_folder_that_was_never_a_run_folder_is_called_so_and_left_as_it_is(
    tmp_path: Path, folder: RunFolder
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "sweep.yaml").touch()
    with pytest.raises(
        RequestError, match=r"mine is not a run folder: it has neither sweep\.json nor"
    ):
        RunFolder.open(mine)
    assert [path.name for path in mine.iterdir()] == ["sweep.yaml"]
    with pytest.raises(RequestError, match=r"runs is not a run folder: .*; .*runs has one; `list`"):
        RunFolder.open(folder.path.parent)


def test_where_no_run_folder_can_be_made_another_place_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(
        StorageError, match=r"runs: File exists; choose a writable folder .* SWEEPS"
    ):
        RunFolder.create(tmp_path / "runs", "one")


def test_a_folder_is_locked_against_a_second_writer(folder: RunFolder) -> None:
    with folder.lock():
        assert folder.is_locked()
        with pytest.raises(RunFolderError, match="is in use by process"), folder.lock():
            raise AssertionError("two writers")
    assert not folder.is_locked()


def test_weights_without_a_ledger_are_an_error(folder: RunFolder) -> None:
    folder.refuse_results_without_ledger()
    (folder.weights / "000000-0001.safetensors").touch()
    with pytest.raises(RunFolderError, match=r"ledger.jsonl is missing"):
        folder.refuse_results_without_ledger()


def test_files_half_written_are_removed_and_others_kept(folder: RunFolder) -> None:
    kept = [folder.checkpoints / "000001.pt", folder.weights / "000001-0001.safetensors"]
    left = [folder.checkpoints / "000001.7.tmp", folder.weights / "000001-0001.safetensors.7.tmp",
            folder.path / ".sweep.json.7.tmp", folder.checkpoints / "000001.late"]  # fmt: skip
    [path.touch() for path in (*kept, *left)]
    folder.remove_leftovers()
    assert [path.exists() for path in kept] == [True, True]
    assert [path.exists() for path in left] == [False] * 4


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "inside").touch()
    with pytest.raises(StorageError, match="nothing was changed: delete it, then try again"):
        write_atomically(tmp_path / "target", b"new")
    assert (tmp_path / "target" / "inside").exists()
    assert list(tmp_path.iterdir()) == [tmp_path / "target"]


@pytest.mark.parametrize("stage", [None, "audit", "final/refit"])
def test_what_came_with_a_sweep_is_in_its_own_folder_for_its_stages_too(
    folder: RunFolder, stage: str | None
) -> None:
    part = RunFolder(folder.path / (stage or ""))
    part.path.mkdir(parents=True, exist_ok=True)
    came = {"base_dir": "inputs", "module_folders": ["/more"]}
    part.write_description(DESCRIPTION | came | ({} if stage is None else {"stage": stage}))
    assert part.base_dir() == folder.path / "inputs"
    assert part.module_folders() == (folder.path / "inputs", Path("/more"))


def test_a_folder_that_cannot_be_written_to_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(StorageError, match="give yourself permission"), RunFolder(tmp_path).lock():
        pass


def test_a_file_system_without_locks_is_named_and_nobody_is_said_to_have_the_folder(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    with (
        pytest.raises(StorageError, match=r"No locks available; .* file system with locks"),
        folder.lock(),
    ):
        raise AssertionError("it was taken")

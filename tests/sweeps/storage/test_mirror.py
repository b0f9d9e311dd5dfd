"""One driver at a time writes a run folder's copy in an object store."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from sweeps.errors import RunFolderError, SweepError
from sweeps.storage import lease, mirror
from sweeps.storage.files import MARKER, BucketFiles, bucket_of
from sweeps.storage.mirror import mirrored, pull, refuse_held_elsewhere
from tests.object_store import ObjectStore
from tests.sweeps.drivers import wait_for


@pytest.fixture(autouse=True)
def _quick_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "_PERIOD_S", 0.05)


@pytest.fixture
def copies(store: ObjectStore, tmp_path: Path) -> tuple[Path, Path]:
    """Return the copies that two machines have of one run folder."""
    for name in ("here", "there"):
        (tmp_path / name / "digits").mkdir(parents=True)
        (tmp_path / name / MARKER).write_text(f"{BucketFiles(store.uri).below(tmp_path.name)}")
    return tmp_path / "here" / "digits", tmp_path / "there" / "digits"


def leave(folder: Path, holder: str) -> None:
    """Write a lease as another driver does."""
    bucket = bucket_of(folder)
    assert bucket is not None
    bucket.write(".lease.json", json.dumps({"holder": holder, "is_held": True}).encode())


def test_what_changes_is_in_the_store_while_it_is_held_and_brought_elsewhere(
    copies: tuple[Path, Path],
) -> None:
    here, there = copies
    with mirrored(here):
        (here / "ledger.jsonl").write_text("one\n")
        (here / "final").mkdir()
        (here / "final" / "report.html").write_text("plan\n")
        (here / "weights").mkdir()
        (here / "weights" / "local").write_text("a worker's")
        wait_for(lambda: pull(there) or (there / "final" / "report.html").exists())
        (here / "final" / "report.html").unlink()
    pull(there)
    assert (there / "ledger.jsonl").read_text() == "one\n"
    assert not (there / "final" / "report.html").exists()
    assert not (there / "weights").exists()


def test_a_second_driver_is_refused(copies: tuple[Path, Path]) -> None:
    here, there = copies
    leave(here, "elsewhere:1:2")
    with pytest.raises(RunFolderError, match="in use by elsewhere:1:2"):
        refuse_held_elsewhere(there)
    with pytest.raises(RunFolderError, match="in use by elsewhere:1:2"), mirrored(there):
        raise AssertionError("it was taken")


def test_a_driver_that_was_taken_over_writes_nothing_any_more(copies: tuple[Path, Path]) -> None:
    here, there = copies
    lost: list[SweepError] = []
    with mirrored(here) as held:
        held.serve(lost.append, list)
        leave(here, "elsewhere:1:2")
        wait_for(lambda: lost)
        (here / "ledger.jsonl").write_text("mine\n")
    pull(there)
    assert "taken over by elsewhere:1:2" in str(lost[0])
    assert not (there / "ledger.jsonl").exists()


def test_a_copy_that_is_older_than_another_drivers_session_is_refused(
    copies: tuple[Path, Path],
) -> None:
    here, there = copies
    with mirrored(here):
        (here / "ledger.jsonl").write_text("one\n")
    pull(there)
    with mirrored(there):
        (there / "ledger.jsonl").write_text("one\ntwo\n")
    with pytest.raises(RunFolderError, match="has changed since it was read"), mirrored(here):
        raise AssertionError("it was taken")
    pull(here)
    assert (here / "ledger.jsonl").read_text() == "one\ntwo\n"


def test_the_tail_that_a_kill_kept_here_stays_unless_another_went_on(
    copies: tuple[Path, Path],
) -> None:
    here, there = copies
    with mirrored(here):
        (here / "ledger.jsonl").write_text("one\n")
    (here / "ledger.jsonl").write_text("one\ntail\n")
    pull(here)
    assert (here / "ledger.jsonl").read_text() == "one\ntail\n"
    pull(there)
    with mirrored(there):
        (there / "ledger.jsonl").write_text("one\n2\n")
    pull(here)
    assert (here / "ledger.jsonl").read_text() == "one\n2\n"


def test_a_holder_that_is_gone_is_followed(
    copies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = copies
    leave(here, f"{lease._machine()}:999999999:1")  # of this machine, and no process any more
    refuse_held_elsewhere(here)
    leave(here, "elsewhere:1:2")
    with pytest.raises(RunFolderError, match="in use"):
        refuse_held_elsewhere(here)
    monkeypatch.setattr(lease, "_LEASE_S", -5.0)  # as if it had not been renewed for so long
    refuse_held_elsewhere(here)


def test_a_driver_that_was_killed_before_it_wrote_anything_is_followed(
    copies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = copies
    leave(here, "elsewhere:1:2")
    monkeypatch.setattr(lease, "_LEASE_S", -5.0)
    with mirrored(there):
        (there / "ledger.jsonl").write_text("one\n")
    pull(here)
    assert (here / "ledger.jsonl").read_text() == "one\n"


def test_a_session_that_pushes_while_the_thread_does_brings_each_file_once(
    copies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = copies
    lost: list[SweepError] = []
    delete, both = BucketFiles.delete, threading.Barrier(2)

    def met(self: BucketFiles, *names: str) -> None:
        delete(self, *names)
        with suppress(threading.BrokenBarrierError):
            both.wait(1)  # so long as two can be here, they are

    (here / "old.jsonl").write_text("old")
    with mirrored(here) as held:
        held.serve(lost.append, list)
        monkeypatch.setattr(BucketFiles, "delete", met)
        (here / "old.jsonl").unlink()
        held.push()
        assert "old.jsonl" not in dict(held._bucket.stamps())  # type: ignore[union-attr]
    assert lost == []


def test_a_thread_that_fails_in_a_way_nobody_thought_of_ends_the_session_in_words(
    copies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = copies
    lost: list[SweepError] = []

    def broken(*_: object) -> None:
        raise KeyError("a name")

    with mirrored(here) as held:
        held.serve(lost.append, list)
        monkeypatch.setattr(BucketFiles, "write", broken)
        (here / "ledger.jsonl").write_text("one\n")
        wait_for(lambda: lost)
    assert "cannot write to s3://" in str(lost[0])


def test_a_file_that_is_gone_between_listing_and_reading_is_not_made_empty(
    copies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = copies
    with mirrored(here):
        (here / "report.html").write_text("all of it")
    monkeypatch.setattr(BucketFiles, "read", lambda self, name: None)
    pull(there)
    assert not (there / "report.html").exists()


def test_a_folder_in_use_is_locked_so_that_systemd_leaves_it_alone(
    copies: tuple[Path, Path],
) -> None:
    here, _ = copies

    def tries() -> None:
        descriptor = os.open(here, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as systemd-tmpfiles does
        finally:
            os.close(descriptor)

    with mirrored(here), pytest.raises(BlockingIOError):
        tries()
    tries()

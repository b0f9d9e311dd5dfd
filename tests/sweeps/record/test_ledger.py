"""The ledger keeps every complete line, whatever happens to the process that wrote it."""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path

import pytest

from sweeps.errors import RunFolderError, StorageError
from sweeps.record.ledger import Ledger, LedgerReader, last_event, read_events, to_line
from tests.sweeps.drivers import wait_for


def write(path: Path, *events: dict[str, object]) -> None:
    ledger = Ledger(path)
    ledger.append(*events)
    ledger.close()


def read(path: Path) -> list[dict[str, object]]:
    return list(read_events(path))


def test_events_come_back_in_order(tmp_path: Path) -> None:
    written = [{"event": "a", "n": number} for number in range(3)]
    write(tmp_path / "ledger", *written)
    assert read(tmp_path / "ledger") == written


def test_a_ledger_that_nothing_was_written_to_has_no_events(tmp_path: Path) -> None:
    assert list(read_events(tmp_path / "ledger.jsonl")) == []


def test_a_reader_continues_where_it_stopped(tmp_path: Path) -> None:
    write(tmp_path / "ledger", {"event": "a"}, {"event": "b"})
    reader = LedgerReader(tmp_path / "ledger")
    assert next(reader.events()) == {"event": "a"}
    assert list(reader.events()) == [{"event": "b"}]
    assert list(reader.events()) == []


def test_non_finite_numbers_come_back_from_strict_json(tmp_path: Path) -> None:
    row = {"loss": math.inf, "other": -math.inf, "third": [math.nan]}
    write(tmp_path / "ledger", {"event": "report", "epochs": [row]})
    assert b"NaN," not in (tmp_path / "ledger").read_bytes()
    [event] = read(tmp_path / "ledger")
    found = event["epochs"][0]  # type: ignore[index]
    assert (found["loss"], found["other"]) == (math.inf, -math.inf)
    assert math.isnan(found["third"][0])


@pytest.mark.parametrize("rest", [b'{"event":"b', b'{"event":"b"}', b"\x00\x00\x00"])
def test_an_incomplete_last_line_is_dropped_and_then_cut(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(to_line({"event": "a"}) + rest)
    assert read(path) == [{"event": "a"}]
    write(path, {"event": "c"})
    assert read(path) == [{"event": "a"}, {"event": "c"}]


@pytest.mark.parametrize("line", [b"garbage\n", b"\xff\xfe\x00\n", b"[1]\n", b'{"trial": 1}\n'])
def test_a_damaged_line_in_the_middle_is_an_error_with_its_place(
    tmp_path: Path, line: bytes
) -> None:
    path = tmp_path / "ledger"
    first = to_line({"event": "a"})
    path.write_bytes(first + line + first)
    with pytest.raises(RunFolderError, match=r"ledger, line 2: it (is not JSON|must)"):
        read(path)


def test_a_storage_that_refuses_to_make_lines_durable_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: int) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setattr("sweeps.record.ledger._FSYNC_PERIOD_S", 0.01)
    ledger = Ledger(tmp_path / "ledger")
    ledger.append({"event": "a"})
    wait_for(lambda: ledger._refused is not None)
    with pytest.raises(StorageError, match="quota exceeded; free some space, then resume"):
        ledger.append({"event": "b"})
    with pytest.raises(StorageError, match="quota exceeded"):
        ledger.close()


def test_closing_twice_does_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.append({"event": "a"})
    ledger.close()
    ledger.close()
    assert read(tmp_path / "ledger") == [{"event": "a"}]


@pytest.mark.parametrize(
    ("number", "way_out"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "mount it read-write"),
        (errno.EMFILE, "raise `ulimit -n`"),
        (errno.ENXIO, "fix that"),
    ],
)
def test_a_refused_line_says_what_to_do_even_if_it_cannot_be_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, way_out: str
) -> None:
    def refused(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    ledger = Ledger(tmp_path / "ledger.jsonl")
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", refused)
        patched.setattr(os, "ftruncate", refused)
        with pytest.raises(StorageError, match=way_out):
            ledger.append({"event": "end"})
    ledger.close()


def test_a_ledger_that_cannot_be_opened_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        Ledger(tmp_path / "missing" / "ledger.jsonl")


def test_a_line_that_was_interrupted_leaves_the_chain_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    ledger = Ledger(tmp_path / "ledger")
    ledger.append({"event": "a"})
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ledger.append({"event": "b"})
    ledger.append({"event": "c"})
    ledger.close()
    assert [one["event"] for one in read(tmp_path / "ledger")] == ["a", "c"]


def test_the_last_event_of_a_kind_is_found_behind_others_and_damage(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    assert last_event(path, "session") == {}
    first, last = {"event": "session", "mlflow": True}, {"event": "session", "mlflow": False}
    says_so = {"event": "report", "rows": [{"event": "session"}], "error": '"event":"session"'}
    lines = [to_line(one) for one in (first, last, says_so)]
    path.write_bytes(b"".join([*lines, b'{"event":"session"\n', to_line(first)[:-1]]))
    assert last_event(path, "session") == last
    assert last_event(path, "end") == {}

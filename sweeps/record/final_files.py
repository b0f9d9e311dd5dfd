"""The files of a final that the ledger vouches for: final/final.json, and openings.jsonl.

The ledger has what they hold (events `final` and `test`), so that a change, a loss or a deletion is
noticed by whoever reads the sweep, and `retry` writes them again. Files come before the event: what
they have beyond the ledger is what a kill, or an earlier version, did not note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sweeps.errors import RunFolderError, StorageError
from sweeps.infra.command_line import command
from sweeps.record.final import FINAL, OPENINGS, final_bytes, whole_lines
from sweeps.record.ledger import to_line
from sweeps.record.run_folder import RunFolder, write_atomically
from sweeps.record.seals import parsed
from sweeps.record.sweep_record import SweepRecord
from sweeps.storage.mirror import is_held

__all__ = ["are_as_noted", "refuse_other_files", "restore_files", "unnoted"]

Values = Mapping[str, Any]


def refuse_other_files(folder: RunFolder, record: SweepRecord) -> None:
    """Raise RunFolderError where a file is not what the ledger says that was written.

    A copy of a sweep that runs elsewhere is taken as it is: its files come one after the other.
    """
    if are_as_noted(folder, record) or is_held(folder.path):
        return
    lost = _lost_finals(folder, record)
    path = lost[0][0] if lost else folder.path / OPENINGS
    what = (
        "it was damaged or edited (its checksum does not match the ledger)"
        if path.exists()
        else "it is missing"
    )
    raise RunFolderError(
        f"cannot read {path}: {what}. Restore it from a backup, or write it again from the ledger: "
        f"{command('retry', folder.path)}"
    )


def are_as_noted(folder: RunFolder, record: SweepRecord) -> bool:
    """Return whether the files hold what the ledger says that was written."""
    return not _lost_finals(folder, record) and _has_lines(folder, record)


def restore_files(folder: RunFolder, record: SweepRecord) -> list[Path]:
    """Write the files that are not as the ledger says again; returns which.

    Raises:
        StorageError: One cannot be written.
    """
    wrong = _lost_finals(folder, record)
    for path, choice in wrong:
        _make_folder(path.parent)
        write_atomically(path, final_bytes(choice))
    restored = [path for path, _ in wrong]
    if not _has_lines(folder, record):
        restored.append(folder.path / OPENINGS)
        write_atomically(restored[-1], b"".join(map(to_line, record.tests)))
    return restored


def unnoted(folder: RunFolder, record: SweepRecord) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the events, with their values, that a ledger which agrees with the files lacks."""
    path = folder.path / FINAL
    if path.exists():
        choice = parsed(path.read_bytes())
        if to_line(choice) not in map(to_line, record.finals):
            yield "final", {"choice": choice}
    for line in whole_lines(folder.path / OPENINGS)[len(record.tests) :]:
        yield "test", {"line": parsed(line)}


def _lost_finals(folder: RunFolder, record: SweepRecord) -> list[tuple[Path, Values]]:
    """Return the noted finals that no file has, each with the file that should."""
    # This one first: `final --again` may just be moving it.
    paths = [folder.path / FINAL]
    paths += [one / Path(FINAL).name for one in sorted(folder.path.glob("final-[0-9]*"))]
    held = {path: _line_of(path) for path in paths}
    noted = {to_line(choice): choice for choice in record.finals}
    lost = [choice for line, choice in noted.items() if line not in held.values()]
    wrong = [path for path, line in held.items() if line not in noted]
    return list(zip(wrong, reversed(lost), strict=False))


def _line_of(path: Path) -> bytes:
    try:
        return _line(path.read_bytes())
    except OSError:
        return b""


def _line(text: bytes) -> bytes:
    """Return an object as the ledger would have it, however it is laid out; empty for none."""
    try:
        return to_line(parsed(text))
    except ValueError:
        return b""


def _has_lines(folder: RunFolder, record: SweepRecord) -> bool:
    """Return whether openings.jsonl has the noted lines first, and at most one more."""
    noted = [to_line(line) for line in record.tests]
    lines = [_line(line) for line in whole_lines(folder.path / OPENINGS)] if noted else []
    return not noted or (lines[: len(noted)] == noted and len(lines) <= len(noted) + 1)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise StorageError(f"cannot make {path}: {err.strerror}") from err

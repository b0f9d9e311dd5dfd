"""A file that somebody writes while it is read is refused: no state of it is mixed with another."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweeps.models.data import csv_files, datasets
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.data.table_files import read_rows
from sweeps.models.errors import DataError

ROWS = [f"{row},{row % 3},{'ab'[row % 2]}" for row in range(40)]
CHANGED = r"must not change while it is read, and it did"


def written(path: Path, rows: list[str]) -> Path:
    path.write_text("x,z,y\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def appends(path: Path) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("40,1,b\n")


def replaces(path: Path) -> None:
    """Put rows of as many bytes in its place, as writers that rename do."""
    os.replace(written(path.with_name("new"), ROWS[::-1]), path)


def half(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8")[:-3], encoding="utf-8")


def arrays(path: Path) -> None:
    np.savez(path, x=np.zeros((40, 2)), y=np.arange(40) % 2)


def meanwhile(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, change: Any) -> None:
    """Have `change` happen before each call of a function that reads."""
    reads = getattr(owner, name)

    def changed_and_read(*arguments: Any, **named: Any) -> Any:
        change()
        return reads(*arguments, **named)

    monkeypatch.setattr(owner, name, changed_and_read)


@pytest.mark.parametrize("change", [appends, replaces, half, Path.unlink])
@pytest.mark.parametrize("name", ["read_table", "column_of_file"])
def test_a_table_that_changes_between_two_passes_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    name: str,
) -> None:
    path = written(tmp_path / "rows.csv", ROWS)
    config = DataConfig.model_validate(
        {"source": "rows.csv", "target": "y", "split": {"group": "z"}}
    )
    meanwhile(monkeypatch, datasets, name, lambda: change(path))
    with pytest.raises(DataError, match=CHANGED) as caught:
        load_dataset(config, tmp_path)
    assert caught.value.key == ("source",)
    assert "give a copy of it" in str(caught.value)


def test_arrays_that_are_written_meanwhile_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.npz"
    np.savez(path, x=np.ones((40, 2)), y=np.arange(40) % 2)
    os.utime(path, (0, 0))  # the clock of a file system has steps of milliseconds
    meanwhile(monkeypatch, datasets, "read_table", lambda: arrays(path))
    with pytest.raises(DataError, match=CHANGED):
        load_dataset(DataConfig(source="rows.npz", target="y"), tmp_path)


def test_rows_that_are_asked_for_are_of_one_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "rows.csv", ROWS)
    meanwhile(monkeypatch, csv_files.CsvFile, "table", lambda: replaces(path))
    with pytest.raises(DataError, match=CHANGED):
        read_rows(path, ["x"], ["y"], DataConfig(source="rows.csv"))


def test_a_file_that_stays_is_read(tmp_path: Path) -> None:
    written(tmp_path / "rows.csv", ROWS)
    assert len(load_dataset(DataConfig(source="rows.csv", target="y"), tmp_path)) == 40

"""Many columns are looked at all together, with what a look at each would give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sweeps.models.data import table_files
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.data.table_files import Table, read_table
from sweeps.models.errors import DataError
from sweeps.models.splits import cut_notes
from sweeps.models.splits.data_checks import check_data

ROWS = 12
# What a column may hold that needs more than a copy, and what needs none.
KINDS = {
    "reals": ["0.5", "-0.0", "1e300"],
    "whole": ["3", "-4", "0"],
    "counting": [str(row) for row in range(ROWS)],
    "group": ["7", "7", "8", "8", "9", "9", "10", "10", "11", "11", "12", "12"],
    "zeros": ["-0.0", "0.0", "1", "1", "2", "2", "3", "3", "4", "4", "5", "5"],
    "signed": ["+5", "6"],
    "large": ["9007199254740993", "9007199254740992"],
    "larger": ["18446744073709551616", "1.5"],
    "gaps": ["", "1.5", "2"],
    "whole gaps": ["", "1", "2"],
    "marks": ["NA", "1", "2"],
    "empty": [""],
    "nan": ["nan", "1.5"],
    "infinite": ["inf", "1"],
    "truths": ["true", "false"],
    "words": ["a", "b"],
}
CONFIG = DataConfig.model_validate({"source": "t.csv", "target": "y", "missing_values": ["NA"]})


def wide(folder: Path, names: list[str]) -> Path:
    cells = {name: [kind[row % len(kind)] for row in range(ROWS)] for name, kind in KINDS.items()}
    columns = [cells[name] for name in names] + [["u", "v"] * (ROWS // 2)]
    header = [f"{name} {place}" for place, name in enumerate(names)] + ["y"]
    lines = [header, *([column[row] for column in columns] for row in range(ROWS))]
    path = folder / "t.csv"
    path.write_text("\n".join(map(",".join, lines)), encoding="utf-8")
    return path


def as_read(table: Table) -> list[tuple[str, str, list[object]]]:
    """The columns with their types; of numbers the bits, so that NaN and -0 count."""
    return [
        (name, values.dtype.str, values.tolist() if values.dtype == object else _bits(values))
        for name, values in table.columns.items()
    ]


def _bits(values: np.ndarray) -> list[object]:
    bits: list[object] = np.ascontiguousarray(values).view(np.uint64).tolist()
    return bits


@pytest.mark.parametrize("names", [list(KINDS), [*KINDS] * 40], ids=["few", "many"])
def test_a_wide_table_is_read_as_a_column_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    path = wide(tmp_path, names)
    monkeypatch.setattr(table_files, "WIDE", 10**9)
    slowly = read_table(path, CONFIG)
    monkeypatch.setattr(table_files, "WIDE", 1)
    at_once = read_table(path, CONFIG)
    assert as_read(at_once) == as_read(slowly)
    assert at_once.missing == slowly.missing


def test_notes_of_columns_are_those_of_a_look_at_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    columns = {f"c{n}": rng.integers(0, n + 2, 40) / rng.choice([1, 2]) for n in range(60)}
    columns |= {f"user {n}": np.repeat(rng.permutation(20), 2) for n in range(3)}
    columns |= {"up": np.arange(5.0, 45.0), "gaps": np.where(np.arange(40) % 3, 1.0, np.nan)}
    np.savez(tmp_path / "t.npz", **columns, y=np.arange(40) % 2)
    config = DataConfig.model_validate({"source": "t.npz", "target": "y", "missing": "mean"})
    found = check_data(config, tmp_path, 0)
    monkeypatch.setattr(cut_notes, "_may_tell", lambda numbers: [True] * numbers.shape[1])
    assert found.summary is not None
    assert len(found.summary.notes) >= 4
    assert check_data(config, tmp_path, 0).summary == found.summary


def test_minus_zero_is_zero_among_the_values_of_a_group(tmp_path: Path) -> None:
    wide(tmp_path, ["zeros", "whole"])
    summary = check_data(CONFIG, tmp_path, 0).summary
    assert summary is not None
    assert any("zeros 0 looks like a group (6 values" in note for note in summary.notes)


def test_a_wide_table_of_names_alone_is_refused_as_any(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(",".join(f"c{n}" for n in range(600)) + ",y\n")
    with pytest.raises(DataError, match="must have at least one row"):
        load_dataset(CONFIG, tmp_path)

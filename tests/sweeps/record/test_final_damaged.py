"""A final's files that were damaged are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweeps.errors import RunFolderError
from sweeps.record.final import read_final, read_openings
from sweeps.record.run_folder import RunFolder


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, "[]", "{", "7"], ids=len)
@pytest.mark.parametrize(
    ("name", "read"), [("final/final.json", read_final), ("openings.jsonl", read_openings)]
)
def test_what_is_no_object_or_nested_too_deeply_is_refused(
    tmp_path: Path, name: str, read: Callable[[RunFolder], Any], text: str
) -> None:
    (tmp_path / "final").mkdir()
    (tmp_path / name).write_text(f"{text}\n")
    with pytest.raises(RunFolderError, match=f"{name} was damaged .*restore it from a backup"):
        read(RunFolder(tmp_path))

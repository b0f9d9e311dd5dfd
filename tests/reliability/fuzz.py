"""Files of every kind that a person may hand over, drawn at random, each read as a person would.

The kinds are those of the tests, which draw a few of each; here they are drawn by the thousand.
"""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from tests.reliability.page import Found
from tests.sweeps.faults.fuzzed_files import READERS, REFUSALS

__all__ = ["fuzz_readers"]

File = tuple[bytes, dict[str, Any]]


def fuzz_readers(folder: Path, files: int, number: int) -> Found:
    """Read so many files of each kind; whatever ends in another error than ours is wrong."""
    found = Found("files of nine kinds, drawn at random")
    for name, reader in READERS.items():
        own = folder / name.replace("/", "-")
        own.mkdir(parents=True)
        _draw_each(reader.files, files, number, partial(_read_one, found, name, own))
    return found


def _draw_each(
    files: st.SearchStrategy[File], count: int, number: int, read: Callable[[File], None]
) -> None:
    @seed(number)
    # What fails is noted, so that there is nothing to make smaller.
    @settings(max_examples=count, phases=[Phase.generate], deadline=None)
    @given(files)
    def each(file: File) -> None:
        read(file)

    each()


def _read_one(found: Found, name: str, own: Path, file: File) -> None:
    found.faults += 1
    found.rounds += 1
    try:
        with warnings.catch_warnings(action="ignore"):
            READERS[name].read(own, *file)
    except REFUSALS:
        pass
    except Exception as err:
        place = traceback.extract_tb(err.__traceback__)[-1]
        found.notes.append(f"{name}: {type(err).__name__} in {place.name}, of {file[0][:80]!r}")
        return
    found.survived += 1

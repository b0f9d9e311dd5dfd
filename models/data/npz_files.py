"""Arrays of an .npz file, each held to its size before it is read."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from sweeps.models.errors import DataError

__all__ = ["array_of"]


def array_of(archive: np.lib.npyio.NpzFile, name: str, path: Path) -> npt.NDArray[Any]:
    """Return one array of an open .npz file.

    A small file may claim much: a header says any shape, and what is the same all over is
    compressed a thousandfold.

    Args:
        path: of the file, for messages.

    Raises:
        DataError: The array is larger than the memory at hand, or than what the file has of it,
            or has no value.
        OSError, ValueError, tokenize.TokenError, zipfile.BadZipFile, zlib.error: The file was
            damaged.
    """
    assert archive.zip is not None
    member = name if name in archive.zip.namelist() else f"{name}.npy"
    held = archive.zip.getinfo(member).file_size
    with archive.zip.open(member) as file:
        try:
            shape, claimed = _claimed(file)
        except _PickledError as error:
            rule = (
                f"array {name!r} of {path.name} must hold numbers, booleans or words, not Python "
                f"objects: they are pickled, and nothing pickled is read"
            )
            hint = f"Save it as words, {name}.astype(str), or as numbers, {name}.astype(float)"
            raise DataError(rule, key=("source",), value=str(path), hint=hint) from error
    if shape is not None and not claimed:  # and may have any number of rows or of columns
        rule = f"array {name!r} of {path.name} must have values, not the shape {shape} of none"
        raise DataError(rule, key=("source",), value=str(path))
    if claimed > held:
        rule = (
            f"array {name!r} of {path.name} must have the {_size(claimed)} that its header says, "
            f"not {_size(held)}: the file is damaged or was forged"
        )
        raise DataError(rule, key=("source",), value=str(path))
    free = _free_bytes()
    if held > free:
        rule = (
            f"array {name!r} of {path.name} must fit into memory: it needs {_size(held)}, "
            f"{_size(free)} are free"
        )
        raise DataError(rule, key=("source",), value=str(path), hint="Keep fewer rows in the file")
    array: npt.NDArray[Any] = archive[name]
    if not isinstance(array, np.ndarray):  # what is none of numpy's comes as its bytes
        rule = f"{name!r} of {path.name} must be an array of numpy"
        raise DataError(rule, key=("source",), value=str(path), hint="Write it with np.savez")
    return array


class _PickledError(Exception):
    """An array holds Python objects, in any number of bytes."""


def _claimed(file: IO[bytes]) -> tuple[tuple[int, ...] | None, int]:
    """Return the shape that an array's header says, and its bytes; None and 0 of other things."""
    if file.read(len(npy.MAGIC_PREFIX)) != npy.MAGIC_PREFIX:
        return None, 0
    is_first = file.read(2)[:1] == b"\x01"
    read = npy.read_array_header_1_0 if is_first else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise _PickledError
    return shape, math.prod(shape) * dtype.itemsize


def _size(count: int) -> str:
    """Return a number of bytes in words."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e8 else f"{count:,} bytes"


def _free_bytes() -> int:
    """Return the memory that is at hand; where the system does not say, all that there is."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        [free] = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
        return int(free) * 1024
    except (OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

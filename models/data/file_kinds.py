"""What a data file is by its first bytes, whatever its name says.

A web page that was downloaded in its place, a pointer of Git LFS, an archive that was not
unpacked: read as what their names say, they are taken for tables with odd columns, for text in
another encoding, or for pickled data.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from sweeps.models.data.configuration import FILE_SUFFIXES
from sweeps.models.errors import DataError

__all__ = ["check_file"]

_HEAD = 512  # bytes
_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html)\b[^,;\t|]*>", re.IGNORECASE)
_UNPACK = "Unpack it, and name the file in it"
_WORKBOOK = ("an Excel workbook", "Save the sheet as CSV (UTF-8)")
# First bytes that no table of text has: what a file is that starts with them, and the way out.
_KINDS: dict[bytes, tuple[str, str]] = {
    b"\x1f\x8b": ("compressed by gzip", _UNPACK),
    b"BZh91AY&SY": ("compressed by bzip2", _UNPACK),
    b"\xfd7zXZ\x00": ("compressed by xz", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("compressed by zstd", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": _WORKBOOK,
    b"SQLite format 3\x00": ("an SQLite database", "Export its table as CSV"),
    b"\x89HDF\r\n": ("an HDF5 file", "Write what it holds as .npz or .csv"),
    b"ARROW1\x00\x00": ("an Arrow file", "Write its table as .parquet"),
    b"\x93NUMPY": ("one array of numpy", "Save features and target by name: np.savez(...)"),
    b"\x80\x04\x95": ("pickled", "What is pickled is never read: write it as .csv or .npz"),
    b"%PDF-": ("a PDF document", "Export its table as CSV"),
    b"version https://git-lfs.github.com/spec/": (
        "a pointer of Git LFS, not the file itself",
        "Fetch the file: git lfs pull",
    ),
}
_ZIP, _PARQUET = b"PK\x03\x04", b"PAR1\x15"


def check_file(path: Path) -> None:
    """Check that a data file is there, has something in it, and is what its name says.

    Raises:
        DataError: It is not; the error says what it is, and the way out.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:  # pyarrow opens no other
        rule = "the path of a data file must be text in UTF-8"
        raise DataError(rule, key=("source",), value=str(path), hint="Rename its folder") from error
    if not path.is_file():
        raise _no_file(path)
    if path.stat().st_size == 0:
        raise DataError("a data file must not be empty", key=("source",), value=str(path))
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if found := _kind(path, head):
        what, way_out = found
        raise DataError(f"{path.name} is {what}", key=("source",), value=str(path), hint=way_out)


def _no_file(path: Path) -> DataError:
    """Return why there is nothing to read."""
    if path.is_dir():
        return DataError(
            "the source must be a file, not a folder", key=("source",), value=str(path)
        )
    if path.is_symlink():
        rule = f"{path.name} is a link to {path.parent / os.readlink(path)}, where no file is"
        hint = "Fetch the file (git annex get, dvc pull), or correct the link"
        return DataError(rule, key=("source",), value=str(path), hint=hint)
    if path.exists():
        rule = "the source must be a file, not a pipe or a device: its rows are read more than once"
        return DataError(rule, key=("source",), value=str(path), hint="Write it to a file")
    folder = path.parent
    beside = sorted(os.listdir(folder)) if folder.is_dir() else []
    return DataError(
        "there is no such file" if folder.is_dir() else f"there is no folder {folder}",
        key=("source",),
        value=path.name,
        choices=[name for name in beside if Path(name).suffix.lower() in FILE_SUFFIXES],
        hint=f"Looked for {path}; a relative path starts from the sweep file's folder",
    )


def _kind(path: Path, head: bytes) -> tuple[str, str] | None:
    """Return what a file is that its name does not say, and the way out; None where it says."""
    suffix = path.suffix.lower()
    if head.startswith(_ZIP):
        return _zip_kind(path)
    if head.startswith(_PARQUET):
        return None if suffix == ".parquet" else ("a Parquet file", _rename(path, ".parquet"))
    if _PAGE.match(head):
        return "a web page", "Look at it, and download the file itself"
    return next((kind for start, kind in _KINDS.items() if head.startswith(start)), None)


def _zip_kind(path: Path) -> tuple[str, str] | None:
    names = _names(path)
    if "[Content_Types].xml" in names:
        return _WORKBOOK
    if path.suffix.lower() == ".npz":
        return None
    if names and all(name.endswith(".npy") for name in names):
        return "an .npz file", _rename(path, ".npz")
    return "a zip archive", _UNPACK


def _names(path: Path) -> list[str]:
    """Return what is in a zip archive; nothing where it is damaged."""
    try:
        with ZipFile(path) as archive:
            return archive.namelist()
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        return []


def _rename(path: Path, suffix: str) -> str:
    return f"Rename it to {path.stem}{suffix}"

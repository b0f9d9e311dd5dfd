"""The user's own code, held to what a sweep's trials were trained with, as its data is.

A session writes the digests of the files into the ledger, and keeps a copy of them in `code/`.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from pathlib import Path

from sweeps.definition.own_files import files_of_all, make_importable
from sweeps.definition.program_files import files_of_programs
from sweeps.errors import RunFolderError, StorageError
from sweeps.infra.package import PackageError, stage
from sweeps.models.own_code.imported import (
    code_digest,
    digest_in_memory,
    forget_stale,
    module_name,
)
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import SweepRecord

__all__ = [
    "CODE",
    "code_folders",
    "digests",
    "import_as_trained",
    "keep_code",
    "own_code",
    "refuse_edited_imports",
    "refuse_other_code",
]

CODE = "code"


def own_code(folder: RunFolder) -> dict[Path, Path]:
    """Return the files of the sweep's own functions and programs, with their relative paths.

    None of a module that is installed elsewhere.
    """
    values, base_dir = folder.read_description().values, folder.base_dir()
    modules = files_of_all(values, folder.module_folders())
    return modules | files_of_programs(values, base_dir)


def digests(files: Mapping[Path, Path]) -> dict[str, str]:
    """Return the first 16 hexadecimal digits of the SHA-256 of each file, by its relative path.

    Raises:
        RunFolderError: A file cannot be read.
    """
    try:
        found = {str(name): code_digest(path) for path, name in files.items()}
    except OSError as err:
        raise RunFolderError(f"cannot read {err.filename}: {err.strerror}; restore it") from err
    return dict(sorted(found.items()))


def refuse_other_code(folder: RunFolder, record: SweepRecord, accept: bool) -> list[str]:
    """Return which files are not those that the trials were trained with, each in words.

    Args:
        accept: Go on with the code as it is.

    Raises:
        RunFolderError: There are some, and they are not accepted.
    """
    before, now = record.code, digests(own_code(folder))
    changes = [] if before is None else _changes(before, now)
    if changes and not accept:
        raise RunFolderError(
            f"the own code of {folder.name} must be what its trials were trained with, or they "
            f"cannot be compared: {', '.join(changes)}. Restore it ({folder.path / CODE} has a "
            f"copy), or continue with the changed code: --accept-code (this is recorded)"
        )
    return changes


def refuse_edited_imports(folder: RunFolder) -> None:
    """Raise RunFolderError where this process imported own code that was edited since."""
    files = own_code(folder)
    now = digests(files)
    loaded = {
        str(name): digest_in_memory(module_name(str(name)), path) for path, name in files.items()
    }
    _refuse_edits([name for name, digest in loaded.items() if digest not in (None, now[name])])


def _refuse_edits(edited: Collection[str]) -> None:
    if edited:
        raise RunFolderError(
            f"the sweep's own code must not change while a session begins, and "
            f"{', '.join(sorted(edited))} did; type the command again"
        )


def keep_code(folder: RunFolder) -> dict[str, str]:
    """Copy the sweep's own code into its folder; returns its digests.

    A copy that differs stays as code-1, code-2, ...

    Raises:
        StorageError: It cannot be copied.
        RunFolderError: It was edited meanwhile.
    """
    files, kept = own_code(folder), folder.path / CODE
    now = digests(files)
    try:
        if kept.exists() and digests(_below(kept)) != now:
            numbered = (folder.path / f"{CODE}-{number}" for number in itertools.count(1))
            kept.rename(next(path for path in numbered if not path.exists()))
        if files and not kept.exists():
            stage(files, kept)
            copied = digests(_below(kept))
            _refuse_edits([name for name in now if copied.get(name) != now[name]])
    except (PackageError, OSError) as err:
        raise StorageError(f"cannot copy your code to {kept}: {err}") from err
    return now


def code_folders(folder: RunFolder, record: SweepRecord) -> tuple[Path, ...]:
    """Return the folders that the code of the trained nets is imported from.

    Those of the sweep file, or where it has changed there since, that of the copy.
    """
    there, kept = folder.module_folders(), folder.path / CODE
    is_same = not record.code or digests(own_code(folder)) == record.code
    return there if is_same or not kept.exists() else (kept, *there)


def import_as_trained(folder: RunFolder, record: SweepRecord) -> None:
    """Have this process import own code as the nets were trained with, whatever it has now."""
    folders = code_folders(folder, record)
    make_importable(*folders)
    forget_stale(*folders)


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    gone = [f"{name} is gone" for name in before if name not in now]
    new = [f"{name} is new" for name in now if name not in before]
    common = sorted(before.keys() & now.keys())
    return [*gone, *new, *(f"{name} changed" for name in common if before[name] != now[name])]


def _below(folder: Path) -> dict[Path, Path]:
    return {path: path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}

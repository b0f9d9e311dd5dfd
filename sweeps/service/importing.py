"""Makes a sweep file of another tool's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sweeps.definition.problems import at_place
from sweeps.errors import FileProblem, RequestError, StorageError, SweepFileError
from sweeps.importers.imported import Imported, sweep_text
from sweeps.importers.katib import from_katib, is_katib
from sweeps.importers.wandb import from_wandb, is_wandb
from sweeps.search_spaces.problems import SpaceError
from sweeps.search_spaces.yaml_reader import Document, YamlError, parse_yaml, read_text

__all__ = ["ImportedFile", "import_file"]


@dataclass(frozen=True)
class ImportedFile:
    """What was written.

    Attributes:
        path: The sweep file.
        notes: What was left out or is said in another way: `FILE:LINE: key: ...`.
    """

    path: Path
    notes: tuple[str, ...]


def import_file(source: Path, out: Path) -> ImportedFile:
    """Write a sweep file of a sweep.yaml of W&B's, or of an Experiment of Katib's.

    Raises:
        RequestError: `out` is there already, or `source` is neither or cannot be read.
        SweepFileError: A part of `source` without which there is no sweep cannot be said here.
        StorageError: It cannot be written; nothing is left.
    """
    if out.exists():
        raise RequestError(f"{out} exists, and nothing was written: name another file with --out")
    document = _read(source)
    try:
        made = _imported(document)
        text = sweep_text(made, source.name)
    except SpaceError as err:
        found = [at_place(one, document.name, *document.position(one.path)) for one in err.problems]
        raise SweepFileError(found) from err
    except (TypeError, AttributeError, KeyError, ValueError) as err:
        rule = f"cannot read {source}: a section is not in the format of its tool ({err})"
        raise RequestError(rule) from err
    _write(out, text)
    return ImportedFile(out, _notes(document, made))


def _read(source: Path) -> Document:
    try:
        return parse_yaml(read_text(source), source.name, with_tags=True)
    except OSError as err:
        raise RequestError(f"cannot read {source}: {err.strerror}") from err
    except YamlError as err:
        rule = err.problems[0].rule
        raise SweepFileError([FileProblem(source.name, err.line, err.column, "", rule)]) from err


def _imported(document: Document) -> Imported:
    if is_katib(document.value):
        return from_katib(document.value)
    if is_wandb(document.value):
        return from_wandb(document.value)
    raise RequestError(
        f"{document.name} is neither a sweep of W&B's (with `method` and `parameters`) nor an "
        f"Experiment of Katib's (with `kind: Experiment` and `spec`)"
    )


def _notes(document: Document, made: Imported) -> tuple[str, ...]:
    """Return what became of places in a file, in its order."""
    found = []
    for path, note in made.notes:
        line, _ = document.position(path, at_key=True)
        key = ".".join(map(str, path))
        found.append((line, f"{document.name}:{line}: {key}: {note}" if key else note))
    return tuple(text for _, text in sorted(found))


def _write(out: Path, text: str) -> None:
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as err:
        raise StorageError(f"cannot write {out}: {err.strerror}") from err

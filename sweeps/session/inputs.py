"""What a sweep needs of its file's folder, kept so that it runs where that folder is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sweeps.definition.own_training_checks import runs_programs
from sweeps.definition.planning import PlannedTrial
from sweeps.definition.sweep_file import SweepFile
from sweeps.definition.trial_checks import possible_configurations
from sweeps.errors import ClusterError, StorageError
from sweeps.infra.package import PackageError, files_beside, stage
from sweeps.models.data.configuration import DataConfig
from sweeps.models.own_code.roles import own_functions
from sweeps.record.run_folder import RunFolder, write_atomically
from sweeps.search_spaces.space import Space

__all__ = [
    "INPUTS",
    "data_beside",
    "keep_inputs",
    "needs_modules",
    "own_code",
    "refuse_what_stays_here",
]

INPUTS = "inputs"


def needs_modules(file: SweepFile, plan: Iterable[PlannedTrial]) -> bool:
    """Return whether a sweep calls functions, or runs programs, of the user's, now or to come.

    Args:
        plan: What is planned from the beginning.
    """
    configurations = [trial.configuration for trial in plan]
    if file.search.learns:
        configurations += possible_configurations(Space(file.space))
    called = own_functions(file.data, file.metrics, configurations)
    return any(True for _ in called) or runs_programs(file.space)


def own_code(folders: Sequence[Path], file: SweepFile) -> dict[Path, Path]:
    """Return the files of the user's code, each with its path below one folder for them all.

    Args:
        folders: Where modules are imported from: what the first has hides it in the others.
        file: Where a function loads its data, or it runs a program, that may read any file beside
            it.
    """
    only_modules = file.data.kind != "function" and not runs_programs(file.space)
    found: dict[Path, Path] = {}
    for folder in folders:
        hidden = {_module(name) for name in found.values()}
        beside = files_beside(folder, only_modules=only_modules)
        found |= {
            file: name
            for file, name in beside.items()
            if not {name.parts[0], Path(name.parts[0]).stem} & hidden and name not in found.values()
        }
    return found


def _module(name: Path) -> str:
    """Return the top-level module that a file makes whole; empty for any other file."""
    is_module = len(name.parts) == 1 and name.suffix == ".py"
    return name.stem if is_module else name.parts[0] if name.parts[1:] == ("__init__.py",) else ""


def data_beside(data: DataConfig, base: Path) -> dict[Path, Path]:
    """Return the data file, with its path relative to `base`, where it lies in or below that."""
    if data.kind != "file":
        return {}
    path = data.path(base).resolve()
    return {path: path.relative_to(base)} if path.is_relative_to(base) else {}


def refuse_what_stays_here(data: DataConfig, base: Path) -> None:
    """Raise ClusterError for a data file that another machine would look for in vain."""
    if data.kind == "file" and not data.path(Path()).is_absolute() and not data_beside(data, base):
        raise ClusterError(
            f"data.source: {data.source} is not in or below {base}, so it is not uploaded with the "
            f"sweep: move it beside the sweep file, or use the absolute path of a folder that "
            f"every node sees"
        )


def keep_inputs(folder: RunFolder) -> None:
    """Copy the user's modules and data into a run folder, unless they are there.

    A resume may come from another machine, and workers import the user's nets from there.

    Raises:
        StorageError: They cannot be copied, or the modules are implausibly many.
    """
    description = folder.read_description()
    base = description.base_dir
    if not base.is_absolute():
        return
    data = description.sweep.data
    try:
        if needs_modules(description.sweep, folder.read_plan()):
            beside = own_code(folder.module_folders(), description.sweep)
            stage(beside, folder.path / INPUTS)
        stage(data_beside(data, base), folder.path / INPUTS, limit_mb=None)
        (folder.path / INPUTS).mkdir(exist_ok=True)
        file = folder.path / INPUTS / folder.source.name
        write_atomically(file, folder.read_source().encode())
    except (PackageError, OSError) as err:
        raise StorageError(f"{folder.path}: {err}") from err
    moved = {"base_dir": INPUTS, "module_folders": [], "file": str(file)}
    folder.change_description(moved)

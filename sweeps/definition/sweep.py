"""A checked sweep: the file's sections, its space and constraints, and what its data is like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sweeps.definition.choosing import Chosen
from sweeps.definition.own_files import folders_of, looked_in
from sweeps.definition.sweep_file import SweepFile
from sweeps.definition.trial_checks import Surroundings
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.data_checks import DataSummary
from sweeps.search_spaces.constraints import Constraint
from sweeps.search_spaces.problems import SpaceError
from sweeps.search_spaces.space import Space

__all__ = ["Sweep"]


@dataclass(frozen=True)
class Sweep:
    """A sweep file that can be run; made by `sweeps.definition.loading.load_sweep` alone.

    Attributes:
        source: The text of the file as the user wrote it.
        base_dir: The file's folder: where data files, and first of all modules, are looked for.
        overrides: `key.path=value` texts that changed the file's values.
        objective: The objective and its direction.
        chosen: Which search method was chosen for it, and why; None where the file names one.
        summary: What checking the data found; None where there are none, or where they are a
            function of the user's and no code was to be run.
        runs_code: Whether code of the user's may be run to check it.
        name: What messages call the file.
    """

    file: SweepFile
    space: Space
    constraints: tuple[Constraint, ...]
    source: str
    base_dir: Path
    overrides: tuple[str, ...]
    objective: Objective
    summary: DataSummary | None
    chosen: Chosen | None = None
    runs_code: bool = False
    name: str = "sweep file"

    @property
    def data(self) -> DataSummary:
        """What checking the data found, of a sweep whose code may be run."""
        assert self.summary is not None, "a sweep that is to run has its data read"
        return self.summary

    @property
    def surroundings(self) -> Surroundings:
        """What its trials are held against."""
        return Surroundings(self.summary, looked_in(self.base_dir), self.runs_code)

    def module_folders(self) -> tuple[Path, ...]:
        """Return the folders that the user's modules are imported from now, the first first."""
        return folders_of(self.file.model_dump(mode="json"), self.base_dir)

    def allows(self, configuration: Mapping[str, Any]) -> bool:
        """Return whether a configuration keeps all constraints that apply to it.

        Raises:
            SpaceError: One cannot be computed; its place is that in the sweep file.
        """
        for number, constraint in enumerate(self.constraints):
            try:
                if not constraint.holds(configuration):
                    return False
            except SpaceError as err:
                place = ("constraints", number)
                raise SpaceError([replace(one, path=place) for one in err.problems]) from err
        return True

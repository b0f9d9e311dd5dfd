"""What a run folder says that its sweep is: sweep.json, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from sweeps.definition.sweep_file import SweepFile
from sweeps.models.scoring.objective import Objective
from sweeps.models.scoring.tasks import Task

__all__ = ["DataDescription", "Description", "SplitRows", "Stage"]

Stage = Literal["audit", "final", "final/refit"]


@dataclass(frozen=True)
class SplitRows:
    """A part of the data: `digest` follows from the data, the seed and how it is cut."""

    name: str
    rows: int
    digest: str


@dataclass(frozen=True)
class DataDescription:
    """The data of a sweep, as they were when it began.

    Attributes:
        source: `none` where own training has no data of the sweep's.
        digest: SHA-256 of their contents.
        task: None where there are no data.
        cut: By which rule rows went to the splits; empty in folders of versions that had one rule.
        seed: That of the cut, where it has one of its own.
        notes: What a person should know of the cut.
        independent: How many independent rows those of `train`, `dev` and `test` come to, if rows
            of one group are taken to be alike; empty where each row was cut by itself.
        groups: How many groups these parts have rows of; empty as above, and in older folders.
    """

    source: str
    digest: str
    task: Task | None
    splits: tuple[SplitRows, ...]
    cut: str = ""
    seed: int | None = None
    notes: tuple[str, ...] = ()
    independent: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> DataDescription:
        """Read what sweep.json has under `data`; raises KeyError and TypeError."""
        return cls(
            source=value["source"],
            digest=value["digest"],
            task=value["task"],
            splits=tuple(SplitRows(**one) for one in value["splits"]),
            cut=value.get("cut", ""),
            seed=value["split"].get("seed"),
            notes=tuple(value.get("notes", ())),
            independent=value.get("independent", {}),
            groups=value.get("groups", {}),
        )


@dataclass(frozen=True)
class Description:
    """A sweep, or a stage of one, as it runs.

    Attributes:
        id: Of this run, for ever; MLflow's runs carry it.
        base_dir: Where relative data files and the user's modules are; a relative one is inside
            the run folder, as the files came with the sweep.
        trials: How many there are to be.
        plan_lines: How many of these plan.jsonl has; the rest a method that learns adds to the
            ledger while the sweep runs.
        values: The sweep file with its defaults, as plain values; `sweep` is the same, typed.
        file: The sweep file's path where it was started; empty where that is not known.
        stage: Which one; None of a sweep itself.
        sanity: What own code does not keep, where the file accepts that, or that it was not tried.
        served: The requests for more trials that the plan has by now, by the names of their files.
        plan_sum, source_sum: Checksums of plan.jsonl and sweep.yaml; None in format 1.
    """

    id: str
    base_dir: Path
    overrides: tuple[str, ...]
    objective: Objective
    data: DataDescription
    trials: int
    plan_lines: int
    values: Mapping[str, Any]
    created_at: float = 0.0
    file: str = ""
    git_commit: str = ""
    module_folders: tuple[str, ...] = ()
    stage: Stage | None = None
    sanity: tuple[str, ...] = ()
    served: tuple[str, ...] = ()
    plan_sum: str | None = None
    source_sum: str | None = None

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Description:
        """Read sweep.json's values; raises KeyError and TypeError where one is missing."""
        return cls(
            id=value["id"],
            base_dir=Path(value["base_dir"]),
            overrides=tuple(value["overrides"]),
            objective=Objective.of(value["goal"]),
            data=DataDescription.of(value["data"]),
            trials=value["trials"],
            plan_lines=value.get("plan_lines", value["trials"]),
            values=value["sweep"],
            created_at=value.get("created_at", 0.0),
            file=value.get("file", ""),
            git_commit=value.get("git_commit") or "",
            module_folders=tuple(value.get("module_folders", ())),
            stage=value.get("stage"),
            sanity=tuple(value.get("sanity", ())),
            served=tuple(value.get("served", ())),
            plan_sum=value.get("plan_sum"),
            source_sum=value.get("source_sum"),
        )

    @cached_property
    def sweep(self) -> SweepFile:
        """The sweep file; raises ValidationError where the values were damaged."""
        return SweepFile.model_validate(_as_cut(self.values), strict=False)

    def is_of(self, file: SweepFile) -> bool:
        """Return whether a sweep file describes this sweep.

        Keys that an earlier version did not have count as left out, or as what it did.
        """
        as_written = SweepFile.model_validate(self.values, strict=False)
        return file in (as_written, self.sweep)


def _as_cut(sweep: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a sweep as it ran: versions that had no `duplicates` cut equal rows apart."""
    data = sweep.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("split"), dict):
        return sweep  # damaged: for the check that follows
    return {**sweep, "data": {**data, "split": {"duplicates": "apart", **data["split"]}}}

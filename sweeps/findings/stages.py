"""The stages that follow a search: run folders of their own, inside that of the sweep.

audit/          pruned trials that are trained to their end after all
final/          the search's best, repeated under fresh seeds
final/refit/    the winner once more, on train and dev rows together
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.definition.planning import PlannedTrial
from sweeps.definition.sweep_file import SweepFile
from sweeps.errors import StorageError
from sweeps.findings.choosing import Choosing
from sweeps.findings.final_ranking import rank_candidates
from sweeps.models.scoring.objective import Objective
from sweeps.record.description import Stage
from sweeps.record.final import read_final, read_openings
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.record.stops import is_pause
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.storage.files import bucket_of, remove_folder

__all__ = [
    "Audited",
    "Stage",
    "has_failed_trials",
    "is_final_over",
    "is_followed_up",
    "is_over",
    "kept_finals",
    "make_stage",
    "read_audit",
    "stage_folder",
    "stage_folders",
    "state_of",
    "trials_to_audit",
    "why_no_winner",
]

_STAGES: tuple[Stage, ...] = ("audit", "final", "final/refit")


def stage_folder(sweep: RunFolder, stage: Stage) -> RunFolder | None:
    """Return a stage's folder, or None before it is whole."""
    folder = RunFolder(sweep.path / stage)
    return folder if folder.description.exists() else None


def stage_folders(sweep: RunFolder) -> dict[Stage, RunFolder]:
    """Return the folders of all stages that were begun, in their order."""
    found = {stage: stage_folder(sweep, stage) for stage in _STAGES}
    return {stage: folder for stage, folder in found.items() if folder is not None}


def kept_finals(sweep: RunFolder) -> dict[str, RunFolder]:
    """Return the finals that `final --again` kept, with their refits: final-1, final-1/refit."""
    kept = sorted(
        sweep.path.glob("final-[0-9]*"), key=lambda path: int(path.name.partition("-")[2])
    )
    names = [name for path in kept for name in (path.name, f"{path.name}/refit")]
    folders = {name: RunFolder(sweep.path / name) for name in names}
    return {name: folder for name, folder in folders.items() if folder.description.exists()}


def make_stage(
    sweep: RunFolder, stage: Stage, plan: Sequence[PlannedTrial], objective: Objective
) -> RunFolder:
    """Make a stage's folder; what tells that it is whole is written last.

    Raises:
        StorageError: The disk is full or not writable.
    """
    description = sweep.description_values()
    folder = RunFolder(sweep.path / stage)
    if bucket_of(folder.path) is not None:
        remove_folder(folder.path)  # what a kill left of one that was being moved
    try:
        for path in (folder.checkpoints, folder.weights):
            path.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise StorageError(f"cannot make {folder.path}: {err}") from err
    # The few nets of a stage are all kept: whose weights are wanted is known at its end.
    checkpoints = {**description["sweep"].get("checkpoints", {}), "keep_weights": None}
    file = sweep.read_sweep()
    if file.final is not None and file.final.choose is not None:  # which a stage does not have
        recorded = file.recorded_metrics.items()
        metrics = {name: options.model_dump(mode="json") for name, options in recorded}
        description["sweep"] = description["sweep"] | {"metrics": metrics}
    unchanged: dict[str, Any] = {"stopping": {"scheduler": "none"}, "budget": {}, "final": None,
                                 "checkpoints": checkpoints}  # fmt: skip
    about = {
        "id": uuid.uuid4().hex,
        "trials": len(plan),
        "goal": objective.goal,
        "stage": stage,
        "stage_of": description["id"],
        "sweep": description["sweep"] | unchanged,
    }
    about["plan_sum"] = folder.write_plan(plan)
    description.pop("plan_lines", None)  # all of a stage is planned from its beginning
    description.pop("served", None)
    folder.write_description(description | about)
    return folder


def trials_to_audit(file: SweepFile, record: SweepRecord) -> list[TrialRecord]:
    """Return the pruned trials, in plan order, where the file asks for an audit of some."""
    number = file.stopping.audit
    pruned = [trial for trial in record.trials if trial.outcome is Outcome.PRUNED]
    return pruned if number else []


def is_over(folder: RunFolder, record: SweepRecord) -> bool:
    """Return whether nothing is left to run of a sweep or a stage: search and what follows it."""
    return record.is_finished and is_followed_up(folder, folder.read_sweep(), record)


def state_of(folder: RunFolder, record: SweepRecord, is_running: bool) -> str:
    """Return `running`, `paused`, `ended` or `interrupted`: what people see of a sweep."""
    if is_running:
        return "paused" if is_pause(record.stopped) else "running"
    return "ended" if is_over(folder, record) else "interrupted"


def is_followed_up(folder: RunFolder, file: SweepFile, record: SweepRecord) -> bool:
    """Return whether every stage that the file asks for has been run."""
    if trials_to_audit(file, record):
        audit = stage_folder(folder, "audit")
        if audit is None or not read_record(audit).is_finished:
            return False
    if file.final is None or record.best is None:
        return True
    return is_final_over(folder)


def is_final_over(sweep: RunFolder) -> bool:
    """Return whether a sweep's final has tested its winner, or found that there is none."""
    choice = read_final(sweep)
    if choice is None:
        return bool(why_no_winner(sweep))
    return bool(choice.untested) or any(one.metrics for one in choice.own(read_openings(sweep)))


def why_no_winner(sweep: RunFolder) -> str:
    """Return why a final that is over has no winner; empty where it has one, or is not over."""
    stage = stage_folder(sweep, "final")
    if stage is None:
        return _why_none_chosen(sweep)
    repeats = read_record(stage)
    if not repeats.is_finished:
        return ""
    if repeats.best is not None:
        return _why_none_chosen_again(sweep, repeats)
    first = repeats.trials[0].reason
    return f"no repeat had a finite objective ({repeats.counts}; the first: {first})"


def _why_none_chosen(sweep: RunFolder) -> str:
    """Return why a search that is over has no trial that `final.choose` may take."""
    file = sweep.read_sweep()
    if file.final is None or file.final.choose is None:
        return ""
    record = read_record(sweep)
    if record.is_open and not (record.stopped and record.stopped.ends_search):
        return ""
    return Choosing.of(file, record.objective).why_none(record)


def _why_none_chosen_again(sweep: RunFolder, repeats: SweepRecord) -> str:
    """Return that the repeats of no candidate satisfy `final.choose` in their mean."""
    file = sweep.read_sweep()
    if file.final is None or file.final.choose is None or read_final(sweep) is not None:
        return ""
    record = read_record(sweep)
    by = Choosing.of(file, record.objective)
    return "" if rank_candidates(record, repeats, by) else by.why_none_again


def has_failed_trials(sweep: RunFolder) -> bool:
    """Return whether a retry has something to do, in the search or in a stage.

    A winner is frozen: repeats that failed before it was chosen are not tried again.
    """
    stages = stage_folders(sweep)
    if read_final(sweep) is not None:
        stages = {stage: folder for stage, folder in stages.items() if stage == "audit"}
    return any(read_record(one).outcomes[Outcome.FAILED] for one in (sweep, *stages.values()))


@dataclass(frozen=True)
class Audited:
    """A pruned trial that was trained to its end after all.

    Attributes:
        trial: Its index in the search.
        value: Its objective at its best epoch of the whole training; None if it has none.
        would_win: Whether it would have beaten the search's best.
    """

    trial: int
    value: float | None
    would_win: bool


def read_audit(sweep: RunFolder, record: SweepRecord) -> list[Audited]:
    """Return the audited trials that have ended.

    Raises:
        RunFolderError: The stage's folder was damaged.
    """
    folder = stage_folder(sweep, "audit")
    if folder is None:
        return []
    audit = read_record(folder)
    by_hash = {trial.trial.hash: trial for trial in record.trials}
    best = None if record.best is None else record.value(record.best)
    found = []
    for trial in audit.trials:
        if trial.outcome is None:
            continue
        pruned, value = by_hash[trial.trial.hash], audit.value(trial)
        beats = value is not None and record.objective.better(value, best)
        found.append(Audited(pruned.trial.index, value, beats))
    return found

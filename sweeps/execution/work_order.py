"""What the workers of a sweep are sent; needs no torch, so that the driver never imports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sweeps.definition.planning import PlannedTrial
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import TrainDev
from sweeps.storage.files import BucketFiles, Files

__all__ = ["WorkOrder"]


@dataclass(frozen=True)
class WorkOrder:
    """What all trials of a sweep share; sent to each worker once.

    Attributes:
        trials: Those that were planned before; one that is planned later comes with its start.
        data: What a trial's net is trained on; with folds, one for each of its nets.
        metrics: What epochs have besides the usual metrics, the objective's own among them.
        milestones: Epochs after which the scheduler decides; None means every epoch.
        stacks: A folder for the stack of a trial that hangs; one that the driver sees, too, where
            `checkpoints` is a folder.
        recorded: Epochs that the ledger has of each unfinished trial.
        checkpoint_every: Epochs of a trial between its checkpoints, at least.
        threads: CPU threads of one trial.
        last_epoch: Every trial is completed at this epoch at the latest; schedules do not know.
        kill_when_late: Whether this process may be ended by the watchdog of `timeout_s`.
        import_paths: Folders where the user's own modules are looked for.
        code: Digests of the user's files that trials are trained with, as `HeldCode` has them.
        programs: A folder for what programs report, print and save, a folder of each trial's own.
        require: What the sizes of a trial's net must make true; one that does not is rejected.
        inputs: What has to be copied there first; None where every node sees them.
    """

    trials: Mapping[int, PlannedTrial]
    data: tuple[TrainDev, ...]
    objective: Objective
    milestones: frozenset[int] | None
    checkpoints: Files
    weights: Files
    stacks: Path
    programs: Path
    metrics: Mapping[str, MetricOptions] = field(default_factory=dict)
    recorded: Mapping[int, int] = field(default_factory=dict)
    timeout_s: float | None = None
    checkpoint_every: int = 1
    threads: int = 1
    kill_when_late: bool = False
    import_paths: tuple[str, ...] = ()
    code: Mapping[str, str] = field(default_factory=dict)
    require: tuple[str, ...] = ()
    inputs: BucketFiles | None = None
    last_epoch: int | None = None

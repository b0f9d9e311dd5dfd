"""What a runner is given: the work, who decides, who records, and what a trial may occupy."""

from __future__ import annotations

from dataclasses import dataclass

from sweeps.definition.exploring import Explorer
from sweeps.definition.sweep_file import Resources
from sweeps.execution.placement import Place
from sweeps.execution.work_order import WorkOrder
from sweeps.record.growing_plan import GrowingPlan
from sweeps.record.recorder import Recorder
from sweeps.schedulers.scheduler import Scheduler

__all__ = ["Job"]


@dataclass(frozen=True)
class Job:
    """One session of a sweep: the trials that have no outcome yet.

    A runner's contract: every trial of `indices` is trained by a TrialWorker and everything that
    happens goes to `recorder`, and so is every trial that `growing` plans meanwhile, when there is
    a place for it; it returns when all have an outcome or `recorder.should_stop()`, leaves nothing
    running, and raises nothing that a trial did.

    Attributes:
        scheduler: Told nothing yet; whoever runs the job tells it what the ledger has.
        growing: The plan, where trials are added to it; None where all are there.
        sweep: What people call it.
        explorer: Draws what copies try, where the scheduler has any; else None.
    """

    order: WorkOrder
    indices: tuple[int, ...]
    scheduler: Scheduler
    resources: Resources
    place: Place
    recorder: Recorder
    sweep: str
    growing: GrowingPlan | None = None
    explorer: Explorer | None = None

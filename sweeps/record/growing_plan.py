"""A plan that grows while its sweep runs: each proposal is in the ledger before its trial starts.

What a proposal saw is all that stands before it in the ledger, so that whoever has the ledger can
make it again: a resume goes on with what an unbroken session would have known, and `replay` checks
that a plan follows from its results.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

from sweeps.definition.planning import PlannedTrial, make_plan
from sweeps.definition.proposals import Proposal, Proposals
from sweeps.definition.sweep import Sweep
from sweeps.definition.trial_checks import completed
from sweeps.errors import RunFolderError
from sweeps.record.ledger import LedgerReader
from sweeps.record.recorder import Recorder
from sweeps.record.replay import replayed
from sweeps.record.run_folder import RunFolder
from sweeps.record.stops import StopReason
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord
from sweeps.search_methods.sampler import State, Told
from sweeps.search_spaces.space import Space

__all__ = ["GrowingPlan", "Proposer", "planned_again"]

_WHOLE = (Outcome.COMPLETED, Outcome.EARLY_STOPPED)


class Proposer:
    """Proposes the next trial of a record; a pure function of the record and the sweep."""

    def __init__(self, sweep: Sweep) -> None:
        self._proposals = Proposals(sweep)
        self._space = sweep.space
        self._values: list[tuple[float | None, ...]] = []

    def next(self, record: SweepRecord) -> Proposal | None:
        """Return the trial to come after those of the record; None where the space has no other."""
        for trial in record.trials[len(self._values) :]:
            self._values.append(_values(self._space, trial.trial))
        told = [
            _told(record, trial, values)
            for trial, values in zip(record.trials, self._values, strict=True)
        ]
        return self._proposals.next(record.hashes, told)


class GrowingPlan:
    """Adds trials to the plan of a running sweep, one when there is room for it."""

    def __init__(self, sweep: Sweep, recorder: Recorder) -> None:
        self._proposer = Proposer(sweep)
        self._recorder = recorder

    @property
    def to_come(self) -> int:
        """How many trials are still to be planned."""
        return self._recorder.record.to_come

    def grow(self) -> PlannedTrial | None:
        """Plan one more trial; None where there is no other, or the sweep must stop.

        What goes wrong here ends the session, not the process that asks.
        """
        recorder = self._recorder
        if not self.to_come or recorder.should_stop():
            return None
        try:
            found = self._proposer.next(recorder.record)
        except Exception as err:
            text = f"cannot propose trial {len(recorder.record.trials)}: {err!r}"
            recorder.end_with(RunFolderError(text), StopReason.OTHER, "no trial could be proposed")
            return None
        if found is None:
            recorder.write("exhausted", trials=len(recorder.record.trials))
            return None
        about = {"planned": found.trial.to_json(), "by": found.by, "saw": _seen(recorder.record)}
        return found.trial if recorder.write("proposed", **about) else None


def planned_again(
    folder: RunFolder, sweep: Sweep
) -> Iterator[tuple[PlannedTrial, PlannedTrial | None]]:
    """Yield each trial of a plan as it was written, and as it follows from what came before.

    Args:
        sweep: That of the folder's file.

    Raises:
        RunFolderError: The folder was damaged.
    """
    description, plan = folder.read_description(), folder.read_plan()
    yield from zip(plan, chain(make_plan(sweep), repeat(None)), strict=False)
    if not sweep.file.search.learns:
        return
    record = SweepRecord(plan, description.objective, description.id, description.trials)
    before = SweepRecord(plan, description.objective, description.id, description.trials)
    proposer = Proposer(sweep)
    for event in replayed(record, LedgerReader(folder.ledger)):
        if event["event"] == "proposed":
            found = proposer.next(before)
            yield record.trials[-1].trial, None if found is None else found.trial
        before.apply(event)


def _values(space: Space, trial: PlannedTrial) -> tuple[float | None, ...]:
    return tuple(space.values(trial.configuration, completed))


def _told(record: SweepRecord, trial: TrialRecord, values: tuple[float | None, ...]) -> Told:
    """Return what a sampler is told of a trial: how it ended, and by what it is ranked."""
    state, loss = _ending(record, trial)
    epoch = trial.epochs if state is State.PRUNED else 0
    others = _other_losses(record, trial) if state is State.COMPLETE else ()
    return Told(values, state, loss, epoch, trial.saw, trial.ended, others)


def _other_losses(record: SweepRecord, trial: TrialRecord) -> tuple[float, ...]:
    losses = [-one.sign * trial.value_of(one) for one in record.objective.others]
    return tuple(loss if math.isfinite(loss) else math.inf for loss in losses)


def _ending(record: SweepRecord, trial: TrialRecord) -> tuple[State, float]:
    value = record.value(trial)
    match trial.outcome:
        case None:
            return State.RUNNING, math.nan
        case Outcome.FAILED:
            return State.FAILED, math.nan
        case Outcome.DIVERGED:
            return State.WORST, math.nan
    if value is None:
        return State.WORST, math.nan
    loss = value if record.objective.mode == "min" else -value
    return (State.COMPLETE if trial.outcome in _WHOLE else State.PRUNED), loss


def _seen(record: SweepRecord) -> dict[str, Any]:
    """Return what a proposal saw, for people: the ledger before it has all of it."""
    ended = record.outcomes.total()
    return {"results": ended, "running": len(record.trials) - ended}

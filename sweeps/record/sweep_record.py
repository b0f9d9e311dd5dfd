"""What is known of each trial: the fold of the ledger's events.

The same fold serves the running sweep, a resume, the results and the tracker, so that they cannot
disagree on an outcome or on which epoch was best.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweeps.definition.lineage import Copy, copied_trial
from sweeps.definition.planning import PlannedTrial, configuration_hash
from sweeps.models.scoring.objective import Objective
from sweeps.record.outcomes import BROKEN, CUT_SHORT, Outcome
from sweeps.record.session_nodes import SessionNodes
from sweeps.record.steps import BestSoFar, Row, Step
from sweeps.record.stops import Stop, read_stop

__all__ = [
    "BROKEN",
    "CUT_SHORT",
    "Outcome",
    "Rank",
    "SweepRecord",
    "TrialRecord",
]

Rank = tuple[int, float, tuple[float, ...], float, int, int]


_OF_TRIALS = (
    "started", "report", "weights", "decision", "copied", "failure", "outcome", "reopened"
)  # fmt: skip


@dataclass
class TrialRecord:
    """All that is kept of a trial while a sweep runs; epoch rows stay in the ledger.

    Attributes:
        trial: As it was planned; in a population, as it has become by what it copied.
        planned: As it was planned.
        copies: What it copied, of the trials of its population, first to last.
        worked_s: For how long sessions had run when it ended: the time between them does not count.
        epochs: Epochs recorded so far.
        best: The row of the best epoch, or None while no objective value was finite; the best
            since the last of the configuration's changes, as another net was trained before.
        weights_sum: The checksum of the file of its weights; empty where none was noted.
        sizes: Of its net, by `SIZES`; empty before its first report, and of user-defined training.
        decided: The epoch of the scheduler's last recorded decision.
        failures: One text per failed attempt.
        error: The last attempt's error, in one line, where the trial ended by it.
        node_faults: How many of these were a node's: it was lost, or cannot train.
        is_running: Whether a worker of this session took it up, and it has not ended or paused.
        saw: How many outcomes there were when it was proposed; None where it was planned before.
        ended: Which outcome of the sweep its own is, from 1 on; 0 while it has none.
    """

    trial: PlannedTrial
    outcome: Outcome | None = None
    reason: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    worked_s: float | None = None
    epochs: int = 0
    train_s: float = 0.0
    best: dict[str, float] | None = None
    weights_sum: str = ""
    last: dict[str, float] = field(default_factory=dict)
    sizes: Mapping[str, float] = field(default_factory=dict)
    decided: int = 0
    failures: list[str] = field(default_factory=list)
    node_faults: int = 0
    error: str = ""
    is_running: bool = False
    copies: list[Copy] = field(default_factory=list)
    saw: int | None = None
    ended: int = 0
    planned: PlannedTrial = field(init=False)

    def __post_init__(self) -> None:
        """Keep what the trial begins as."""
        self.planned = self.trial

    @property
    def best_epoch(self) -> int | None:
        """The earliest epoch with the best objective."""
        return None if self.best is None else int(self.best["epoch"])

    def value_of(self, objective: Objective) -> float:
        """Return a metric at the best epoch, or a size of the net; NaN where it has none."""
        found = {**self.sizes, **(self.best or {})}.get(objective.metric)
        return math.nan if found is None else found


class SweepRecord:
    """The state of a sweep: what its plan says, and what the ledger adds.

    Attributes:
        trials: Those that are planned so far, in the order of the plan.
        wanted: How many there are to be in all; more than are planned where a plan grows.
        is_exhausted: Whether the space has no configuration that is not in the plan.
        bests: One for each outcome, in order; a trial that was retried has several.
        hashes: Those of the configurations that are planned.
        nodes: Those of the last session, and what is to be said of them.
        preprocessing_sum: The checksum of preprocessing.json; empty where none was noted.
        finals: What was written to final.json, each time that a final chose, oldest first.
        tests: The lines of openings.jsonl.
        code: The digests of the user's files that trials are trained with, by their paths; None
            where no session noted them.
        accepted: What of them a person went on with although it had changed, in words.
    """

    def __init__(
        self,
        plan: Sequence[PlannedTrial],
        objective: Objective,
        identity: str = "",
        wanted: int | None = None,
    ) -> None:
        """Begin with nothing but a plan.

        Args:
            identity: The sweep's id; sessions of another are refused. Empty takes any.
            wanted: How many trials there are to be in all; None takes those of the plan.
        """
        self.objective = objective
        self.identity = identity
        self.preprocessing_sum = ""
        self.finals: list[dict[str, Any]] = []
        self.tests: list[dict[str, Any]] = []
        self.code: dict[str, str] | None = None
        self.accepted: list[str] = []
        self.trials = [TrialRecord(trial) for trial in plan]
        self.wanted = max(len(plan), wanted or 0)
        self.is_exhausted = False
        self.hashes = {trial.hash for trial in plan}
        self.outcomes: Counter[Outcome] = Counter()
        self.steps: list[Step] = []
        self.bests: list[BestSoFar] = []
        self.best: TrialRecord | None = None
        self.stopped: Stop | None = None
        self.nodes = SessionNodes()
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.active_s = 0.0
        self.session_from = self._last_t = 0.0

    @classmethod
    def of(
        cls, plan: Sequence[PlannedTrial], objective: Objective, events: Iterable[Mapping[str, Any]]
    ) -> SweepRecord:
        """Return the fold of `events` over `plan`."""
        record = cls(plan, objective)
        for event in events:
            record.apply(event)
        return record

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event into account; events of unknown kinds are left to newer versions.

        Raises:
            ValueError, KeyError, TypeError: It cannot follow those before it.
        """
        if event["event"] == "session" and self._is_in_session:
            self.active_s += max(0.0, self._last_t - self.session_from)  # it was killed
        self._last_t = event.get("t", self._last_t)
        self.nodes = self.nodes.after(event)
        if "trial" in event or event["event"] in _OF_TRIALS:
            self._apply_to_trial(self._trial(event["trial"]), event)
        elif event["event"] == "session":
            self._begin_session(event)
        elif event["event"] == "proposed":
            self._grow(PlannedTrial.from_json(event["planned"]))
        elif event["event"] == "preprocessing":
            self.preprocessing_sum = event["digest"]
        elif event["event"] == "final":
            self.finals.append(event["choice"])
        elif event["event"] == "test":
            self.tests.append(event["line"])
        elif event["event"] == "exhausted":
            self.wanted, self.is_exhausted = len(self.trials), True
        elif event["event"] == "end":
            self.stopped, self.ended_at = read_stop(event), event["t"]
            # A clock may be put back while a session runs.
            self.active_s += max(0.0, event["t"] - self.session_from)
            self._stop_all()

    def _begin_session(self, event: Mapping[str, Any]) -> None:
        if self.identity and event.get("sweep", self.identity) != self.identity:
            raise ValueError("it is a session of another sweep")
        if event["trials"] > len(self.trials):
            raise ValueError(
                f"it has {event['trials']} planned trials, and sweep.json has {len(self.trials)}"
            )
        self.code = event.get("code", self.code)
        self.accepted += event.get("accepted", [])
        self.started_at = self.started_at or event["t"]
        self.session_from, self.stopped, self.ended_at = event["t"], None, None
        self._stop_all()  # a killed session has no end
        self.steps.append(Step("plan", event["trials"]))

    def _grow(self, trial: PlannedTrial) -> None:
        if trial.index != len(self.trials):
            raise ValueError(f"trial {len(self.trials)} must be proposed next, got {trial.index}")
        if trial.hash != configuration_hash(trial.configuration):
            raise ValueError("the configuration does not match its hash")
        if len(self.trials) >= self.wanted:
            raise ValueError(f"the sweep has no more than {self.wanted} trials")
        self.trials.append(TrialRecord(trial, saw=len(self.bests)))
        self.hashes.add(trial.hash)
        self.steps.append(Step("plan", len(self.trials)))

    def _trial(self, index: object) -> TrialRecord:
        if type(index) is not int or not 0 <= index < len(self.trials):
            raise ValueError(f"trial {index!r} is not in the plan of {len(self.trials)} trials")
        return self.trials[index]

    @property
    def _is_in_session(self) -> bool:
        return self.started_at is not None and self.ended_at is None

    @property
    def progress(self) -> str:
        """How many trials have ended, as in `17 of 20 trials ended`."""
        return f"{self.outcomes.total()} of {self.wanted} trials ended"

    @property
    def counts(self) -> str:
        """How trials have ended, as in `17 completed, 2 early stopped`; empty where none has."""
        return ", ".join(f"{n} {one.words}" for one, n in sorted(self.outcomes.items()) if n)

    @property
    def is_finished(self) -> bool:
        """Whether every trial has its outcome and the results of the last session are written."""
        return not self.is_open and self.ended_at is not None

    @property
    def is_open(self) -> bool:
        """Whether a trial is without an outcome, or still to be planned."""
        return self.to_come > 0 or any(record.outcome is None for record in self.trials)

    @property
    def has_only_failed(self) -> bool:
        """Whether trials have ended, and each of them by failing, whatever it had reached."""
        return 0 < self.outcomes.total() == self.outcomes[Outcome.FAILED]

    @property
    def to_come(self) -> int:
        """How many trials are still to be planned."""
        return self.wanted - len(self.trials)

    @property
    def unfinished(self) -> list[TrialRecord]:
        """Planned trials without an outcome, in plan order."""
        return [record for record in self.trials if record.outcome is None]

    def ranked(self) -> list[TrialRecord]:
        """Return trials with a best value, best first, by `rank`."""
        return sorted((one for one in self.trials if one.best is not None), key=self.rank)

    def rank(self, record: TrialRecord) -> Rank:
        """Return what a trial is ranked by: its objectives, its dev loss, and then chance.

        One that failed comes last, whatever it had reached: how much of that was reported before
        its error hangs on the clock, and nobody could train it to its end again.
        Of several objectives it must have each: one that has no value of some can stand on no
        front, and comes behind all that can. Many trials share an accuracy on few rows. Where there
        are other objectives they come next: else the first of all could stand on no front. In plan
        order the first axis of a grid would decide; the trial's own seed, which the sweep's seed
        gives, favours nobody.
        """
        others = tuple(
            one.sort_key(None if math.isnan(value := record.value_of(one)) else value)
            for one in self.objective.others
        )
        loss = (record.best or {}).get("dev_loss", math.inf)
        loss = loss if math.isfinite(loss) else math.inf
        group = 2 if record.outcome is Outcome.FAILED else int(self._lacks_an_objective(record))
        return group, self._key(record), others, loss, record.planned.seed, record.planned.index

    def _lacks_an_objective(self, record: TrialRecord) -> bool:
        return any(math.isnan(record.value_of(one)) for one in self.objective.others)

    def value(self, record: TrialRecord) -> float | None:
        """Return the objective at the trial's best epoch."""
        return None if record.best is None else record.best[self.objective.metric]

    def _key(self, record: TrialRecord) -> float:
        return self.objective.sort_key(self.value(record))

    def _apply_to_trial(self, record: TrialRecord, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "started":
            record.started_at = record.started_at or event["t"]
            record.is_running = True
        elif kind == "report":
            record.sizes = event.get("sizes", record.sizes)
            self._take_rows(record, event["epochs"], event.get("outcome"))
            _take_weights(record, event.get("weights"))
        elif kind == "weights":
            _take_weights(record, event["weights"])
        elif kind == "decision":
            record.decided = event["epoch"]
            record.is_running = record.is_running and event["action"] != "PAUSE"
        elif kind == "copied":
            self._copy(record, Copy(event["epoch"], event["source"], event["values"]))
        elif kind == "failure":
            record.failures.append(event["error"])
            record.node_faults += bool(event.get("of_node"))
        elif kind == "outcome":
            if record.outcome is not None:
                raise ValueError(
                    f"trial {record.trial.index} must end once: it was {record.outcome}"
                )
            record.outcome, record.reason = Outcome(event["outcome"]), event["reason"]
            record.error = event.get("error", "")
            record.is_running = False
            record.sizes = event.get("sizes", record.sizes)
            # A sweep may be resumed on a machine whose clock is behind.
            record.ended_at = max(event["t"], record.started_at or 0.0)
            record.worked_s = self.active_s + max(0.0, event["t"] - self.session_from)
            self.outcomes[record.outcome] += 1
            if record.outcome is Outcome.FAILED and self.best is record:
                self.best = self.ranked()[0]
            self.steps.append(Step("outcome", record.trial.index))
            self.bests.append(BestSoFar(event["t"], None if self.best is None else self.best.best))
            record.ended = len(self.bests)
        elif kind == "reopened" and record.outcome is not None:
            self.outcomes[record.outcome] -= 1
            record.outcome, record.reason, record.ended_at = None, "", None
            record.error = ""
            record.ended = 0
            record.failures.clear()
            record.node_faults = 0
            self._take_best(record)
            self.steps.append(Step("reopened", record.trial.index))

    def _copy(self, record: TrialRecord, copy: Copy) -> None:
        source = self._trial(copy.source)
        if copy.epoch != record.epochs or source is record:
            raise ValueError(
                f"trial {record.trial.index} cannot copy trial {copy.source} at epoch "
                f"{copy.epoch}: it has {record.epochs} epochs"
            )
        record.trial = copied_trial(record.trial, source.trial, copy)
        record.copies.append(copy)
        self._begin_best_anew(record)

    def _begin_best_anew(self, record: TrialRecord) -> None:
        record.best, record.weights_sum = None, ""
        if self.best is record:
            self.best = next(iter(self.ranked()), None)

    def _stop_all(self) -> None:
        for record in self.trials:
            record.is_running = False

    def _take_rows(self, record: TrialRecord, rows: Sequence[Row], outcome: str | None) -> None:
        changes = record.trial.configuration.get("changes", ())
        changed_at = {change["from_epoch"] for change in changes}
        for row in rows:
            if row["epoch"] != record.epochs + 1:
                raise ValueError(
                    f"epoch {record.epochs + 1} of trial {record.trial.index} must come next, got "
                    f"{row['epoch']!r}"
                )
            record.epochs = int(row["epoch"])
            if record.epochs in changed_at:
                self._begin_best_anew(record)
            record.train_s += row.get("epoch_s", 0.0)
            record.last = dict(row)
            # The epoch in which a trial diverged is never its best, whatever the objective says.
            is_sound = row is not rows[-1] or outcome != Outcome.DIVERGED
            if is_sound and self.objective.better(row[self.objective.metric], self.value(record)):
                record.best, record.weights_sum = record.last, ""
        if rows:
            kind = "report" if outcome is None else "last_report"
            value = record.last[self.objective.metric]
            best = self.value(record)
            self.steps.append(Step(kind, record.trial.index, record.epochs, value, best))
        self._take_best(record)

    def _take_best(self, record: TrialRecord) -> None:
        if record.best is None:
            return
        # Its new best epoch may lack what the one before had.
        if self.best is record and self._lacks_an_objective(record):
            self.best = self.ranked()[0]
        elif self.best is None or self.rank(record) < self.rank(self.best):
            self.best = record


def _take_weights(record: TrialRecord, weights: Mapping[str, Any] | None) -> None:
    if weights is not None and weights["epoch"] == record.best_epoch:
        record.weights_sum = weights["digest"]

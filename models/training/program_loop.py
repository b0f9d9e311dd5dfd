"""A program behind the contract of a net in training: see `sweeps.models.training.learner`.

It runs on by itself, and is read: an epoch is trained when its line has come. A trial that was
stopped starts it again in the same folder, where it goes on from what it saved itself, or begins
anew; what was reported before is known from the lines of the runs before.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sweeps.models.errors import OwnTrainingError
from sweeps.models.own_code.guards import described
from sweeps.models.process.child_program import ProgramEnd
from sweeps.models.program_configuration import ProgramTraining
from sweeps.models.scoring.objective import Objective
from sweeps.models.training.declared_metrics import DeclaredMetrics
from sweeps.models.training.kept_state import refused
from sweeps.models.training.net_training import NetEpoch
from sweeps.models.training.own_loop import NoSchedule
from sweeps.models.training.program_run import (
    ProgramPlace,
    ProgramRun,
    StopAskedError,
    how_ended,
)
from sweeps.models.training.reported_rows import read_line, shown

__all__ = ["ProgramLoop"]

_KEY = ("training", "command")
# Between two looks at the file: short at first, for programs that report within milliseconds.
_SHORTEST_LOOK_S, _LONGEST_LOOK_S = 0.005, 0.1
_REPORT_HINT = "Append one line of JSON per epoch to the file that SWEEPS_METRICS names"

Row = dict[str, float]


class ProgramLoop:
    """One trial's program, from its start to the line of its last epoch."""

    def __init__(
        self, training: ProgramTraining, objective: Objective, seed: int, place: ProgramPlace
    ) -> None:
        """Starts nothing: the first epoch does."""
        self._training, self._seed, self._place = training, seed, place
        self._metrics = DeclaredMetrics(objective, _KEY)
        self._started: ProgramRun | None = None
        self._known: dict[int, Row] = {}  # of runs before
        self._rows: dict[int, Row] = {}  # of this run
        self._since_s = 0.0
        self.schedule = NoSchedule()

    def train_epoch(self, epoch: int) -> NetEpoch:
        """Wait for what the program reports of an epoch, counted from 0.

        Raises:
            OwnTrainingError: it cannot be started, ended before, or reports something else than
                the sweep file declares.
            FolderError: the trial's folder cannot be written.
            StopAskedError: it need not report it any more.
        """
        run = self._started or self._start()
        row = self._row(run, epoch + 1)
        self._metrics.check_epoch(row, epoch + 1, "every line")
        if epoch + 1 == self._training.epochs:
            self._let_end(run)
        now_s = time.monotonic()
        since_s, self._since_s = now_s - self._since_s, now_s
        return NetEpoch({**row, "epoch_s": since_s}, "")

    def _start(self) -> ProgramRun:
        self._since_s = time.monotonic()
        try:
            run = self._started = ProgramRun(self._training, self._seed, self._place)
        except OSError as err:
            raise OwnTrainingError(f"cannot start the program: {err}", key=_KEY) from err
        for line in run.reported.earlier:
            self._learn(run, line)
        return run

    def _learn(self, run: ProgramRun, line: bytes) -> None:
        """Take up a row of an earlier run; what was wrong there is not said again."""
        try:
            epoch, row = self._read(run, line)
        except OwnTrainingError:
            return
        if epoch == len(self._known) + 1:
            self._known[epoch] = row

    def _read(self, run: ProgramRun, line: bytes) -> tuple[int, Row]:
        """Return the epoch of a line, and its metrics under the names of a row."""
        try:
            epoch, metrics = read_line(line)
        except ValueError as err:
            raise refused(f"a line of {run.metrics} {err}", "", _KEY) from err
        parts: dict[str, dict[str, Any]] = {"train": {}, "dev": {}}
        for name, value in metrics.items():
            part, _, rest = name.partition("_")
            has_part = part in parts and name not in self._metrics.names
            own, short = (part, rest) if has_part else ("dev", name)
            if short in parts[own]:
                rule = f"epoch {epoch} reports {short} as {short!r} and as '{own}_{short}'"
                raise refused(rule, "Report it once", _KEY)
            parts[own][short] = value
        row: Row = {}
        for part, values in parts.items():
            row |= self._metrics.measured(part, values, f"epoch {epoch}")
        return epoch, row

    def _row(self, run: ProgramRun, epoch: int) -> Row:
        """Return what is reported of an epoch, from 1, when it is."""
        look_s = _SHORTEST_LOOK_S
        while epoch not in self._rows:
            if self._rows and epoch < min(self._rows):
                return self._known[epoch]  # the program went on from what it had saved
            if self._takes_line(run):
                continue
            end = run.wait(look_s)
            if end is not None and not self._takes_last_line(run):
                return self._row_at_end(run, epoch, end)
            self._refuse_late(run)
            if self._place.should_stop():
                raise StopAskedError
            look_s = min(2 * look_s, _LONGEST_LOOK_S)
        return self._rows[epoch]

    def _takes_line(self, run: ProgramRun) -> bool:
        """Take up a row that has come; returns whether there was one."""
        try:
            line = run.reported.next_line()
        except OSError as err:
            rule = f"the file that it reports to must not be changed or deleted: {described(err)}"
            raise OwnTrainingError(rule, key=_KEY, hint=_REPORT_HINT) from err
        if line is None:
            return False
        epoch, row = self._read(run, line)
        self._check_order(run, epoch)
        self._rows[epoch] = self._same(epoch, row)
        return True

    def _takes_last_line(self, run: ProgramRun) -> bool:
        """Take up what came just before the program's end."""
        if self._takes_line(run):
            return True
        run.reported.close_line()
        return self._takes_line(run)

    def _check_order(self, run: ProgramRun, epoch: int) -> None:
        last = max(self._rows, default=0)
        if epoch in self._rows:
            raise refused(f"must report each epoch once; epoch {epoch} came twice", "", _KEY)
        if last and epoch != last + 1:
            raise refused(f"must report every epoch; {epoch} came after {last}", "", _KEY)
        if last or epoch <= len(self._known) + 1:
            return
        if not self._known:
            raise refused(f"must report every epoch from 1; it began with {epoch}", "", _KEY)
        run.forget_saved()
        raise OwnTrainingError(
            f"the program was stopped and continued with epoch {epoch}, though it had reported "
            f"{len(self._known)}: its checkpoints were deleted, so that it starts over",
            key=_KEY,
            hint="Report an epoch before saving its checkpoint",
        )

    def _same(self, epoch: int, row: Row) -> Row:
        """Return the row that counts of an epoch that may have been reported before."""
        known = self._known.get(epoch, row)
        differing = [name for name in known if repr(known[name]) != repr(row.get(name))]
        if self._training.repeated_epochs == "keep_first" or not differing:
            return known
        name = differing[0]
        raise refused(
            f"the program was stopped and started over, and must report the same numbers again; in "
            f"epoch {epoch}, {name} was {known[name]!r} and is {row.get(name)!r}",
            "Use the seed, {seed}; or continue from {checkpoints}; or write `repeated_epochs: "
            "keep_first`",
            _KEY,
        )

    def _row_at_end(self, run: ProgramRun, epoch: int, end: ProgramEnd) -> Row:
        """Return an epoch that an earlier run has reported, where the program found no more to do.

        Raises:
            OwnTrainingError: that is not why it has ended.
        """
        self._refuse_failed(run, end)
        if not self._rows and epoch in self._known:
            return self._known[epoch]
        if run.reported.half:
            half = shown(run.reported.half)
            raise refused(f"the program ended in the middle of a line of metrics: {half}", "", _KEY)
        if run.reported.is_written_over:
            rule = "the program overwrote the metrics that it had reported"
            raise refused(rule, "Append to the file: open(..., 'a')", _KEY)
        rule = f"the program ended after {epoch - 1} of {self._training.epochs} epochs"
        last = run.printed().rpartition("\n")[2]
        hint = f"{_REPORT_HINT}, and use early_stopping to stop early. It printed: {run.log}"
        raise refused(f"{rule} ({last})" if last else rule, hint, _KEY)

    def _refuse_failed(self, run: ProgramRun, end: ProgramEnd) -> None:
        if end.error:
            raise refused(f"cannot start the program: {end.error}", "", _KEY)
        if not end.code:
            return
        how = how_ended(end.code) + ("," if end.code < 0 else "")
        done = max(self._rows, default=0)
        rule = f"the program ended with {how} after {done} of {self._training.epochs} epochs"
        last = run.printed().rpartition("\n")[2]
        rule = f"{rule}: {last}" if last else rule
        raise OwnTrainingError(rule, key=_KEY, hint=run.printed_hint())

    def _let_end(self, run: ProgramRun) -> None:
        """Give the program, all of whose epochs are there, time for what it does at its end."""
        deadline_s = time.monotonic() + self._training.grace_s
        while time.monotonic() < deadline_s and run.reported.next_line() is None:
            end = run.wait(_LONGEST_LOOK_S)
            if end is not None:
                self._refuse_failed(run, end)
                return

    def _refuse_late(self, run: ProgramRun) -> None:
        if run.is_late:
            limit = f"trial.timeout_s = {self._place.timeout_s:g} s"
            done = f"{max(self._rows, default=0)} of {self._training.epochs} epochs were reported"
            raise refused(f"the program ran for more than {limit}, and {done}", "", _KEY)

    def close(self) -> None:
        """End the program, if it runs."""
        if self._started is not None:
            self._started.stop()

    def change(self, config: Any) -> None:
        """Never called: options of a program stay as they are."""
        raise AssertionError("a program's configuration takes no changes")

    def evaluate_again(self) -> None:
        """Do nothing: a program measures itself."""

    def keep_weights(self) -> None:
        """Do nothing: what a program saves is in its own folder."""

    def forget_weights(self) -> None:
        """Do nothing, see `keep_weights`."""

    @property
    def kept_weights(self) -> dict[str, Tensor]:
        """None that are known here."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """None: the lines that the program has reported are all that a start of it needs."""
        return {}

    def restore(self, named: Mapping[str, Tensor]) -> None:
        """Do nothing, see `tensors`."""

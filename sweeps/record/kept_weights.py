"""Which weights stay on disk: each trial's at its best epoch, of the best trials and all that run.

A worker writes a file before the report that it belongs to, and a report may never be taken: a kill
or the end of a budget comes between. So a file is named by its epoch, and the ledger's best epoch
says which file counts; the others are deleted.
"""

from __future__ import annotations

import re
from bisect import insort
from contextlib import suppress
from pathlib import Path

from sweeps.record.outcomes import Outcome
from sweeps.record.sweep_record import Rank, SweepRecord, TrialRecord
from sweeps.storage.files import Files

__all__ = ["KeptWeights", "best_weights", "checkpoint_name", "weights_name"]

_NAME = re.compile(r"(\d{6,})-(\d{4,})\.safetensors")


def checkpoint_name(trial: int) -> str:
    """Return the name of the file that a trial continues from."""
    return f"{trial:06d}.pt"


def weights_name(trial: int, epoch: int) -> str:
    """Return the name of the file of a trial's weights after an epoch."""
    return f"{trial:06d}-{epoch:04d}.safetensors"


def best_weights(weights: Path, trial: TrialRecord) -> Path:
    """Return the file of a trial's weights at its best epoch, of which it has one."""
    return weights / _best_name(trial)


def _best_name(trial: TrialRecord) -> str:
    assert trial.best_epoch is not None, "a trial that was ranked has a best epoch"
    return weights_name(trial.trial.index, trial.best_epoch)


class KeptWeights:
    """Deletes weights that are of no trial's best epoch, or of an ended trial beyond the best.

    Those of a trial that failed stay: it ranks last, and may rise again where it is tried again.
    Nothing that is deleted here would be wanted later: a trial's best only gets better, so that
    those before it in the ranking stay there. Where a failed trial is tried again and gets better,
    its worker writes new weights, and so does one that goes on from a checkpoint whose report was
    lost.
    """

    def __init__(
        self, files: Files, record: SweepRecord, limit: int | None, is_eager: bool = True
    ) -> None:
        """Take up what is in `files`.

        Args:
            limit: Trials whose weights are kept; None keeps all.
            is_eager: Delete at once, and not only when `tidy` is called.
        """
        self.files = files
        self._is_eager = is_eager
        self._record = record
        self._limit = limit
        self._best = self._ranking()[:limit]
        self.tidy()

    def tidy(self) -> None:
        """Delete what a kill, or a report that came after the stop, left behind.

        No worker may write meanwhile.
        """
        with suppress(OSError):  # a store that is away: another time
            self.files.delete(*self.garbage(is_running=False))

    def garbage(self, is_running: bool) -> list[str]:
        """Return the names of files that nobody needs; raises OSError.

        Args:
            is_running: Workers write: what no report counts yet is needed.
        """
        names = self.files.names()
        # Taken down once, and after the names: a trial may end meanwhile.
        trials = self._record.trials
        ranking = [index for *_, index in self._ranking()]
        dropped = set() if self._limit is None else set(ranking[self._limit :])
        running = {one.trial.index for one in trials if one.outcome is None or not one.best}
        coming = running if is_running else set()
        found = {name: match for name in names if (match := _NAME.fullmatch(name))}
        return [
            name
            for name, match in found.items()
            if not self._is_wanted(int(match[1]), int(match[2]), dropped, coming)
        ]

    def improved(self, trial: TrialRecord, before: int | None) -> None:
        """Delete the weights of the epoch that was a trial's best before, if it no longer is."""
        if self._is_eager and before is not None and before != trial.best_epoch:
            self.files.delete(weights_name(trial.trial.index, before))

    def ended(self, trial: TrialRecord) -> None:
        """Take an ended trial into account, and delete the weights of the one too many."""
        if self._limit is None or trial.best is None or trial.outcome is Outcome.FAILED:
            return
        place = self._record.rank(trial)
        self._best = [one for one in self._best if one[-1] != place[-1]]  # it may have ended before
        insort(self._best, place)
        for *_, index in self._best[self._limit :]:
            if self._is_eager:
                self.files.delete(_best_name(self._record.trials[index]))
        del self._best[self._limit :]

    def _ranking(self) -> list[Rank]:
        """Return the place of each trial that has ended with a best and did not fail."""
        record = self._record
        over = (one for one in record.trials if one.outcome not in (None, Outcome.FAILED))
        return sorted(record.rank(one) for one in over if one.best)

    def _is_wanted(self, index: int, epoch: int, dropped: set[int], coming: set[int]) -> bool:
        if index in dropped or index >= len(self._record.trials):
            return False
        best = self._record.trials[index].best_epoch
        return epoch == best or (index in coming and epoch > (best or 0))

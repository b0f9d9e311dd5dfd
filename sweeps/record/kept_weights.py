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

from sweeps.record.records import SweepRecord, TrialRecord

__all__ = ["KeptWeights", "best_weights", "delete", "weights_path"]

_NAME = re.compile(r"(\d{6,})-(\d{4,})")


def weights_path(weights: Path, trial: int, epoch: int) -> Path:
    """Return the file of a trial's weights after an epoch, in the folder `weights`."""
    return weights / f"{trial:06d}-{epoch:04d}.safetensors"


def best_weights(weights: Path, trial: TrialRecord) -> Path:
    """Return the file of a trial's weights at its best epoch, of which it has one."""
    assert trial.best_epoch is not None, "a trial that was ranked has a best epoch"
    return weights_path(weights, trial.trial.index, trial.best_epoch)


def delete(path: Path) -> None:
    """Delete a file that nobody needs; one that cannot be deleted stops nothing."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


class KeptWeights:
    """Deletes weights that are of no trial's best epoch, or of an ended trial beyond the best.

    Nothing that is deleted here would be wanted later: a trial's best only gets better, so that
    those before it in the ranking stay there. Where a failed trial is tried again and gets better,
    its worker writes new weights, and so does one that goes on from a checkpoint whose report was
    lost.
    """

    def __init__(self, folder: Path, record: SweepRecord, limit: int | None) -> None:
        """Take up what is in `folder`.

        Args:
            limit: Trials whose weights are kept; None keeps all.
        """
        self._folder = folder
        self._record = record
        self._goal = record.goal
        self._limit = limit
        ended = [one for one in record.trials if one.outcome is not None and one.best is not None]
        self._best = sorted(self._place(one) for one in ended)
        if limit is not None:
            del self._best[limit:]
        self.tidy()

    def tidy(self) -> None:
        """Delete what a kill, or a report that came after the stop, left behind."""
        kept = {index for _, index in self._best}
        for path in self._folder.glob("*.safetensors"):
            found = _NAME.fullmatch(path.stem)
            if found is not None and not self._is_wanted(int(found[1]), int(found[2]), kept):
                delete(path)

    def improved(self, trial: TrialRecord, before: int | None) -> None:
        """Delete the weights of the epoch that was a trial's best before, if it no longer is."""
        if before is not None and before != trial.best_epoch:
            delete(weights_path(self._folder, trial.trial.index, before))

    def ended(self, trial: TrialRecord) -> None:
        """Take an ended trial into account, and delete the weights of the one too many."""
        if self._limit is None or trial.best is None:
            return
        place = self._place(trial)
        self._best = [one for one in self._best if one[1] != place[1]]  # it may have ended before
        insort(self._best, place)
        for _, index in self._best[self._limit :]:
            delete(best_weights(self._folder, self._record.trials[index]))
        del self._best[self._limit :]

    def _is_wanted(self, index: int, epoch: int, kept: set[int]) -> bool:
        if index >= len(self._record.trials):
            return False
        trial = self._record.trials[index]
        is_among_best = self._limit is None or trial.outcome is None or index in kept
        return trial.best_epoch == epoch and is_among_best

    def _place(self, trial: TrialRecord) -> tuple[float, int]:
        assert trial.best is not None
        return self._goal.sort_key(trial.best[self._goal.metric]), trial.trial.index

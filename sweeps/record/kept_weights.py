"""Which trials' weights stay on disk: those of the best, and of all that still run."""

from __future__ import annotations

from bisect import insort
from contextlib import suppress
from pathlib import Path

from sweeps.record.records import SweepRecord, TrialRecord

__all__ = ["KeptWeights", "delete"]


def delete(path: Path) -> None:
    """Delete a file that nobody needs; one that cannot be deleted stops nothing."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


class KeptWeights:
    """Deletes the weights of trials that have ended and are not among the best.

    Nothing that is deleted here would be wanted later: a trial's best only gets better, so that
    those before it in the ranking stay there. Where a failed trial is tried again and gets better,
    its worker writes new weights.
    """

    def __init__(self, folder: Path, record: SweepRecord, limit: int | None) -> None:
        """Take up what is in `folder`: a kill may have come between an outcome and a deletion.

        Args:
            limit: Trials whose weights are kept; None keeps all.
        """
        self._folder = folder
        self._goal = record.goal
        self._limit = limit
        ended = [one for one in record.trials if one.outcome is not None and one.best is not None]
        self._best = sorted(self._place(one) for one in ended)
        if limit is None:
            return
        beyond = {index for _, index in self._best[limit:]}
        del self._best[limit:]
        for path in folder.glob("*.safetensors"):
            if path.stem.isdecimal() and int(path.stem) in beyond:
                delete(path)

    def ended(self, trial: TrialRecord) -> None:
        """Take an ended trial into account, and delete the weights of the one too many."""
        if self._limit is None or trial.best is None:
            return
        place = self._place(trial)
        self._best = [one for one in self._best if one[1] != place[1]]  # it may have ended before
        insort(self._best, place)
        for _, index in self._best[self._limit :]:
            delete(self._folder / f"{index:06d}.safetensors")
        del self._best[self._limit :]

    def _place(self, trial: TrialRecord) -> tuple[float, int]:
        assert trial.best is not None
        return self._goal.sort_key(trial.best[self._goal.metric]), trial.trial.index

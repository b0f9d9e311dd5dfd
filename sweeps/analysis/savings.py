"""What early stopping saved, and how the trials of a sweep ended."""

from __future__ import annotations

from dataclasses import dataclass

from sweeps.analysis.evidence import Evidence
from sweeps.record.sweep_record import BROKEN, Outcome

__all__ = ["NOT_SAVED", "Savings", "savings"]

# What trials of these outcomes did not run is nothing that early stopping saved.
NOT_SAVED = (*BROKEN, Outcome.STOPPED_BY_HAND, Outcome.REJECTED)


@dataclass(frozen=True)
class Savings:
    """Epochs that were run of those that were planned.

    Attributes:
        trials: Ended trials by outcome.
        run: Epochs run by trials of each outcome.
        planned: Epochs that those trials would have run to their end.
        seconds: What the epochs that were not run would have taken, at each trial's own pace.
        sentence: That in words.
    """

    trials: dict[str, int]
    run: dict[str, int]
    planned: dict[str, int]
    seconds: float
    sentence: str

    @property
    def stopped(self) -> int:
        """How many trials stopped early: pruned, or without patience left."""
        return self.trials[Outcome.PRUNED] + self.trials[Outcome.EARLY_STOPPED]


def savings(evidence: Evidence) -> Savings:
    """Return what was saved by pruning and early stopping.

    Epochs that trials did not run which failed, diverged, were rejected or stopped by hand are
    not saved.
    """
    trials, run, planned = (dict.fromkeys(map(str, Outcome), 0) for _ in range(3))
    seconds = 0.0
    for trial in evidence.trials:
        if trial.outcome is None:
            continue
        wanted = trial.trial.config.training.epochs
        name = str(trial.outcome)
        trials[name] += 1
        run[name] += trial.epochs
        planned[name] += wanted
        if trial.epochs and trial.outcome not in NOT_SAVED:
            seconds += trial.train_s / trial.epochs * (wanted - trial.epochs)
    all_run, all_planned = (
        sum(count for name, count in counts.items() if name not in NOT_SAVED)
        for counts in (run, planned)
    )
    share = 1 - all_run / all_planned if all_planned else 0.0
    sentence = (
        f"{all_run:,} of {all_planned:,} planned epochs were run: {share:.0%} saved, about "
        f"{_duration(seconds)} of one worker's time."
    )
    lost = [f"{trials[name]} {name}".replace("_", " ") for name in NOT_SAVED if trials[name]]
    if lost:
        sentence += f" (Left out: {', '.join(lost)}.)"
    return Savings(trials, run, planned, seconds, sentence)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"

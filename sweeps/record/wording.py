"""What people read of a sweep's results: one sentence each, for terminal, report and MLflow."""

from __future__ import annotations

from collections.abc import Sequence

from sweeps.record.final import FinalChoice
from sweeps.record.records import SweepRecord
from sweeps.record.stages import Audited

__all__ = ["audit_sentence", "newer_candidates", "no_winner_words", "noise_sentence"]


def no_winner_words(record: SweepRecord) -> str:
    """Return why there is no winner."""
    if record.outcomes.total():
        return "No trial has a finite objective: there is no winner."
    return "No trial has reported anything yet: there is no winner."


def noise_sentence(choice: FinalChoice) -> str:
    """Return whether seeds alone could explain the order of the first two."""
    if len(choice.candidates) < 2:
        return "It was the only candidate."
    second = choice.candidates[1].trial
    if choice.p_value is None:
        return f"Too few of its repeats, or of trial {second}'s, have a value to test its lead."
    test = f"Welch's test: p = {choice.p_value:.2g}"
    if choice.within_noise:
        return f"Its lead over trial {second} is within the noise of seeds ({test})."
    return f"Its lead over trial {second} is more than the noise of seeds ({test})."


def newer_candidates(choice: FinalChoice, record: SweepRecord) -> str:
    """Return which of the search's best were not there when the final chose; empty for none."""
    known = {one.trial for one in choice.candidates}
    best = [one.trial.index for one in record.ranked()[: len(known)]]
    newer = [str(trial) for trial in best if trial not in known]
    if not newer:
        return ""
    s = "" if len(newer) == 1 else "s"
    return f"The search has found trial{s} {', '.join(newer)} since, which the final did not see."


def audit_sentence(audited: Sequence[Audited]) -> str:
    """Return how often pruning was wrong, by pruned trials that were trained to their end."""
    wrong = sum(one.would_win for one in audited)
    return (
        f"Audit: of {len(audited)} pruned trials that were trained to their end, {wrong} would "
        f"have beaten the best of the search."
    )

"""What is asked for and never comes to pass: a patience that no trial is long enough for."""

from __future__ import annotations

from collections.abc import Sequence

from sweeps.definition.planning import PlannedTrial

__all__ = ["patience_notes"]


def patience_notes(planned: Sequence[PlannedTrial]) -> tuple[str, ...]:
    """Return that early stopping ends no trial of a plan, as each has too few epochs for that.

    The first epoch is always an improvement, so that a patience of p ends a trial at epoch p + 1.
    """
    stopping = [
        (one.configuration["regularization"]["early_stopping"], one.configuration["training"])
        for one in planned
    ]
    waiting = [(one["patience"], training["epochs"]) for one, training in stopping if one]
    if not waiting or any(patience < epochs - 1 for patience, epochs in waiting):
        return ()
    patience, epochs = min(waiting)
    return (
        f"early_stopping.patience of {patience} never stops a trial: each has at most {epochs} "
        f"epochs"
        if len(set(waiting)) == 1
        else "early_stopping never stops a trial: each has fewer epochs than its patience",
    )

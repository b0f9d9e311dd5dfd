"""The two forms of own training as one: a generator function, or anything with `train_epoch()`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from typing import Any, Protocol

from sweeps.models.own_code.guards import guarded
from sweeps.models.training.kept_state import refused
from sweeps.models.training.own_trial import Rows, Trial

__all__ = ["OfGenerator", "Steps", "steps_of"]

_FORMS = (
    "Write a generator function that yields once per epoch, or a class with train_epoch() and "
    "evaluate(rows)"
)


class Steps(Protocol):
    """The own training, whichever form it has."""

    def train_epoch(self) -> Any:
        """Train one epoch; returns metrics of the training, or None."""

    def evaluate(self, rows: Rows) -> Any:
        """Return metrics of what is trained on some rows."""


class OfGenerator:
    """The training of a generator function."""

    def __init__(self, steps: Generator[Any, None, Any], trial: Trial) -> None:
        self._next, self._trial = steps, trial

    def train_epoch(self) -> Any:
        """Run it up to its next yield, and return what that gives."""
        epoch = self._trial.epoch
        try:
            given = next(self._next)
        except StopIteration:
            raise refused(
                f"the loop stopped in epoch {epoch}, before trial.epochs(...) was exhausted",
                "Set the number of epochs in the sweep file; to stop early, use early_stopping",
            ) from None
        if not self._trial.has_entered():
            raise refused(
                f"must yield once per epoch, inside its loop over trial.epochs(...): it yielded "
                f"again in epoch {epoch - 1}"
                if epoch > 1
                else "must yield inside its loop over trial.epochs(evaluate)"
            )
        return given

    def run_without_epochs(self) -> None:
        """Run it to its end, with no epoch to train."""
        for _ in self._next:
            raise refused("must yield inside its loop over trial.epochs(evaluate)")

    def close(self) -> None:
        """Run its `finally` clauses; what they do is of no trial any more."""
        with suppress(Exception, SystemExit), guarded():
            self._next.close()

    def evaluate(self, rows: Rows) -> Any:
        """Call what was given to trial.epochs()."""
        if self._trial.evaluate is None:
            raise refused("must loop over trial.epochs(evaluate)")
        return self._trial.evaluate(rows)


def steps_of(made: Any, trial: Trial) -> Steps:
    """Return what the user's target has returned, as steps; raises OwnTrainingError if it is none.

    Args:
        trial: what the target was given.
    """
    if isinstance(made, Generator):
        return OfGenerator(made, trial)
    if callable(getattr(made, "train_epoch", None)) and callable(getattr(made, "evaluate", None)):
        steps: Steps = made
        return steps
    what = type(made).__name__
    rule = f"the target must be a generator function or a training class, and it returned a {what}"
    raise refused(rule, _FORMS)

"""Whether more trials can be added to a sweep's plan, told from its folder alone."""

from __future__ import annotations

from sweeps.errors import RequestError
from sweeps.record.replay import read_ledger
from sweeps.record.run_folder import RunFolder

__all__ = ["refuse_longer"]


def refuse_longer(folder: RunFolder, trials: int) -> None:
    """Raise RequestError where a sweep can have no further trials.

    Its method draws none, it trained a population, or its space is used up.
    """
    file = folder.read_sweep()
    search = file.search
    if file.is_population:
        all_trials = folder.read_description().trials + trials
        raise RequestError(
            f"{folder.name} trained a population, whose trials start together, so none can be "
            f"added; start a new sweep with search.trials={all_trials}"
        )
    if search.asked is None:
        raise RequestError(
            f"{folder.name} uses method {search.method}, whose trials are fixed by its file; only "
            f"sweeps that draw or propose trials can be extended"
        )
    if search.learns and read_ledger(folder).is_exhausted:
        raise RequestError(
            f"{folder.name} cannot be extended: all configurations of its space were tried; start "
            f"a new sweep with a wider space"
        )

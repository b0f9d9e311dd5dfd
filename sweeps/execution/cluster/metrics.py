"""How a sweep is doing, as metrics that every node of a Ray cluster exports for Prometheus.

Ray puts `ray_` before the names. Nothing here is in the path of Tune's event loop: a thread reads
the record every few seconds, as the progress display does.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ray.util.metrics import Gauge

from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord

__all__ = ["exported_metrics", "readings"]

_PERIOD_S = 5.0
_RUNNING, _WAITING = "running", "waiting"
_STATES = (*map(str, Outcome), _RUNNING, _WAITING)
_ABOUT = {
    "sweeps_trials": "Trials of a sweep, by outcome, or running, or waiting",
    "sweeps_epochs": "Epochs that the trials of a sweep have trained",
    "sweeps_best_objective": "The objective of a sweep's best trial so far",
    "sweeps_tracking_backlog": "Ended trials of a sweep that MLflow has not recorded yet",
}
Reading = tuple[str, dict[str, str], float]


@contextmanager
def exported_metrics(
    sweep: str, record: SweepRecord, recorded: Callable[[], int]
) -> Iterator[None]:
    """Export `record` until the block is left, and its last state once more then.

    Args:
        sweep: The tag that tells sweeps of a cluster apart.
        recorded: How many ended trials MLflow has.
    """
    gauges = {
        name: Gauge(name, description=about, tag_keys=("sweep", "outcome", "metric"))
        for name, about in _ABOUT.items()
    }
    done = threading.Event()

    def export() -> None:
        # Read while the sweep writes, so a reading may fail; the next one comes soon.
        with suppress(Exception):
            for name, tags, value in readings(record, recorded()):
                gauges[name].set(value, {"sweep": sweep, "outcome": "", "metric": "", **tags})

    def loop() -> None:
        while not done.wait(_PERIOD_S):
            export()

    export()
    thread = threading.Thread(target=loop, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        export()


def readings(record: SweepRecord, recorded: int) -> list[Reading]:
    """Return name, tags and value of all that is exported; every state has a value, 0 included."""
    states: Counter[str] = Counter(map(_state, record.trials))
    found: list[Reading] = [
        ("sweeps_trials", {"outcome": state}, states[state]) for state in _STATES
    ]
    found.append(("sweeps_epochs", {}, sum(trial.epochs for trial in record.trials)))
    behind = max(0, record.outcomes.total() - recorded)
    found.append(("sweeps_tracking_backlog", {}, behind))
    value = None if record.best is None else record.value(record.best)
    if value is not None:
        found.append(("sweeps_best_objective", {"metric": record.objective.metric}, value))
    return found


def _state(trial: TrialRecord) -> str:
    if trial.outcome is not None:
        return str(trial.outcome)
    return _RUNNING if trial.is_running else _WAITING

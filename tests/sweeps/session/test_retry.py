"""`retry` runs the failed trials again, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sweeps
from sweeps.record.ledger import Ledger, read_events
from tests.sweeps.drivers import events
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

ON_DISK: dict[str, Any] = {"runner": "local", "tracking_uri": "none"}
FAILS_UNLESS_MENDED = """
        if self.number == 1 and not (HERE / 'mended').exists(): raise RuntimeError('broken')
"""


def stopped_after_a_failure(folder: Path, module: str, budget: str) -> Any:
    """Return a sweep of four trials whose first one failed, and whose second one ended it."""
    target = own_net(folder, module, FAILS_UNLESS_MENDED)
    models = f"{{choice: [{', '.join(custom_model(target, n) for n in (1, 2, 3, 4))}]}}"
    path = write_sweep(
        folder,
        search="{method: grid}",
        space=space(models, "{kind: adam, lr: 0.01}"),
        trial="{retries: 0}",
        budget=budget,
    )
    results = sweeps.run(path, runs=folder / "runs", **ON_DISK)
    (folder / "mended").touch()
    return results


def test_a_failed_trial_is_retried_after_the_target_was_reached_and_no_other_is_run(
    tmp_path: Path,
) -> None:
    results = stopped_after_a_failure(tmp_path, "fails_before_target", "{target: 100.0}")
    retried = sweeps.retry(results.path, **ON_DISK)
    outcomes = [one.outcome and str(one.outcome) for one in retried.record.trials]
    assert outcomes == ["completed", "completed", None, None]
    assert str(retried.record.stopped) == "budget.target = 100 is reached"
    assert len(events(results.path, "reopened")) == 1


def test_a_failed_trial_is_retried_after_the_trials_were_used_up(tmp_path: Path) -> None:
    results = stopped_after_a_failure(tmp_path, "fails_before_trials", "{trials: 2}")
    retried = sweeps.retry(results.path, **ON_DISK)
    outcomes = [one.outcome and str(one.outcome) for one in retried.record.trials]
    assert outcomes == ["completed", "completed", None, None]


def test_a_retry_of_an_interrupted_search_leaves_it_interrupted(tmp_path: Path) -> None:
    results = stopped_after_a_failure(tmp_path, "fails_before_kill", "{trials: 2}")
    # As Ctrl-C would have left it.
    happened = list(read_events(results.folder.ledger))
    results.folder.ledger.unlink()
    ledger = Ledger(results.folder.ledger)
    ledger.append(
        *happened[:-1], happened[-1] | {"reason": "interrupted", "detail": "interrupted by SIGINT"}
    )
    ledger.close()
    retried = sweeps.retry(results.path, **ON_DISK)
    assert len(retried.record.unfinished) == 2
    assert str(retried.record.stopped) == "interrupted by SIGINT"

"""Runs the trials of a job through Ray Tune.

Tune executes and decides; it is not the memory of the sweep. Its own state goes to a temporary
folder that is deleted, and every callback body is guarded by the recorder.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sweeps.placement import slots
from sweeps.rungs import AnyStopping

# Read by Tune at import. Loggers: the record is ours. Snapshots: never read, so never written.
# Output: the progress display is ours. Folders: user code keeps the folder it was started in.
os.environ.update(
    TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1",
    TUNE_GLOBAL_CHECKPOINT_S="1000000",
    TUNE_DISABLE_STRICT_METRIC_CHECKING="1",
    TUNE_WARN_THRESHOLD_S="10",
    RAY_AIR_NEW_OUTPUT="0",
    RAY_CHDIR_TO_TRIAL_DIR="0",
    RAY_USAGE_STATS_ENABLED="0",
    RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
)

import ray
from ray import tune
from ray.tune import Callback, Stopper

from sweeps.job import Job
from sweeps.ray_trainable import RayTrial
from sweeps.recording import Recorder
from sweeps.records import Outcome
from sweeps.scheduling import LedgerScheduler, build_scheduler
from sweeps.sweep_file import HyperBand, Resources

__all__ = ["run_on_ray", "started_ray"]

_PROJECT = Path(__file__).resolve().parent.parent


@contextmanager
def started_ray(resources: Resources) -> Iterator[None]:
    """Start Ray on this machine for one sweep, and stop it; leave a running Ray as it is."""
    if ray.is_initialized():
        yield
        return
    # Workers import the project and the user's modules from where the driver does.
    paths = [str(_PROJECT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    ray.init(
        address="local",
        num_cpus=math.ceil(slots(resources) * resources.cpu),
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        yield
    finally:
        ray.shutdown()


def run_on_ray(job: Job) -> None:
    """Train the trials of `job`, each as one Ray Tune trial; see Job for the contract."""
    recorder = job.recorder
    scheduler = LedgerScheduler(
        build_scheduler(job.stopping, recorder.record.goal, job.max_epochs), recorder
    )
    concurrent = slots(job.resources)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(_pending(job.stopping, job, concurrent))
    trainable = tune.with_resources(
        tune.with_parameters(RayTrial, order=job.order),
        {"cpu": job.resources.cpu, "gpu": job.resources.gpu},
    )
    storage = tempfile.mkdtemp(prefix="sweeps-")
    try:
        tune.Tuner(
            trainable,
            param_space={"members": tune.grid_search([[index] for index in job.indices])},
            tune_config=tune.TuneConfig(
                scheduler=scheduler,
                reuse_actors=True,
                max_concurrent_trials=_most_at_once(job.stopping, concurrent),
                trial_name_creator=_trial_name,
                trial_dirname_creator=_trial_name,
            ),
            run_config=tune.RunConfig(
                storage_path=storage,
                name="sweep",
                verbose=0,
                stop=_Stop(recorder),
                callbacks=[_Notices(recorder, scheduler)],
                failure_config=tune.FailureConfig(max_failures=job.order.retries),
            ),
        ).fit()
    finally:
        shutil.rmtree(storage, ignore_errors=True)


def _most_at_once(stopping: AnyStopping, concurrent: int) -> int | None:
    """Return Tune's own limit; HyperBand, whose trials wait while paused, has Ray's CPUs alone."""
    return None if isinstance(stopping, HyperBand) else concurrent


def _pending(stopping: AnyStopping, job: Job, concurrent: int) -> int:
    """Return how many trials Tune may hold ready.

    Few, as each costs a request to Ray; but HyperBand fills its brackets with all from the start,
    so that the same plan always makes the same brackets.
    """
    return len(job.indices) if isinstance(stopping, HyperBand) else concurrent + 1


def _trial_name(trial: Any) -> str:
    return f"{trial.config['members'][0]:06d}"


class _Stop(Stopper):
    """Ends the sweep when the recorder says so."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._recorder.should_stop()


class _Notices(Callback):
    """Hears of starts and of attempts that ended with their worker's death."""

    def __init__(self, recorder: Recorder, scheduler: LedgerScheduler) -> None:
        self._recorder = recorder
        self._scheduler = scheduler

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._recorder.started(trial.config["members"][0])

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._recorder.attempt_failed(trial.config["members"][0], _error_of(trial))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        index, error = trial.config["members"][0], _error_of(trial)
        self._recorder.attempt_failed(index, error)
        attempts = len(self._recorder.record.trials[index].failures)
        reason = f"failed {attempts} times, at last: {error.splitlines()[0]}"
        self._recorder.ended(index, Outcome.FAILED, reason)
        self._scheduler.give_up(None, trial)


def _error_of(trial: Any) -> str:
    """Return what ended the trial's worker: the error's type and first lines."""
    error = trial.get_error()
    text = str(error).strip() or "no message"
    return f"{type(error).__name__}: {text}"

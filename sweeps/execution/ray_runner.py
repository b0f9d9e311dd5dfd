"""Runs the trials of a job through Ray Tune.

Tune executes: it neither decides nor remembers. Its own state goes to a temporary
folder that is deleted, and every callback body is guarded by the recorder.
"""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.air._internal import usage
from ray.tune import Stopper
from ray.tune import tune as tune_run
from ray.tune.execution import class_cache, tune_controller
from ray.tune.experiment import trial as tune_trial
from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.registry import get_trainable_cls
from ray.tune.search import BasicVariantGenerator
from ray.tune.trainable import metadata

from sweeps.execution.cluster.lost_nodes import is_of_node
from sweeps.execution.cluster.shared_places import SharedPlaces
from sweeps.execution.cluster.sharing import Share, claimed_share
from sweeps.execution.frozen_workers import FrozenWorkers
from sweeps.execution.job import Job
from sweeps.execution.lost_rows import drop_checkpoints_ahead_of_ledger
from sweeps.execution.placement import slots
from sweeps.execution.ray_folder import ray_folder
from sweeps.execution.ray_trainable import RayTrial
from sweeps.execution.scheduling.ledger_scheduler import LedgerScheduler
from sweeps.execution.tune_scheduler import TuneScheduler
from sweeps.execution.tune_search import GrowingSearch
from sweeps.record.recorder import Recorder
from sweeps.record.sweep_record import Outcome
from sweeps.storage.files import BucketFiles, FolderFiles

__all__ = ["run_on_ray"]


def run_on_ray(job: Job) -> None:
    """Train the trials of `job`, each as one Ray Tune trial; see Job for the contract."""
    drop_checkpoints_ahead_of_ledger(job.order)
    asked = LedgerScheduler(job.scheduler, job.recorder, job.explorer)
    indices = asked.left(job.indices)
    if not indices and not (job.growing is not None and job.growing.to_come):
        return
    with _shared_places(job) as share:
        _run(job, asked, indices, share)


def _run(job: Job, asked: LedgerScheduler, indices: Sequence[int], share: Share | None) -> None:
    recorder = job.recorder
    frozen = FrozenWorkers(job.order.stacks, job.order.timeout_s)
    scheduler = TuneScheduler(asked, frozen, share)
    to_come = 0 if job.growing is None else job.growing.to_come
    concurrent = slots(job.resources, job.place.nodes)
    _lighten_tune()
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(_pending(job, concurrent))
    trainable = tune.with_resources(
        tune.with_parameters(RayTrial, order=replace(job.order, kill_when_late=True)),
        {"cpu": job.resources.cpu, "gpu": job.resources.gpu},
    )
    with _tune_storage(job) as (storage, system):
        tune.Tuner(
            trainable,
            param_space={"members": [None]},
            tune_config=tune.TuneConfig(
                search_alg=_search(job, indices, asked, concurrent, share),
                num_samples=len(indices) + to_come,
                scheduler=scheduler,
                reuse_actors=True,
                trial_name_creator=_trial_name,
                trial_dirname_creator=_trial_name,
            ),
            run_config=tune.RunConfig(
                storage_path=storage,
                storage_filesystem=system,
                name="sweep",
                verbose=0,
                stop=_Stop(recorder),
                callbacks=[_Notices(recorder, scheduler)],
                # Without end: the recorder counts, as errors and kills share one number of retries.
                failure_config=tune.FailureConfig(max_failures=-1),
                # The worker keeps its own; Tune's, one a trial, would be empty.
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()


@contextmanager
def _shared_places(job: Job) -> Iterator[Share | None]:
    """Have Tune ask for its share of a cluster alone; None where this machine is the sweep's."""
    if not job.place.is_cluster:
        yield None
        return
    with claimed_share(job.sweep, job.resources, partial(_wanted, job)) as share:
        own = vars(tune_controller)["PlacementGroupResourceManager"]
        vars(tune_controller)["PlacementGroupResourceManager"] = partial(SharedPlaces.within, share)
        try:
            yield share
        finally:
            vars(tune_controller)["PlacementGroupResourceManager"] = own


def _wanted(job: Job) -> int:
    """Return how many trials are left."""
    trials = job.recorder.record.trials
    if job.growing is not None:
        return job.growing.to_come + sum(1 for one in tuple(trials) if one.outcome is None)
    return sum(1 for index in job.indices if trials[index].outcome is None)


def _search(
    job: Job,
    indices: Sequence[int],
    asked: LedgerScheduler,
    concurrent: int,
    share: Share | None,
) -> BasicVariantGenerator | GrowingSearch:
    """Return what gives Tune the trials: those of `indices`, and what the plan gains meanwhile."""
    if job.growing is not None:
        return GrowingSearch(indices, job.growing, asked, partial(_places, job, concurrent, share))
    # Not Tune's grid search, which copies all values for each: minutes for 10,000 trials.
    return BasicVariantGenerator(
        points_to_evaluate=[{"members": [index]} for index in indices],
        max_concurrent=_limit(job, concurrent),
    )


def _places(job: Job, concurrent: int, share: Share | None) -> int:
    """Return how many trials can run at once now: nodes or other sweeps may have joined."""
    there = _places_of_nodes(job, concurrent)
    limit = None if share is None else share.limit
    return there if limit is None else min(there, max(1, limit))


def _places_of_nodes(job: Job, concurrent: int) -> int:
    if not job.place.is_cluster or job.resources.workers:
        return concurrent
    there = ray.cluster_resources()  # type: ignore[no-untyped-call]
    wanted = {"CPU": job.resources.cpu, "GPU": job.resources.gpu}
    return max(
        concurrent, min(int(there.get(name, 0) / each) for name, each in wanted.items() if each)
    )


@contextmanager
def _tune_storage(job: Job) -> Iterator[tuple[str, Any]]:
    """Give a place for what Tune wants to keep, which all nodes must see; nothing of it stays."""
    files = job.order.checkpoints
    if job.place.is_cluster and isinstance(files, BucketFiles):
        system, path = files.below(f".tune-{secrets.token_hex(4)}").opened()
        try:
            yield path, system
        finally:
            with suppress(OSError):
                system.delete_dir(path)
        return
    if not (job.place.is_cluster and isinstance(files, FolderFiles)):
        with ray_folder(Path(tempfile.gettempdir())) as folder:
            yield str(folder), None
        return
    storage = tempfile.mkdtemp(prefix=".tune-", dir=files.path.parent)
    try:
        yield storage, None
    finally:
        shutil.rmtree(storage, ignore_errors=True)


def _lighten_tune() -> None:
    """Keep Tune from what costs seconds at every start and serves nobody here.

    It counts callbacks by importing the loggers of MLflow, W&B and Comet (1.1 s, for usage
    statistics that are off), and gives actors environment variables of their own, which makes Ray
    start new worker processes instead of taking those that have imported torch already (4 s). For
    each trial it keeps minimum, maximum and means of every number in a result (18 kB). And it takes
    signals over, of which the first would end its run as if nothing were left to do.
    """
    vars(tune_run)["_setup_signal_catching"] = threading.Event
    usage.tag_callbacks = lambda callbacks: False
    # Else each trial asks the cluster for the one class that all of them have.
    vars(tune_trial)["get_trainable_cls"] = functools.lru_cache(maxsize=1)(get_trainable_cls)
    class_cache.DEFAULT_ENV_VARS = {}
    class_cache.ENV_VARS_TO_PROPAGATE = set()
    run_metadata = metadata._TrainingRunMetadata
    run_metadata.update_metric = lambda *values, **step: None  # type: ignore[method-assign]


def _limit(job: Job, concurrent: int) -> int:
    """Return Tune's own limit of trials at once, 0 for none: where Ray's CPUs do not set it.

    Under Tune's limit no trial waits when another ends, and Tune then stops that one's worker: a
    new one costs seconds. Paused trials would count, too. On a cluster the share sets it.
    """
    if job.scheduler.pauses or job.place.is_cluster:
        return 0
    fitting = ray.cluster_resources().get("CPU", 0) // job.resources.cpu  # type: ignore[no-untyped-call]
    return 0 if fitting <= concurrent else concurrent


def _pending(job: Job, concurrent: int) -> int:
    """Return how many trials Tune may hold ready.

    Few, as each costs a request to Ray; but trials that wait for one another must all be there.
    """
    return len(job.indices) if job.scheduler.pauses else concurrent + 1


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


class _Notices(TrialProgressCallback):
    """Hears of starts and of attempts that ended with their worker's death.

    It takes the place of the callback with which Tune would print to standard output.
    """

    def __init__(self, recorder: Recorder, scheduler: TuneScheduler) -> None:
        super().__init__()
        self._recorder = recorder
        self._scheduler = scheduler

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._recorder.started(trial.config["members"][0])

    def on_trial_result(self, *arguments: Any, **info: Any) -> None:
        """Print nothing: the scheduler has recorded it."""

    def on_trial_complete(self, *arguments: Any, **info: Any) -> None:
        """Print nothing: the scheduler has recorded it."""

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        index, error = trial.config["members"][0], _error_of(trial)
        if self._recorder.record.trials[index].outcome is None:  # else it was ended by hand
            self._recorder.attempt_failed(index, error, is_of_node(error))
        self._scheduler.stop_if_over(trial)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        index, error = trial.config["members"][0], _error_of(trial)
        self._recorder.attempt_failed(index, error, is_of_node(error))
        last = error.splitlines()[0]
        self._recorder.ended(index, Outcome.FAILED, f"no worker: {last}", error=last)
        self._scheduler.give_up(trial)


def _error_of(trial: Any) -> str:
    """Return what ended the trial's worker, from the file in which Tune writes it."""
    try:
        text = Path(trial.error_file).read_text(encoding="utf-8", errors="replace")
    except (OSError, TypeError):
        text = ""
    last = text.rpartition("Failure #")[2].partition("\n")[2].strip()
    return f"WorkerDied: {last or 'no message'}"

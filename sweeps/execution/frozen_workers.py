"""Kills workers that are frozen: the driver's clock, where the one inside a worker stands still.

A worker's own watchdog (sweeps.execution.watchdog) ends a trial that hangs, whatever its code does,
as long as the process runs. One that was stopped by a signal, or that waits for a disk which is
gone, runs nothing: `timeout_s` would never end it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import ray
from ray.tune.experiment import Trial

from sweeps.record.hangs import tell_frozen

__all__ = ["FrozenWorkers"]

_PERIOD_S = 1.0
# A worker that runs ends itself within 2 s of its limit, and says where it was.
_GRACE_S = 5.0


class FrozenWorkers:
    """Watches how long Tune's workers take to answer.

    Args:
        stacks: Where the watchdogs of workers write; what is killed here is told there, too.
        timeout_s: Seconds that a trial may take; None watches nothing.
    """

    def __init__(self, stacks: Path, timeout_s: float | None) -> None:
        self._stacks = stacks
        self._limit_s = None if timeout_s is None else timeout_s + _GRACE_S
        self._asked_at: dict[ray.ObjectRef[Any], float] = {}
        self._awake_s = 0.0
        self._looked_at = time.monotonic()

    def kill(self, tune: Any) -> None:
        """Kill each worker that has worked on one task for longer than any trial may take.

        Args:
            tune: Tune's controller; for each step of its loop.
        """
        since_s = time.monotonic() - self._looked_at
        if self._limit_s is None or since_s < _PERIOD_S:
            return
        # A driver that was stopped, or slow, itself has heard nobody meanwhile.
        self._awake_s += min(since_s, 2 * _PERIOD_S)
        self._looked_at += since_s
        tasks = _tasks(tune)
        self._asked_at = {task: self._asked_at.get(task, self._awake_s) for task in tasks}
        for task, asked_at in self._asked_at.items():
            if self._awake_s - asked_at > self._limit_s and not _is_answered(task):
                self._kill(tune, tasks[task])

    def kill_worker(self, tune: Any, trial: Trial) -> None:
        """Kill the worker of a trial that is over, if there is one: it does not answer."""
        live = tune._actor_manager._live_actors_to_ray_actors_resources
        actor = tune._trial_to_actor.get(trial)
        if actor in live:
            ray.kill(live[actor][0])

    def _kill(self, tune: Any, actor: Any) -> None:
        trial = tune._actor_to_trial.get(actor)
        # Else the worker froze between two trials, and the next one is tried again.
        if trial is not None and trial.status == Trial.RUNNING:
            tell_frozen(self._stacks, int(trial.config["members"][0]))
        handle, _ = tune._actor_manager._live_actors_to_ray_actors_resources[actor]
        ray.kill(handle)


def _tasks(tune: Any) -> dict[ray.ObjectRef[Any], Any]:
    """Return what Tune waits for, and the worker that is at it."""
    found = tune._actor_manager._tracked_actors_to_task_futures
    return {task: actor for actor, tasks in found.items() for task in tasks}


def _is_answered(task: ray.ObjectRef[Any]) -> bool:
    """Return whether the answer is here, and Tune alone has not come to it yet."""
    ready, _ = ray.wait([task], timeout=0)
    return bool(ready)

"""Starts Ray on this machine for one sweep, and stops it.

Starting takes seconds in which Ray's own processes import what they need; what the sweep will need
is imported meanwhile, in the driver by a thread and in the workers by Ray's preloading.
"""

from __future__ import annotations

import logging
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from sweeps.execution.placement import slots
from sweeps.spec.sweep_file import Resources

# Read by Ray and Tune at import. Loggers: the record is ours. Snapshots: never read, so never
# written. Output: the progress display is ours. Folders: user code stays where it was started.
# Ctrl-C: the session's own.
os.environ.update(
    TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1",
    TUNE_GLOBAL_CHECKPOINT_S="1000000",
    TUNE_DISABLE_STRICT_METRIC_CHECKING="1",
    TUNE_WARN_THRESHOLD_S="10",
    TUNE_PRINT_ALL_TRIAL_ERRORS="0",
    TUNE_DISABLE_SIGINT_HANDLER="1",
    RAY_AIR_NEW_OUTPUT="0",
    RAY_CHDIR_TO_TRIAL_DIR="0",
    RAY_USAGE_STATS_ENABLED="0",
    RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
)

import ray

__all__ = ["started_ray"]

_PROJECT = Path(__file__).resolve().parents[2]
_WORKER_MODULES = "sweeps.execution.trial_worker,sweeps.ray_trainable"


@contextmanager
def started_ray(resources: Resources) -> Iterator[None]:
    """Start Ray for trials of these resources; leave a Ray that runs in this process as it is."""
    if ray.is_initialized():
        yield
        return
    # Workers import the project and the user's modules from where the driver does.
    paths = [str(_PROJECT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    os.environ["RAY_preload_python_modules"] = _WORKER_MODULES  # noqa: SIM112
    # Ray starts from this thread, as its processes end with the thread that started them.
    imports = threading.Thread(target=import_module, args=("sweeps.execution.ray_runner",))
    imports.start()
    try:
        ray.init(
            address="local",
            num_cpus=math.ceil(slots(resources) * resources.cpu),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        imports.join()
        yield
    finally:
        ray.shutdown()

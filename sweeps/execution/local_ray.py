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

import ray

from sweeps.definition.sweep_file import Resources
from sweeps.execution.placement import Place, slots
from sweeps.infra.package import import_paths

__all__ = ["started_ray"]

_WORKER_MODULES = "sweeps.execution.trial_worker,sweeps.execution.ray_trainable"


@contextmanager
def started_ray(resources: Resources) -> Iterator[None]:
    """Start Ray for trials of these resources; leave a Ray that runs in this process as it is."""
    if ray.is_initialized():
        yield
        return
    # Workers import the project and the user's modules from where the driver does.
    paths = [*import_paths(), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    os.environ["RAY_preload_python_modules"] = _WORKER_MODULES  # noqa: SIM112
    # Ray starts from this thread, as its processes end with the thread that started them.
    imports = threading.Thread(target=import_module, args=("sweeps.execution.ray_runner",))
    imports.start()
    try:
        ray.init(
            address="local",
            num_cpus=math.ceil(slots(resources, Place.here().nodes) * resources.cpu),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        imports.join()
        yield
    finally:
        ray.shutdown()

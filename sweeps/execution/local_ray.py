"""Starts Ray on this machine for one sweep, and stops it.

Whoever reaches Ray runs code as its owner. So it listens on the loopback interface alone, answers
only who shows a token that is made for this sweep and never written down, and keeps its sockets in
a folder that nobody else may enter.

Starting takes seconds in which Ray's own processes import what they need; what the sweep will need
is imported meanwhile, in the driver by a thread and in the workers by Ray's preloading.
"""

from __future__ import annotations

import logging
import math
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import ray
from ray._private import ray_constants, services
from ray._private import worker as ray_worker
from ray._raylet import (  # type: ignore[attr-defined]  # compiled: no types
    AuthenticationTokenLoader,
    Config,
)

from sweeps.definition.sweep_file import Resources
from sweeps.errors import ClusterError
from sweeps.execution.placement import Place, slots
from sweeps.execution.ray_folder import ray_folder, room_for_sockets
from sweeps.execution.ray_loss import loss_in_words, lost_part
from sweeps.execution.ray_messages import log_messages
from sweeps.infra.package import python_path
from sweeps.infra.strict_warnings import lenient_children
from sweeps.models.own_code.guards import described

__all__ = ["started_ray"]

_WORKER_MODULES = "sweeps.execution.trial_worker,sweeps.execution.ray_trainable"
# Not SIGALRM, which own code may want to hear in a worker.
_OF_DRIVERS = {signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
_LOOPBACK = "127.0.0.1"
# RAY_AUTH_TOKEN counts before a file; without a mode Ray takes up token authentication itself.
_AUTHENTICATION = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")


@contextmanager
def started_ray(resources: Resources) -> Iterator[None]:
    """Start Ray for trials of these resources; leave a Ray that runs in this process as it is.

    Raises:
        ClusterError: Ray does not come up.
    """
    if ray.is_initialized():
        yield
        return
    # Workers import the project and the user's modules from where the driver does.
    os.environ["PYTHONPATH"] = python_path()
    os.environ["RAY_preload_python_modules"] = _WORKER_MODULES  # noqa: SIM112
    # Else the driver waits for its first workers in Ray's own code, where it hears of nothing else.
    os.environ["RAY_prestart_worker_first_driver"] = "0"  # noqa: SIM112
    # Ray starts from this thread, as its processes end with the thread that started them.
    imports = threading.Thread(target=import_module, args=("sweeps.execution.ray_runner",))
    imports.start()
    with ExitStack() as stack:
        folder = stack.enter_context(ray_folder(room_for_sockets()))
        stack.enter_context(_own_token())
        stack.callback(ray.shutdown)
        _start(resources, folder / "ray")
        imports.join()
        yield


def _start(resources: Resources, folder: Path) -> None:
    """Start Ray; raises ClusterError where it does not come up."""
    cpus = math.ceil(slots(resources, Place.local_machine().nodes) * resources.cpu)
    log_messages()
    with _loopback_allowed(), _deaf_children(), _joined_alive(), lenient_children():
        try:
            ray.init(
                address="local",
                num_cpus=cpus,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                _node_ip_address=_LOOPBACK,
                _temp_dir=str(folder),
            )
        except Exception as err:  # Ray's own kinds, RuntimeError, OSError, what gRPC raises
            if lost := lost_part():
                raise loss_in_words(lost)[0] from err
            first = described(err).splitlines()[0]
            raise ClusterError(
                f"Ray did not start on this machine ({first}). It may have been too slow under "
                f"load: `resume` the sweep later, or add --local, which needs no Ray"
            ) from err


@contextmanager
def _joined_alive() -> Iterator[None]:
    """Join no raylet that has ended: Ray would end this process for it.

    Raises:
        ConnectionError: It has.
    """
    join = ray_worker.connect

    def connect(*given: Any, **options: Any) -> None:
        if lost := lost_part():
            raise ConnectionError(lost)
        join(*given, **options)

    vars(ray_worker)["connect"] = connect
    try:
        yield
    finally:
        vars(ray_worker)["connect"] = join


@contextmanager
def _loopback_allowed() -> Iterator[None]:
    """Let Ray take 127.0.0.1 for the address of its node, as it does on Windows and macOS.

    On Linux it would look for one that other machines reach, and listen on all interfaces.
    """
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Start processes that do not hear what asks their driver to end, and ends it cleanly.

    A terminal and most cluster managers tell every process of a job's group, so that Ray's are in
    one of their own: Ray ends a driver whose parts end first, without a word. Some managers tell
    every process there is; SIGTERM alone has to reach Ray's parts, which Ray ends by it. What comes
    meanwhile reaches the driver afterwards.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_DRIVERS)
    start = services.ConsolePopen
    vars(services)["ConsolePopen"] = partial(start, process_group=0)
    try:
        yield
    finally:
        vars(services)["ConsolePopen"] = start
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _own_token() -> Iterator[None]:
    """Have Ray ask for a token that only this process and its children know."""
    before = {name: os.environ.pop(name, None) for name in _AUTHENTICATION}
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    AuthenticationTokenLoader.instance().reset_cache()
    try:
        yield
    finally:
        for name, text in before.items():
            os.environ.pop(name, None)
            if text is not None:
                os.environ[name] = text
        # What is joined from this process later goes by the environment again.
        Config.initialize("")
        AuthenticationTokenLoader.instance().reset_cache()

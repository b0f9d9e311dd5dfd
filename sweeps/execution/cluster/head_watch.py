"""Ends a sweep whose cluster has lost its head, before Ray ends the process without a word.

Ray itself would end this process after a minute. Where a head is restarted before, without a
database of its own that tells it what was (GCS fault tolerance), Ray ends this process at once.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from sweeps.errors import ClusterError
from sweeps.execution.ray_loss import Loss
from sweeps.record.recorder import Recorder

__all__ = ["watched_head"]

_PERIOD_S = 1.0
_ANSWER_S = 3.0
# A head with a database comes back as the same one; nor is a slow network a lost head.
_GONE_AFTER_S = 30.0


@contextmanager
def watched_head(recorder: Recorder) -> Iterator[None]:
    """Stop what `recorder` records when the head of the joined cluster goes.

    Where Ray does not let go of this process then, it is ended with the error's exit code.
    """
    over = threading.Event()
    address = ray.get_runtime_context().gcs_address

    def watch() -> None:
        if not _has_gone(address, over):
            return
        error = ClusterError(
            f"the head of the Ray cluster at {address} has not answered for {_GONE_AFTER_S:.0f} s; "
            f"what was reported is kept: resume the sweep when the cluster is back"
        )
        Loss(recorder, over).end(error, "the cluster has lost its head")

    threading.Thread(target=watch, name="head", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _has_gone(address: str, over: threading.Event) -> bool:
    """Wait until the head has not answered for long; False when `over` came first."""
    answered_at = time.monotonic()
    while not over.wait(_PERIOD_S):
        if _listens(address):
            answered_at = time.monotonic()
        elif time.monotonic() - answered_at > _GONE_AFTER_S:
            return True
    return False


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER_S).close()
    except OSError:
        return False
    return True

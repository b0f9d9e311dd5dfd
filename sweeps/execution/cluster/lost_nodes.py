"""Whether an attempt ended because of its node: one that is lost, or that cannot train.

Of an actor that failed Tune keeps the text of a traceback alone: what is read there is the name of
our own error, and Ray's words for a lost node.
"""

from __future__ import annotations

import socket
from typing import Any

import ray

from sweeps.execution.cluster.node_check import UnfitNodeError

__all__ = ["is_of_node"]

_DIED, _SILENT = "its node has died", "is unavailable"
_ANSWER_S = 1.0


def is_of_node(error: str) -> bool:
    """Return whether a node is to blame for an attempt that ended with this error.

    Ray first says only that a worker cannot be reached, of a worker that was killed and of a lost
    node alike, and takes the node for alive for some seconds more: so its raylet is asked.
    """
    if _DIED in error or UnfitNodeError.__name__ in error:
        return True
    nodes: list[dict[str, Any]] = ray.nodes() if _SILENT in error else []  # type: ignore[no-untyped-call]
    return any(node["Alive"] and not _answers(node) for node in nodes)


def _answers(node: dict[str, Any]) -> bool:
    address = (str(node["NodeManagerAddress"]), int(node["NodeManagerPort"]))
    try:
        socket.create_connection(address, _ANSWER_S).close()
    except OSError:
        return False
    return True

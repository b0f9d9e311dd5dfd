"""The nodes of the cluster that this process has joined."""

from __future__ import annotations

import ray

from sweeps.execution.placement import Node

__all__ = ["alive_nodes"]


def alive_nodes() -> dict[str, Node]:
    """Return the nodes that are alive, by Ray's id; each has its address for a name, or its own."""
    found = {}
    for node in ray.nodes():  # type: ignore[no-untyped-call]
        if node["Alive"]:
            there = node["Resources"]
            name = str(node.get("NodeName") or node["NodeManagerAddress"])
            found[node["NodeID"]] = Node(name, there.get("CPU", 0.0), there.get("GPU", 0.0))
    return found

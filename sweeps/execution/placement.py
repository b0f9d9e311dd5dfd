"""Whether and how often a trial's resources fit on the nodes there are, before anything starts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeps.definition.sweep_file import Resources
from sweeps.errors import PlacementError

__all__ = ["Node", "Place", "gpu_note", "has_room", "slots", "this_machine"]


@dataclass(frozen=True)
class Node:
    """A machine that trains trials.

    Attributes:
        name: Its address; empty for the machine of the driver.
    """

    name: str
    cpus: float
    gpus: float


@dataclass(frozen=True)
class Place:
    """Where a session trains.

    Attributes:
        is_cluster: Whether Ray was running before, and other machines may take part.
    """

    nodes: tuple[Node, ...]
    is_cluster: bool = False

    @classmethod
    def local_machine(cls) -> Place:
        """Return this machine alone."""
        return cls((this_machine(),))


def this_machine() -> Node:
    """Return what this machine has."""
    return Node("", os.cpu_count() or 1, _gpus())


def gpu_note(resources: Resources, node: Node) -> str:
    """Return what `--local` does not keep of a trial's share of the GPUs; empty if nothing."""
    if not resources.gpu or node.gpus <= resources.gpu:
        return ""
    return (
        f"with --local a trial sees all {node.gpus:g} GPUs of this machine, not just "
        f"{resources.gpu:g}: only Ray can set CUDA_VISIBLE_DEVICES per trial"
    )


def has_room(resources: Resources, nodes: Iterable[Node]) -> bool:
    """Return whether a trial fits on one of these nodes."""
    return any(_fitting(resources, node) for node in nodes)


def slots(resources: Resources, nodes: Sequence[Node], hint: str = "") -> int:
    """Return how many trials run at once on these nodes.

    Args:
        hint: A further way out, where one trial fits nowhere.

    Raises:
        PlacementError: One trial asks for more than any node has.
    """
    fitting = sum(_fitting(resources, node) for node in nodes)
    if not fitting:
        raise PlacementError("; ".join(filter(None, (_too_much(resources, nodes), hint))))
    return min(fitting, resources.workers or fitting)


def _fitting(resources: Resources, node: Node) -> int:
    fitting = int(node.cpus / resources.cpu + 1e-9)
    if resources.gpu:
        fitting = min(fitting, int(node.gpus / resources.gpu + 1e-9))
    return fitting


def _too_much(resources: Resources, nodes: Sequence[Node]) -> str:
    where = "this machine" if [node.name for node in nodes] == [""] else "the largest node"
    most = {
        "cpu": (resources.cpu, max(node.cpus for node in nodes), "CPU cores"),
        "gpu": (resources.gpu, max(node.gpus for node in nodes), "GPUs"),
    }
    for key, (asked, there, what) in most.items():
        if asked > there:
            most_there = f"; ask for {there:g} at most" if there else ""
            if key == "gpu" and asked > 1:
                most_there += (
                    "; a trial runs on one node (to train on several, use Ray Train outside of a "
                    "sweep)"
                )
            return (
                f"resources.{key} = {asked:g}: one trial asks for {asked:g} {what} and {where} "
                f"has {there:g}, so it could never start{most_there}"
            )
    return (
        f"resources: one trial asks for {resources.cpu:g} CPU cores and {resources.gpu:g} GPUs, "
        f"and no single node has both; the nodes have "
        f"{', '.join(f'{node.cpus:g} + {node.gpus:g}' for node in nodes)}"
    )


def _gpus() -> int:
    """Count NVIDIA devices without importing torch; CUDA_VISIBLE_DEVICES hides some."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = len(list(Path("/dev").glob("nvidia[0-9]*")))
    if visible is None:
        return there
    return min(there, len([name for name in visible.split(",") if name.strip() not in ("", "-1")]))

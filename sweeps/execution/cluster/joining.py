"""Joins a running Ray cluster, and makes sure that every node of it could train a trial."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.autoscaler.sdk import request_resources
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sweeps.definition.sweep_file import Resources
from sweeps.errors import ClusterError, StorageError
from sweeps.execution.cluster.node_check import NodeReport, check_node, versions
from sweeps.execution.cluster.nodes import alive_nodes
from sweeps.execution.cluster.ray_environment import RAY_ENVIRONMENT
from sweeps.execution.placement import Node, Place, has_room, slots
from sweeps.execution.ray_messages import log_messages
from sweeps.infra.package import PackageError, code_files, stage
from sweeps.infra.settings import IN_JOB
from sweeps.storage.files import Files

__all__ = ["joined"]

_ANSWER_S = 5.0
# A node unpacks the checkout and imports torch, from a cold disk perhaps.
_CHECK_S = 120.0
_POLL_S = 2.0
_ON_DEMAND = "if nodes start on demand, set how long to wait for one: SWEEPS_NODES_WAIT_S=600"
# Something listens, so it answers at once or refuses: Ray would ask 20 times.
_FEW_TRIES = {"RAY_gcs_server_port_wait_time_s": "3"}


@contextmanager
def joined(
    address: str,
    storage: Files,
    resources: Resources,
    wait_s: float,
    print_line: Callable[[str], None],
) -> Iterator[Place]:
    """Connect this process to a cluster, ship the code, check its nodes; leave it at the end.

    Args:
        address: `auto` or `host:port`.
        storage: Where run folders are made; every node must see it.
        resources: Of one trial.
        wait_s: How long to wait for a node on which a trial fits, where nodes start on demand.
        print_line: Is told what is waited for.

    Raises:
        ClusterError: It does not answer or refuses, or a node could not train a trial.
        StorageError: The driver itself cannot write to the storage.
        PlacementError: A trial fits on no node.
    """
    if ray.is_initialized():
        raise ClusterError(
            "RAY_ADDRESS is set, but Ray is already running in this process: call ray.shutdown() "
            "first, or unset RAY_ADDRESS"
        )
    _refuse_silence(address)
    with tempfile.TemporaryDirectory(prefix="sweeps-") as folder:
        environment = _runtime_environment(Path(folder))
        try:
            print_line(f"joining the Ray cluster at {address}")
            _connect(address, environment)
            nodes = _nodes_with_room(resources, wait_s, print_line)
            print_line(f"checking {len(nodes)} nodes")
            nodes = _checked(nodes, storage)
            yield Place(tuple(nodes.values()), is_cluster=True)
        finally:
            ray.shutdown()


def _refuse_silence(address: str) -> None:
    """Raise where nothing listens; Ray itself would try for a minute."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER_S).close()
    except OSError as err:
        raise ClusterError(
            f"RAY_ADDRESS={address}: nothing answers there ({err}); start the cluster, correct the "
            f"address, or unset RAY_ADDRESS to use this machine alone"
        ) from err


def _runtime_environment(into: Path) -> dict[str, Any]:
    """Return what every worker gets: the checkout, staged in `into`, and Ray's settings."""
    variables = dict(RAY_ENVIRONMENT)
    if IN_JOB in os.environ:  # a job's working directory is everywhere already
        return {"env_vars": variables}
    try:
        stage(code_files(), into)
    except PackageError as err:
        raise ClusterError(str(err)) from err
    return {"working_dir": str(into), "env_vars": variables}


def _connect(address: str, environment: Mapping[str, Any]) -> None:
    os.environ.update(_FEW_TRIES | os.environ)
    log_messages()
    try:
        ray.init(
            address=address,
            runtime_env=dict(environment),
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (RuntimeError, ConnectionError, RayError, ValueError) as err:
        raise ClusterError(
            f"RAY_ADDRESS={address}: {_first_lines(err)}; if the cluster requires a token, set "
            f"RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to the file that holds it"
        ) from err


def _nodes_with_room(
    resources: Resources, wait_s: float, print_line: Callable[[str], None]
) -> dict[str, Node]:
    """Return the nodes; where a trial fits on none, ask for one and wait for it.

    Raises:
        PlacementError: There is none after `wait_s`.
    """
    nodes, until = alive_nodes(), time.monotonic() + wait_s
    if has_room(resources, nodes.values()):
        return nodes
    if wait_s:
        print_line(f"waiting up to {wait_s:g} s for a node that fits a trial")
        asked = {"CPU": resources.cpu, "GPU": resources.gpu}
        request_resources(bundles=[{name: number for name, number in asked.items() if number}])
    try:
        while not has_room(resources, nodes.values()) and time.monotonic() < until:
            time.sleep(_POLL_S)
            nodes = alive_nodes()
    finally:
        if wait_s:  # the trials themselves keep it from here on
            request_resources(bundles=[])
    slots(resources, tuple(nodes.values()), hint=_ON_DEMAND)
    return nodes


def _checked(nodes: Mapping[str, Node], storage: Files) -> dict[str, Node]:
    """Have every node that has CPUs check itself; returns those that are still there.

    Raises:
        ClusterError: Some cannot train; all of them are named.
    """
    marker, content = f".check-{secrets.token_hex(4)}", secrets.token_bytes(16)
    try:
        storage.write(marker, content)
    except OSError as err:
        raise StorageError(f"cannot write to {storage}: {err.strerror or err}") from err
    try:
        keys = [key for key, node in nodes.items() if node.cpus]
        reports = _reports(keys, storage, marker, content)
    finally:
        storage.delete(marker)
    alive = alive_nodes()  # Ray takes a node that went for alive for some seconds more
    problems = [
        (nodes[key].name, one.problem)
        for key, one in reports.items()
        if one.problem and key in alive
    ]
    if problems:
        raise ClusterError("\n".join(f"node {name}: {problem}" for name, problem in problems))
    return {key: node for key, node in nodes.items() if key in alive}


def _reports(keys: list[str], storage: Files, marker: str, content: bytes) -> dict[str, NodeReport]:
    remote = ray.remote(num_cpus=0, max_retries=0)(check_node)
    asked = {
        key: remote.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(key, soft=False)
        ).remote(versions(), storage, marker, content)
        for key in keys
    }
    ready, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=_CHECK_S)
    return {key: _report(ref, ref in ready) for key, ref in asked.items()}


def _report(answer: Any, is_there: bool) -> NodeReport:
    if not is_there:
        return NodeReport({}, f"it did not answer within {_CHECK_S:g} s; look at its Ray logs")
    try:
        report: NodeReport = ray.get(answer)
    except RayError as err:
        return NodeReport({}, f"it could not run a check: {_first_lines(err)}")
    return report


def _first_lines(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:3]) or type(error).__name__

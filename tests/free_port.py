"""A TCP port that nobody listens on, and that no client takes before a server does."""

from __future__ import annotations

from sweeps.infra.local.processes import free_ports

__all__ = ["free_port"]

_given: set[int] = set()


def free_port() -> int:
    """Return one that was not asked for before, as its server may not have started yet."""
    (port,) = free_ports(1, besides=_given)
    _given.add(port)
    return port

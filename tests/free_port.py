"""A TCP port that nobody listens on, and that no client takes before a server does."""

from __future__ import annotations

from sweeps.infra.local.processes import free_port

__all__ = ["free_port"]

"""Tells the outside that something happened: one JSON object to a web address or a command."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from sweeps.infra.settings import InfraSettings

__all__ = ["notify"]

_URL_TIMEOUT_S, _COMMAND_TIMEOUT_S = 10.0, 30.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would be a GET without the notice, and to an address nobody named."""

    def redirect_request(self, *asked: Any, **options: Any) -> None:
        """Have the answer taken for the error that it is."""


_OPENER = urllib.request.build_opener(_NoRedirect)
_MOVED = frozenset({301, 302, 303, 307, 308})


def notify(settings: InfraSettings, notice: Mapping[str, Any]) -> list[str]:
    """Send a notice where the settings say; returns what went wrong, without the address.

    The command gets the notice on its standard input, and runs in a shell.
    """
    data = json.dumps(notice).encode()
    problems = []
    if settings.notify_url is not None:
        problems += _post(settings.notify_url.get_secret_value(), data)
    if settings.notify_command is not None:
        problems += _run(settings.notify_command, data)
    return problems


def _post(url: str, data: bytes) -> list[str]:
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with _OPENER.open(request, timeout=_URL_TIMEOUT_S):
            return []
    except urllib.error.HTTPError as err:
        err.close()
        moved = ": set it to the address that it redirects to" if err.code in _MOVED else ""
        return [f"SWEEPS_NOTIFY_URL answered {err.code}{moved}"]
    except (OSError, ValueError, HTTPException) as err:
        # Errors of other kinds may name the address: only the system's own words are shown.
        reason = getattr(err, "reason", None)
        said = reason if isinstance(reason, OSError) else type(err).__name__
        return [f"SWEEPS_NOTIFY_URL could not be reached: {said}"]


def _run(command: str, data: bytes) -> list[str]:
    try:
        done = subprocess.run(
            command, shell=True, input=data, capture_output=True, timeout=_COMMAND_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return [f"SWEEPS_NOTIFY_COMMAND was killed after {_COMMAND_TIMEOUT_S:.0f} s"]
    except OSError as err:
        return [f"SWEEPS_NOTIFY_COMMAND could not be started: {err.strerror}"]
    if done.returncode == 0:
        return []
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return [f"SWEEPS_NOTIFY_COMMAND exited with code {done.returncode}: {said[-1] if said else ''}"]

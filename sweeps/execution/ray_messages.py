"""What Ray would print about its own state goes to the sweep's log instead.

Ray writes it to standard output, which holds a command's answer, and by the page: the last lines of
a log of its own. What a person has to know of it, the sweep says in its own words.
"""

from __future__ import annotations

import logging
from typing import Any

from ray._private import worker as ray_worker

from sweeps.record.run_log import log

__all__ = ["log_messages"]

_LONGEST = 500


def log_messages() -> None:
    """Have what Ray's processes tell this one logged, for the rest of the process."""
    vars(ray_worker)["print_to_stdstream"] = _log


def _log(data: dict[str, Any], *arguments: Any, **more: Any) -> None:
    text = "\n".join(data["lines"])
    log(logging.WARNING, f"Ray: {text[:_LONGEST]}")

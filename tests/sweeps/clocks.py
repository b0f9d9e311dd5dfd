"""Processes whose wall clock is off, as on machines whose clocks are apart."""

from __future__ import annotations

from pathlib import Path

__all__ = ["other_clock"]

# Python imports it at every start. What is measured with monotonic clocks is not touched.
_SITE = """
import time
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + {ahead_s}
time.time_ns = lambda: _time_ns() + {ahead_s} * 10**9
"""


def other_clock(folder: Path, ahead_s: int) -> dict[str, str]:
    """Return the environment of Python processes whose clock is so many seconds ahead."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_SITE.format(ahead_s=ahead_s))
    return {"PYTHONPATH": str(folder)}

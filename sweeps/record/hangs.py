"""Where a trial hung whose worker was ended for it, read from the stack that was left on disk."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["tell_frozen", "timeout_reason", "timeout_stack_path"]

_FROZEN = "its process was frozen: it ran nothing at all"


def timeout_stack_path(checkpoints: Path, index: int) -> Path:
    """Return where the stack of a hung trial's worker is written."""
    return checkpoints / f"{index:06d}.late"


def tell_frozen(checkpoints: Path, index: int) -> None:
    """Leave on disk that a trial's worker is killed from outside, since it could not end itself."""
    with suppress(OSError):  # then it counts as an attempt that failed
        timeout_stack_path(checkpoints, index).write_text(_FROZEN, encoding="utf-8")


def timeout_reason(checkpoints: Path, index: int) -> str:
    """Return where the trial hung when its worker was ended for it; empty where it was not."""
    path = timeout_stack_path(checkpoints, index)
    if not path.exists():
        return ""
    stack = path.read_text(encoding="utf-8", errors="replace")
    return f"hung: killed past trial.timeout_s, at {_innermost(stack)}" if stack else ""


def _innermost(stack: str) -> str:
    """Return the innermost frame of the thread that trains, in faulthandler's dump of all."""
    if stack == _FROZEN:
        return f"an unknown place: {stack}"
    training = [thread for thread in stack.split("\n\n") if "trial_worker.py" in thread]
    lines = "\n".join(training).splitlines()
    frames = [line.strip() for line in lines if line.strip().startswith("File ")]
    return frames[0] if frames else "an unknown place"

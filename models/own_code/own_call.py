"""Calling a function of the user's in the middle of training: what it raises, and where."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from sweeps.models.errors import ModelError
from sweeps.models.own_code.guards import described

__all__ = ["called"]

# Another attempt, alone on the machine or on another one, may not meet them.
_PASSING = (MemoryError, OSError, torch.OutOfMemoryError)


@contextmanager
def called(rule: str, error: Callable[[str], ModelError]) -> Iterator[None]:
    """Turn what the user's code raises into an error that says where; what may pass stays as it is.

    Args:
        rule: what the function must do; the message goes on with how it failed.
        error: makes the error from a message.

    Raises:
        ModelError: as `error`.
    """
    try:
        yield
    except (ModelError, *_PASSING):
        raise
    except Exception as err:
        frames = traceback.extract_tb(err.__traceback__)[1:]  # the first is the caller's
        place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        raise error(f"{rule}, but raised ({described(err)}{place})") from err

"""A stream of torch's random numbers that belongs to one trial.

Nets draw from torch's global generators; each trial puts its own state there while it works and
takes it out again, so that no trial's numbers depend on what else runs in the process.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import torch
from torch import Tensor

__all__ = ["OwnRandomness"]


class OwnRandomness:
    """A context in which torch's global generators continue this trial's own stream.

    numpy's and Python's generators are not touched: a custom net that draws from them is not
    reproducible.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        """Starts a stream.

        Args:
            seed: equal seeds give equal streams; any integer of up to 64 bits.
            device: whose generator is owned besides the CPU's.
        """
        self._device = device if device.type == "cuda" else None
        self.state = {"cpu": torch.Generator().manual_seed(seed).get_state()}
        if self._device is not None:
            self.state["cuda"] = torch.Generator(self._device).manual_seed(seed).get_state()
        self._outer: dict[str, Tensor] = {}

    def __enter__(self) -> Self:
        self._outer = self._now()
        self._put(self.state)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.state = self._now()
        self._put(self._outer)

    def _now(self) -> dict[str, Tensor]:
        states = {"cpu": torch.get_rng_state()}
        if self._device is not None:
            states["cuda"] = torch.cuda.get_rng_state(self._device)
        return states

    def _put(self, states: dict[str, Tensor]) -> None:
        torch.set_rng_state(states["cpu"])
        if self._device is not None:
            torch.cuda.set_rng_state(states["cuda"], self._device)

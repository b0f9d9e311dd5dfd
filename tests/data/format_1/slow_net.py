"""The net of those sweeps here that have one of their own."""

from __future__ import annotations

import time

import torch


class Net(torch.nn.Module):
    """A linear net that takes its time, or fails."""

    def __init__(self, inputs: int, outputs: int, wait_s: float, fails: bool) -> None:
        super().__init__()
        self.affine = torch.nn.Linear(inputs, outputs)
        self.wait_s, self.fails = wait_s, fails

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            time.sleep(self.wait_s)
            if self.fails:
                raise RuntimeError("no such luck")
        return self.affine(x)


def build(
    input_shape: tuple[int, ...], outputs: int, wait_s: float = 0.0, fails: bool = False
) -> Net:
    return Net(input_shape[0], outputs, wait_s, fails)

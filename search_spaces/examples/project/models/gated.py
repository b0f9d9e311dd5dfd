"""A net of your own, which sweep.yaml names as `models.gated:build`."""

import torch
from torch import Tensor, nn


class Gated(nn.Module):
    """One hidden layer whose units are switched on and off by the input."""

    def __init__(self, inputs: int, outputs: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, 2 * width)
        self.out = nn.Linear(width, outputs)

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows (batch, inputs) to (batch, outputs)."""
        value, gate = self.hidden(rows).chunk(2, dim=1)
        answer: Tensor = self.out(torch.tanh(value) * torch.sigmoid(gate))
        return answer


def build(input_shape: tuple[int, ...], outputs: int, width: int) -> nn.Module:
    """Return the net for rows of `input_shape`; `width` is an option, so a sweep can search it."""
    return Gated(input_shape[0], outputs, width)

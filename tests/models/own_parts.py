"""Nets that return more than their answer, and losses that take it."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import cross_entropy


class TwoHeads(nn.Module):
    """Answers by one head, and returns what a second one says besides."""

    def __init__(self, inputs: int, outputs: int, form: str, swapped: bool = False) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, 8), nn.Tanh())
        self.head, self.aux = nn.Linear(8, outputs), nn.Linear(8, outputs + 2)
        self.form, self.swapped = form, swapped

    def forward(self, x: Tensor) -> Any:
        hidden = self.body(x)
        both = self.head(hidden), self.aux(hidden)
        if self.swapped:
            both = both[::-1]
        return dict(zip(("answer", "aux"), both, strict=True)) if self.form == "dict" else both


def two_heads(input_shape: tuple[int, ...], outputs: int, **options: Any) -> nn.Module:
    return TwoHeads(input_shape[0], outputs, **options)


def of_tuple(outputs: tuple[Tensor, Tensor], targets: Tensor, weight: float) -> Tensor:
    answer, aux = outputs
    rows = cross_entropy(answer, targets, reduction="none")
    return rows + weight * cross_entropy(aux, targets, reduction="none")


def of_dict(outputs: dict[str, Tensor], targets: Tensor, weight: float) -> Tensor:
    return of_tuple((outputs["answer"], outputs["aux"]), targets, weight)

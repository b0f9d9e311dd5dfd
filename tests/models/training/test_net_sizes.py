"""A net's operations are those of closed forms, and measuring them leaves no trace."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from sweeps.models.training.net_sizes import Stopwatch, counted
from sweeps.models.training.training import Training
from tests.models.trial_fixtures import DEV_LOSS, blobs, configuration

ROWS = 2
LINEAR = {"kind": "linear"}


def _attention() -> nn.Module:
    return nn.TransformerEncoderLayer(16, 2, dim_feedforward=32, batch_first=True).eval()


@pytest.mark.parametrize(
    ("build", "shape", "of_a_row"),
    [
        (lambda: nn.Linear(64, 10), (64,), 2 * 64 * 10),
        (lambda: nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3)), (8,), 2 * (40 + 15)),
        # 6 x 6 places, 4 channels, each of 3 channels by 3 x 3.
        (lambda: nn.Conv2d(3, 4, 3), (3, 8, 8), 2 * 36 * 4 * 27),
        # Four gates at each of 5 steps, of 8 inputs and 16 states.
        (lambda: nn.LSTM(8, 16, batch_first=True), (5, 8), 2 * 5 * 4 * 16 * (8 + 16)),
        (lambda: nn.GRU(8, 16, batch_first=True), (5, 8), 2 * 5 * 3 * 16 * (8 + 16)),
        # 5 steps: queries, keys, values, output; feedforward; two products of attention.
        (_attention, (5, 16), 2 * 5 * (4 * 16 * 16 + 2 * 16 * 32) + 2 * 2 * 5 * 5 * 16),
        (nn.ReLU, (7,), 0),
    ],
)  # fmt: skip
def test_operations_are_those_of_the_closed_form(
    build: Callable[[], nn.Module], shape: tuple[int, ...], of_a_row: int
) -> None:
    net = build()
    with counted(net) as operations:
        net(torch.zeros(ROWS, *shape))
    assert operations.total == ROWS * of_a_row


def test_a_row_takes_its_share_of_the_fastest_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def taking(seconds: float, rows: int) -> torch.Tensor:
        now[0] += seconds
        return torch.zeros(rows)

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    watch = Stopwatch(torch.device("cpu"))
    passes = [(0.5, 10), (0.02, 10), (0.01, 1)]
    assert [len(watch.timed(partial(taking, *one))) for one in passes] == [10, 10, 1]
    assert watch.ms_per_row == pytest.approx(2)


class Counting(nn.Module):
    """Counts its passes in a buffer, and draws numbers in each."""

    passes: torch.Tensor
    made: ClassVar[list[Counting]] = []

    def __init__(self) -> None:
        super().__init__()
        self.made.append(self)
        self.layer = nn.Linear(2, 2)
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> Any:
        self.passes += 1
        return self.layer(x) + torch.rand(())


def counting(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    return Counting()


@pytest.mark.parametrize("model", [{"kind": "custom", "target": f"{__name__}:counting"}, LINEAR])
def test_a_net_that_is_measured_trains_as_one_that_is_not(model: dict[str, Any]) -> None:
    made = [
        Training(configuration(model=model), blobs(columns=2, classes=2), DEV_LOSS, 3)
        for _ in range(2)
    ]
    found = made[0].sizes
    assert found == {"parameters": 6, "flops": 2 * 2 * 2}
    rows = [[one.train_epoch()["dev_loss"] for _ in range(2)] for one in made]
    assert rows[0] == rows[1]
    assert made[0].sizes == {**found, "ms_per_row": made[0].sizes["ms_per_row"]}
    assert made[0].sizes["ms_per_row"] > 0


def test_no_pass_is_made_for_the_sizes_of_a_net_of_the_users() -> None:
    model = {"kind": "custom", "target": f"{__name__}:counting"}
    training = Training(configuration(model=model), blobs(columns=2, classes=2), DEV_LOSS, 3)
    before = Counting.made[-1].passes.item()
    assert training.sizes["flops"] > 0
    assert Counting.made[-1].passes.item() == before

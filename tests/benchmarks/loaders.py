"""`python -m tests.benchmarks.loaders EPOCHS`: the digits as a dataset that a process reads ahead.

An epoch of a bare loop over torch's loaders beside one of the product's, in turn, each with the
evaluation of all train and dev rows. The first epoch, in which processes start, is not counted.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name for it
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from sweeps.models.configuration import TrialConfig
from sweeps.models.data.builtin import load_builtin
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.data.items import ItemRows
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import Inputs, TrainDev, split_dataset
from sweeps.models.training.training import Training
from tests.benchmarks.processes import run_command

__all__ = ["Digits", "load", "measure_loaders"]

Item = tuple[Tensor, int]
_ROUNDS, _BATCH = 4, 64
_TRIAL = {
    "model": {"kind": "mlp", "hidden_layers": 2, "hidden_units": 64},
    "optimizer": {"kind": "adam", "lr": 0.001},
    "training": {"epochs": 1_000_000, "batch_size": _BATCH, "device": "cpu"},
}


class Digits(Dataset[Item]):
    """(1, 8, 8) float32, and the digit."""

    def __init__(self) -> None:
        data = load_builtin("digits")
        self.x = torch.from_numpy(data.features.numbers).float()
        self.targets = data.target.values.tolist()

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, number: int) -> Item:
        return self.x[number], self.targets[number]


def load() -> Digits:
    return Digits()


def measure_loaders(epochs: int) -> dict[str, float]:
    """Return milliseconds of an epoch of both, medians over rounds in turn, and their ratio."""
    command = run_command(["tests.benchmarks.loaders", str(epochs)])
    numbers: dict[str, float] = json.loads(command.output.splitlines()[-1])
    return numbers


def main(epochs: int) -> None:
    torch.set_num_threads(1)
    source = {"source": "tests.benchmarks.loaders:load", "loader": {"workers": 1}}
    config = DataConfig.model_validate(source)
    data = split_dataset(load_dataset(config, Path()), config, seed=7).train_dev()
    rounds = [(_ms(_bare, data, epochs), _ms(_product, data, epochs)) for _ in range(_ROUNDS)]
    bare_ms, product_ms = map(statistics.median, zip(*rounds, strict=True))
    ratio = statistics.median(product / bare for bare, product in rounds)
    print(json.dumps({"bare_epoch_ms": bare_ms, "epoch_ms": product_ms, "ratio": ratio}))


def _ms(loop: Callable[[TrainDev], Iterator[None]], data: TrainDev, epochs: int) -> float:
    with closing(loop(data)) as running:
        next(running)
        started_s = time.perf_counter()
        list(islice(running, epochs))
        return 1000 * (time.perf_counter() - started_s) / epochs


def _product(data: TrainDev) -> Iterator[None]:
    config = TrialConfig.model_validate(_TRIAL)
    with closing(Training(config, data, Objective("dev_loss", "min"), seed=0)) as training:
        while True:
            training.train_epoch()
            yield


def _bare(data: TrainDev) -> Iterator[None]:
    net = nn.Sequential(
        *(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU()),
        nn.Linear(64, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
    train = _loader(data.x_train, _BATCH, shuffle=True)
    measured = _loader(data.x_train, 4 * _BATCH), _loader(data.x_dev, 4 * _BATCH)
    while True:
        net.train()
        for x, y in train:
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        for loader in measured:
            _loss_and_accuracy(net, loader)
        yield


def _loader(rows: Inputs, batch: int, *, shuffle: bool = False) -> DataLoader[Item]:
    assert isinstance(rows, ItemRows)
    part = Subset(rows.items.dataset, rows.numbers.tolist())
    return DataLoader(part, batch, shuffle=shuffle, num_workers=1, persistent_workers=True)


@torch.no_grad()
def _loss_and_accuracy(net: nn.Module, loader: DataLoader[Item]) -> tuple[float, float]:
    outputs, targets = zip(*((net(x), y) for x, y in loader), strict=True)
    logits, y = torch.cat(outputs), torch.cat(targets)
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""The sweeps that are measured, as files for the product and as plain values for the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

__all__ = [
    "Workload",
    "read_workload",
    "write_digits_sweep",
    "write_empty_sweep",
    "write_sleeping_sweep",
]

Array = npt.NDArray[Any]

_DIGITS = """\
name: bench
seed: 7
data: {{source: digits, split: {{dev: 0.2, test: 0.2}}}}
objective: {{metric: dev_loss}}
search: {{method: random, trials: {trials}}}
stopping: {{scheduler: none}}
resources: {{cpu: 1, gpu: 0, workers: 2}}
space:
  model: {{kind: mlp, hidden_layers: 2, hidden_units: 64}}
  optimizer: {{kind: adam, lr: {{float: [1.0e-4, 1.0e-1], log: true}}}}
  training: {{epochs: {epochs}, batch_size: 64, device: cpu}}
"""

# As near to nothing as a trial can be: one step of a linear net on 90 rows.
_EMPTY = """\
name: bench
seed: 7
data: {{source: iris, split: {{dev: 0.2, test: 0.2}}}}
objective: {{metric: dev_loss}}
search: {{method: random, trials: {trials}}}
stopping: {{scheduler: none}}
resources: {{cpu: 1, gpu: 0, workers: {workers}}}
space:
  model: {{kind: linear}}
  optimizer: {{kind: sgd, lr: {{float: [1.0e-4, 1.0e-1], log: true}}}}
  training: {{epochs: 1, batch_size: full, device: cpu}}
"""

_SLEEPER = """
import time, torch

class Sleeper(torch.nn.Module):
    def __init__(self, input_shape, outputs):
        super().__init__()
        self.affine = torch.nn.Linear(input_shape[0], outputs)
        self.built = False

    def forward(self, x):
        if self.training and self.built:
            time.sleep(1)
        self.built = True  # the first call is a check of the net, before any epoch
        return self.affine(x)
"""


@dataclass(frozen=True)
class Workload:
    """What the digits sweep trains, free of the product's own types.

    Attributes:
        configurations: one a trial, as planned.
        seeds: one a trial.
        x_train: (train rows, 1, 8, 8) float32; y_train: (train rows,) int64.
        x_dev: (dev rows, 1, 8, 8) float32; y_dev: (dev rows,) int64.
    """

    configurations: tuple[dict[str, Any], ...]
    seeds: tuple[int, ...]
    epochs: int
    batch_size: int
    x_train: Array
    y_train: Array
    x_dev: Array
    y_dev: Array

    def learning_rate(self, index: int) -> float:
        return float(self.configurations[index]["optimizer"]["lr"])

    def warm_up(self) -> Workload:
        """The first trial cut to one step: what a process does before its clock starts."""
        rows = slice(self.batch_size)
        return replace(
            self,
            configurations=self.configurations[:1],
            epochs=1,
            x_train=self.x_train[rows],
            y_train=self.y_train[rows],
        )


def write_digits_sweep(folder: Path, trials: int, epochs: int) -> Path:
    """Write digits.yaml: an MLP 64-64-64-10 under Adam with learning rates of three decades."""
    path = folder / "digits.yaml"
    path.write_text(_DIGITS.format(trials=trials, epochs=epochs))
    return path


def write_empty_sweep(folder: Path, trials: int, workers: int = 2) -> Path:
    """Write empty.yaml: trials that train next to nothing."""
    path = folder / "empty.yaml"
    path.write_text(_EMPTY.format(trials=trials, workers=workers))
    return path


def write_sleeping_sweep(folder: Path, trials: int, workers: int) -> Path:
    """Write sleeping.yaml: trials of one epoch that waits for a second."""
    (folder / "bench_sleeper.py").write_text(_SLEEPER)
    path = folder / "sleeping.yaml"
    text = _EMPTY.format(trials=trials, workers=workers)
    path.write_text(text.replace("kind: linear", "kind: custom, target: 'bench_sleeper:Sleeper'"))
    return path


def read_workload(path: Path) -> Workload:
    """Return the trials and the split that the product would train for this file."""
    from sweeps.definition.loading import check_sweep
    from sweeps.models.data.datasets import load_dataset
    from sweeps.models.splits.splits import split_dataset

    sweep, planned = check_sweep(path)
    dataset = load_dataset(sweep.file.data, sweep.base_dir)
    data = split_dataset(dataset, sweep.file.data, sweep.file.seed).train_dev()
    training = planned[0].configuration["training"]
    return Workload(
        configurations=tuple(trial.configuration for trial in planned),
        seeds=tuple(trial.seed for trial in planned),
        epochs=training["epochs"],
        batch_size=training["batch_size"],
        x_train=data.x_train,
        y_train=data.y_train,
        x_dev=data.x_dev,
        y_dev=data.y_dev,
    )

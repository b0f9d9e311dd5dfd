"""`python -m tests.benchmarks.own_code EPOCHS`: a user's loop, and a program, as trials and bare.

The benchmark's digits MLP as own training beside the same loop in a process that does nothing
else, in turn, a few epochs at a time, so that both meet what else the machine does; and as a
program, started by the product and without it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name for it
from torch import Tensor, nn

from sweeps.models.data.builtin import load_builtin
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import TrainDev, split_dataset
from sweeps.models.training.program_run import ProgramPlace
from sweeps.models.training.training import Training
from sweeps.models.trial_kinds import read_trial
from tests.benchmarks.processes import run_command

__all__ = ["measure_own_code", "train"]

_ROUNDS, _BATCH, _LR = 9, 64, 0.001
_TIMES = "BENCH_TIMES"
_DECLARED = {"loss": MetricOptions(goal="min"), "accuracy": MetricOptions(goal="max")}
_OBJECTIVE = Objective("dev_loss", "min", _DECLARED)
Metrics = dict[str, float]


def measure_own_code(epochs: int) -> Metrics:
    """Return milliseconds of an epoch and ratios of own loops, seconds and ratios of programs."""
    command = run_command(["tests.benchmarks.own_code", str(epochs)])
    numbers: Metrics = json.loads(command.output.splitlines()[-1])
    return numbers


def main(epochs: int) -> None:
    torch.set_num_threads(1)
    print(json.dumps(_loops(epochs) | _programs(epochs)))


def _loops(epochs: int) -> Metrics:
    config = DataConfig.model_validate({"source": "digits"})
    data = split_dataset(load_dataset(config, Path()), config, seed=7).train_dev()
    with closing(_trial(data)) as own, closing(_bare(data)) as bare:
        next(own), next(bare)  # the first epoch begins everything
        rounds = [(_spent(bare, epochs), _spent(own, epochs)) for _ in range(_ROUNDS)]
    bare_ms, own_ms = (
        statistics.median(one[0] for one in both) for both in zip(*rounds, strict=True)
    )
    ratios = [
        statistics.median(own[clock] / bare[clock] for bare, own in rounds) for clock in (0, 1)
    ]
    return {
        "bare_epoch_ms": bare_ms,
        "loop_epoch_ms": own_ms,
        "loop_ratio": ratios[0],
        "loop_cpu_ratio": ratios[1],
    }


def _spent(loop: Iterator[None], epochs: int) -> tuple[float, float]:
    """Milliseconds of an epoch by the clock, and of this process's computing."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    list(islice(loop, epochs))
    spent = time.perf_counter() - wall_s, time.process_time() - cpu_s
    return 1000 * spent[0] / epochs, 1000 * spent[1] / epochs


def _trial(data: TrainDev) -> Iterator[None]:
    target = f"{__name__ if __name__ != '__main__' else 'tests.benchmarks.own_code'}:train"
    training = {"kind": "custom", "target": target, "options": {"lr": _LR}, "epochs": 1_000_000}
    config = read_trial({"training": {**training, "device": "cpu"}})
    with closing(Training(config, data, _OBJECTIVE, seed=0)) as trial:
        while True:
            trial.train_epoch()
            yield


def train(trial: Any, lr: float) -> Iterator[Metrics]:
    """The loop below, as a user brings it to a sweep: with three lines of its own."""
    net = _net()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    trial.keep(net=net, optimizer=optimizer)
    for _ in trial.epochs(lambda rows: _measured(net, rows.x, rows.y)):
        _train_epoch(net, optimizer, trial.train.x, trial.train.y)
        net.eval()
        yield _measured(net, trial.train.x, trial.train.y)


def _bare(data: TrainDev) -> Iterator[None]:
    parts = (data.x_train, data.y_train, data.x_dev, data.y_dev)
    x_train, y_train, x_dev, y_dev = (torch.as_tensor(part) for part in parts)
    net = _net()
    optimizer = torch.optim.Adam(net.parameters(), lr=_LR)
    while True:
        _train_epoch(net, optimizer, x_train, y_train)
        net.eval()
        _measured(net, x_train, y_train)
        _measured(net, x_dev, y_dev)
        yield


def _net() -> nn.Module:
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU()),
        nn.Linear(64, 10),
    )


def _train_epoch(net: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    net.train()
    for rows in torch.randperm(len(x)).split(_BATCH):
        loss = F.cross_entropy(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.no_grad()
def _measured(net: nn.Module, x: Tensor, y: Tensor) -> Metrics:
    logits = net(x)
    accuracy = (logits.argmax(1) == y).float().mean()
    return {"loss": F.cross_entropy(logits, y).item(), "accuracy": accuracy.item()}


def _programs(epochs: int) -> Metrics:
    """Compare programs by what they write of their own clock: when they began, and each epoch."""
    rounds = [(_times(_run_bare, epochs), _times(_run_trial, epochs)) for _ in range(3)]
    begun = [own["begun_s"] - bare["begun_s"] for bare, own in rounds]
    ended = [own["ended_s"] - bare["ended_s"] for bare, own in rounds]
    ratios = [own["epoch_ms"] / bare["epoch_ms"] for bare, own in rounds]
    return {
        "program_ratio": statistics.median(ratios),
        "program_start_s": statistics.median(begun),
        "program_end_s": statistics.median(ended),
    }


def _times(run: Callable[[Path, int], None], epochs: int) -> Metrics:
    """From the call to the program's first line, of an epoch, and from its last to the return."""
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        os.environ[_TIMES] = str(folder / "times")
        called = time.time()
        run(folder, epochs)
        returned = time.time()
        begun, *ends = map(float, (folder / "times").read_text().split())
    return {
        "begun_s": begun - called,
        "epoch_ms": 1000 * (ends[-1] - begun) / epochs,
        "ended_s": returned - ends[-1],
    }


def _run_bare(folder: Path, epochs: int) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.own_code", "program", str(epochs)]
    with (folder / "output.log").open("wb") as output:
        subprocess.run(
            command,
            env={**os.environ, "OMP_NUM_THREADS": "1", "SWEEPS_METRICS": str(folder / "metrics")},
            stdout=output,
            check=True,
        )


def _run_trial(folder: Path, epochs: int) -> None:
    command = "python -m tests.benchmarks.own_code program {epochs}"
    training = {"kind": "program", "command": command, "epochs": epochs}
    place = ProgramPlace(folder / "trial", Path.cwd())
    with closing(Training(read_trial({"training": training}), (), _OBJECTIVE, 0, place)) as trial:
        while trial.outcome is None:
            trial.train_epoch()


def program(epochs: int) -> None:
    """Train the digits as a program does, and report each epoch."""
    data = load_builtin("digits")
    x, y = torch.from_numpy(data.features.numbers).float(), torch.as_tensor(data.target.values)
    net = _net()
    optimizer = torch.optim.Adam(net.parameters(), lr=_LR)
    paths = [Path(os.environ[name]) for name in ("SWEEPS_METRICS", _TIMES)]
    with (
        paths[0].open("a", encoding="utf-8") as metrics,
        paths[1].open("a", encoding="utf-8") as times,
    ):
        print(time.time(), file=times, flush=True)
        for epoch in range(1, epochs + 1):
            _train_epoch(net, optimizer, x[:-360], y[:-360])
            net.eval()
            row = {"epoch": epoch, **_measured(net, x[-360:], y[-360:])}
            print(json.dumps(row), file=metrics, flush=True)
            print(time.time(), file=times, flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    program(int(sys.argv[2])) if sys.argv[1] == "program" else main(int(sys.argv[1]))

"""The training loop: one trial, epoch by epoch, that can be saved and continued bit for bit.

Nothing is done per batch that the configuration did not ask for, and the device is waited for
once an epoch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from models.configuration import Mode, TrialConfig, check_trial, metrics_for
from models.device_data import DeviceData
from models.errors import TrialConfigError, WeightsError
from models.flat_parameters import FlatParameters
from models.metrics import classification_metrics, regression_metrics, training_loss
from models.nets import build_net
from models.optimizers import build_optimizer
from models.randomness import OwnRandomness
from models.regularizers import Patience, gradient_changes
from models.schedules import Horizon, Schedule
from models.splits import TrainDev
from models.weights import pack, unpack

__all__ = ["Objective", "Training"]

# Raised whenever older checkpoints can no longer be continued from.
_CHECKPOINT_FORMAT = 1


@dataclass(frozen=True)
class Objective:
    """What a trial is judged by: a metric of its epochs, and whether low or high is good."""

    metric: str
    mode: Mode


class Training:
    """One trial's training.

    Epochs are counted from 1 in everything that is reported. Equal arguments give equal numbers,
    bit for bit on a CPU with the same number of threads, whatever else the process trains.

    Attributes:
        epoch: epochs trained so far.
        history: one row an epoch, as `train_epoch` returned it.
        outcome: None while there is more to train.
        reason: why it ended early; empty if it did not.
        best_epoch: the epoch with the best finite objective, the earliest of equals; None before
            there is one.
        best_value: the objective at that epoch.
    """

    def __init__(
        self, config: TrialConfig, data: TrainDev, objective: Objective, seed: int
    ) -> None:
        """Builds the net, its optimizer and its data on the configured device.

        Raises:
            ModelError: the configuration does not suit the data or this machine, or the user's
                own net does not work.
        """
        check_trial(config, data.task, data.input_shape)
        device = _device(config.training.device)
        self._config = config
        self._objective = objective
        self._randomness = OwnRandomness(seed, device)
        with self._randomness:
            self._net = build_net(config.model, data.input_shape, data.outputs).to(device)
        self._parameters = FlatParameters(self._net)
        self._optimizer = build_optimizer(config.optimizer, self._parameters)
        self._data = DeviceData(data, config.training.batch_size, device)
        horizon = Horizon(config.training.epochs, self._data.batches_per_epoch)
        self._schedule = Schedule(config.schedule, config.optimizer.lr, horizon, objective.mode)
        self._loss = training_loss(data.task, config.regularization.label_smoothing)
        self._gradient_changes = gradient_changes(config.regularization, self._parameters)
        early_stopping = config.regularization.early_stopping
        self._patience = early_stopping and Patience(early_stopping, objective.mode)
        self._precision = _precision(config.training.precision, device)
        self._metric_names = metrics_for(data.task)
        self._metrics = _metrics_of(data)
        self._best_weights: dict[str, Tensor] = {}
        self.epoch = 0
        self.history: list[dict[str, float]] = []
        self.outcome: Literal["completed", "early_stopped", "diverged"] | None = None
        self.reason = ""
        self.best_epoch: int | None = None
        self.best_value: float | None = None

    def train_epoch(self) -> dict[str, float]:
        """Trains one epoch and returns its row: epoch, metrics, lr of the last batch, epoch_s.

        Metrics are those of the weights after the epoch, on all train and all dev rows, with
        dropout off. An epoch in which a loss or metric is not finite ends the trial.
        """
        assert self.outcome is None, f"the trial has ended: {self.outcome}"
        started_s = time.perf_counter()
        gradient = self._parameters.gradient
        with self._randomness:
            self._net.train()
            loss_sum = torch.zeros((), device=gradient.device)
            rates = self._schedule.rates(self.epoch)
            for (x, y), lr in zip(self._data.batches(), rates, strict=True):
                with self._precision:
                    outputs = self._net(x)
                loss = self._loss(outputs.float(), y)
                loss_sum += loss.detach()
                gradient.zero_()
                loss.backward()  # type: ignore[no-untyped-call]
                for change in self._gradient_changes:
                    change()
                self._optimizer.step(lr)
            metrics, loss_total = self._evaluate(loss_sum)
        epoch_s = time.perf_counter() - started_s
        row = {"epoch": self.epoch + 1, **metrics, "lr": rates[-1], "epoch_s": epoch_s}
        self._conclude(row, loss_total)
        return row

    def _evaluate(self, loss_sum: Tensor) -> tuple[dict[str, float], float]:
        """The metrics of train and dev, and the sum of the batches' losses, in one transfer."""
        self._net.eval()
        with torch.no_grad():
            with self._precision:
                blocks = [self._net(x) for x in self._data.passes()]
            outputs = torch.cat(blocks).float()
            parts = [self._metrics(*part) for part in self._data.by_part(outputs)]
            *values, loss_total = torch.cat([*parts, loss_sum.view(1)]).tolist()
        return dict(zip(self._metric_names, values, strict=True)), loss_total

    def _conclude(self, row: dict[str, float], loss_total: float) -> None:
        self.history.append(row)
        self.epoch += 1
        unsound = _first_not_finite({**row, "a batch's loss": loss_total})
        if unsound:
            self.outcome, self.reason = "diverged", f"{unsound} in epoch {self.epoch}"
            return
        value = row[self._objective.metric]
        if self._is_best(value):
            self.best_epoch, self.best_value = self.epoch, value
            state = self._net.state_dict()
            self._best_weights = {name: tensor.clone() for name, tensor in state.items()}
        self._schedule.observe(self.epoch - 1, value)
        if self._patience:
            self._patience.observe(value)
        if self.epoch == self._config.training.epochs:
            self.outcome = "completed"
        elif self._patience and self._patience.is_over:
            self.outcome = "early_stopped"
            waited = f"for {self._patience.epochs} epochs"
            self.reason = f"{self._objective.metric} has not improved {waited}"

    def _is_best(self, value: float) -> bool:
        if self.best_value is None:
            return True
        return value < self.best_value if self._objective.mode == "min" else value > self.best_value

    @property
    def best_weights(self) -> dict[str, Tensor]:
        """The net's state_dict after `best_epoch`, on the CPU; empty before there is one."""
        return {name: tensor.cpu() for name, tensor in self._best_weights.items()}

    def checkpoint(self) -> bytes:
        """Everything that `restore` needs to continue as if never stopped."""
        about = {
            "format": _CHECKPOINT_FORMAT,
            "config": self._config.model_dump(mode="json"),
            "epoch": self.epoch,
            "history": self.history,
            "outcome": self.outcome,
            "reason": self.reason,
            "best_epoch": self.best_epoch,
            "best_value": self.best_value,
            "schedule": self._schedule.state(),
            "patience": self._patience.state() if self._patience else None,
        }
        groups = {**self._live_tensors(), "random": self._randomness.state}
        groups["best"] = self._best_weights
        named = {f"{group}/{name}": t for group, ts in groups.items() for name, t in ts.items()}
        return pack(named, about)

    def restore(self, checkpoint: bytes) -> None:
        """Continues where `checkpoint()` was taken, in a Training with the same arguments.

        Raises:
            WeightsError: the bytes are damaged or belong to another configuration. The Training
                is then of no further use.
        """
        named, about = unpack(checkpoint)
        if about.get("format") != _CHECKPOINT_FORMAT:
            raise WeightsError("a checkpoint has format 1", value=about.get("format"))
        if about["config"] != self._config.model_dump(mode="json"):
            raise WeightsError("a checkpoint is continued with its own configuration")
        try:
            self._restore_tensors(named)
        except (KeyError, RuntimeError) as err:
            raise WeightsError(f"a checkpoint fits the net that is trained: {err}") from err
        self._schedule.restore(about["schedule"])
        if self._patience:
            self._patience.restore(about["patience"])
        for name in ("epoch", "history", "outcome", "reason", "best_epoch", "best_value"):
            setattr(self, name, about[name])

    def _live_tensors(self) -> dict[str, dict[str, Tensor]]:
        """What training changes in place; buffers include those that a state_dict leaves out."""
        return {
            "parameters": {name: tensor.data for name, tensor in self._net.named_parameters()},
            "buffers": dict(self._net.named_buffers()),
            "optimizer": self._optimizer.state,
        }

    def _restore_tensors(self, named: dict[str, Tensor]) -> None:
        for group, tensors in self._live_tensors().items():
            for name, tensor in tensors.items():
                tensor.copy_(named[f"{group}/{name}"])
        states = self._randomness.state
        self._randomness.state = {name: named[f"random/{name}"] for name in states}
        best = (name for name in named if name.startswith("best/"))
        device = self._parameters.vector.device
        self._best_weights = {name.removeprefix("best/"): named[name].to(device) for name in best}


def _metrics_of(data: TrainDev) -> Callable[[Tensor, Tensor], Tensor]:
    if data.task == "classification":
        return classification_metrics
    return partial(regression_metrics, scale=data.target_scale)


def _device(wanted: str) -> torch.device:
    has_cuda = torch.cuda.is_available()
    if wanted == "cuda" and not has_cuda:
        raise TrialConfigError(
            "this machine has a CUDA device that torch can use",
            key=("training", "device"),
            value=wanted,
            hint="Use auto or cpu",
        )
    return torch.device("cuda" if has_cuda and wanted != "cpu" else "cpu")


def _precision(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """The context of every forward pass.

    The cache of autocast is off: it would keep bf16 copies of weights that a step has changed.
    """
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False)


def _first_not_finite(values: dict[str, float]) -> str:
    for name, value in values.items():
        if not math.isfinite(value):
            return f"{name} is {value}"
    return ""

"""One net of a trial, trained and evaluated an epoch at a time.

Nothing is done per batch that the configuration did not ask for, and the device is waited for
once an epoch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sweeps.models.configuration import TrialConfig, check_trial, net_outputs
from sweeps.models.data.item_forms import zero_rows
from sweeps.models.data.item_reading import example_rows
from sweeps.models.data.items import ItemRows, NetInputs
from sweeps.models.errors import NetError
from sweeps.models.nets.forward import forward, returned_by
from sweeps.models.nets.nets import build_net
from sweeps.models.optimizers.flat_parameters import FlatParameters
from sweeps.models.optimizers.optimizers import build_optimizer, change_optimizer
from sweeps.models.optimizers.schedules import Horizon, Schedule
from sweeps.models.own_code.net_parts import Parts, parts_of, together
from sweeps.models.own_code.own_call import called
from sweeps.models.process.randomness import OwnRandomness
from sweeps.models.scoring.answers import Answers, metric_values, units_on
from sweeps.models.scoring.losses import Loss, class_weights_of, pos_weight_of
from sweeps.models.scoring.measured_metrics import loss_function, measured_metrics
from sweeps.models.scoring.metrics import metric_columns
from sweeps.models.scoring.objective import Objective
from sweeps.models.scoring.own_loss import try_loss
from sweeps.models.scoring.row_weights import positive_weights, row_weights
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.accumulation import Batches, in_steps
from sweeps.models.training.device_data import Batch, TrainingData
from sweeps.models.training.devices import chosen_device
from sweeps.models.training.item_data import trial_data
from sweeps.models.training.net_sizes import Stopwatch, counted
from sweeps.models.training.own_batch import BatchChange
from sweeps.models.training.regularizers import gradient_changes

__all__ = ["NetEpoch", "NetTraining", "not_finite"]


# Not as many as there are classes or outputs, most often, so that no dimension is mistaken.
_TRIED = 7
# Nets may not take one row alone.
_COUNTED = 2
# Rows that are asked together and in pairs, and what is no answer to measure by.
_ASKED, _SMALL_ANSWER = 16, 1e-3


class NetEpoch(NamedTuple):
    """What came of one epoch of one net.

    Attributes:
        row: its metrics, lr of the last batch, epoch_s.
        fault: which loss was not finite; empty if all were. A metric may be none, and the net
            goes on training.
    """

    row: dict[str, float]
    fault: str


class NetTraining:
    """A net with its data, optimizer, schedule and random numbers.

    Which epoch is best and when to stop is for its trial to say, which may have several nets.
    """

    def __init__(
        self, config: TrialConfig, data: TrainDev, objective: Objective, seed: int
    ) -> None:
        """Builds the net, its optimizer and its data on the configured device.

        Raises:
            ModelError: the configuration does not suit the data or this machine, or the user's
                own net does not work.
        """
        check_trial(config, data)
        device = chosen_device(config.training.device)
        kinds = (config.model.kind, config.optimizer.kind, config.loss.kind)
        is_all_ours = "custom" not in kinds and config.batch is None
        self._randomness = OwnRandomness(seed, device, is_all_ours)
        outputs = net_outputs(config, data)
        rows = _tried_rows(data)
        with self._randomness:
            net = build_net(
                config.model, data.input_shape, outputs, rows, categories=data.category_counts
            )
            self._net = net.to(device)
        self._parameters = FlatParameters(self._net)
        with self._randomness:
            self._optimizer = build_optimizer(config.optimizer, self._parameters)
        weights = row_weights(class_weights_of(config.loss), data.y_train, data.weights)
        size = config.training.batch_size
        self._data: TrainingData = trial_data(data, size, device, seed, weights)
        classes = outputs if data.task == "classification" else None
        self._change = None if config.batch is None else BatchChange(config.batch, device, classes)
        self._accumulate = config.training.accumulate
        steps = math.ceil(self._data.batches_per_epoch / self._accumulate)
        horizon = Horizon(config.training.epochs, steps)
        self.schedule = Schedule(config.schedule, config.optimizer.lr, horizon, objective.mode)
        self._takes_logits = data.task == "classification" and config.loss.kind != "custom"
        self._loss_of = partial(_loss_of, data=data, device=device)
        self._loss = self._loss_of(config)
        self._gradient_changes = gradient_changes(config.regularization, self._parameters)
        self._precision = _precision(config.training.precision, device)
        metrics = measured_metrics(data.task, objective.recorded, config.loss)
        self._metrics = tuple(metrics.values())
        self._columns = metric_columns(metrics)
        units = units_on(device, data.target_mean, data.target_scale)
        self._answers = partial(Answers.of, data.task, units=units)
        self._kept: dict[str, Tensor] = {}
        self._flops: float | None = None
        self._stopwatch = Stopwatch(device)
        self._parts: Parts | None = None
        if not is_all_ours:
            self._try_out(config)

    def _try_out(self, config: TrialConfig) -> None:
        """Tries what is the user's own on a few train rows: the function of batches, net, loss.

        Raises:
            ModelError: one of them would fail on them at every attempt.
        """
        batch = self._data.first(_TRIED)
        key, target = ("model", "target"), getattr(config.model, "target", config.model.kind)
        refused = partial(NetError, key=key, value=target, is_permanent=True)
        self._net.eval()
        with self._randomness:
            x, y, _ = batch if self._change is None else self._change(batch)
            told = called("the net must take data rows", refused)
            with self._precision, told, counted(self._net) as operations:
                returned = returned_by(self._net, x)
            self._flops = operations.total / len(y)
            parts = self._parts = parts_of(returned)
            outputs = returned if parts is None else together(returned)
            try_loss(self._loss, outputs.float().detach(), y, parts)
        if parts is not None:
            self._answers = partial(self._answers, parts=parts)
            self._loss = partial(self._loss, parts=parts)

    def change(self, config: TrialConfig) -> None:
        """Goes on by a configuration with other rates and regularizers; the states stay.

        Args:
            config: the one before but for values that `models.changes` allows.
        """
        change_optimizer(self._optimizer, config.optimizer, self._parameters)
        self.schedule.change_rate(config.optimizer.lr)
        self._gradient_changes = gradient_changes(config.regularization, self._parameters)
        loss = self._loss_of(config)
        self._loss = loss if self._parts is None else partial(loss, parts=self._parts)
        rate: float | None = getattr(config.model, "dropout", None)  # not every net has one
        for module in self._net.modules():
            if isinstance(module, nn.Dropout) and rate is not None:
                module.p = rate

    def train_epoch(self, epoch: int) -> NetEpoch:
        """Trains one epoch, counted from 0.

        Metrics are those of the weights after the epoch, with dropout off, on all dev rows and on
        the train rows that are measured: all, unless the data say otherwise.
        """
        started_s = time.perf_counter()
        with self._randomness:
            self._net.train()
            # Summed on the device: reading each loss would wait for it once a batch.
            loss_sum = torch.zeros((), device=self._parameters.gradient.device)
            rates = self.schedule.rates(epoch)
            for batches, lr in zip(self._steps(epoch), rates, strict=True):
                loss_sum += self._optimizer.step(lr, partial(self._gradients, batches))
            metrics, loss_total = self._evaluate(loss_sum)
        row = {**metrics, "lr": rates[-1], "epoch_s": time.perf_counter() - started_s}
        losses = {name: row[name] for name in ("train_loss", "dev_loss")}
        return NetEpoch(row, not_finite({**losses, "a batch's loss": loss_total}))

    def _steps(self, epoch: int) -> Iterator[Batches]:
        batches = self._data.batches(epoch)
        changed = batches if self._change is None else map(self._change, batches)
        return in_steps(changed, self._accumulate)

    def _gradients(self, batches: Batches) -> Tensor:
        """Puts the gradient of a step's batches in place, and returns the sum of their losses."""
        self._parameters.gradient.zero_()
        losses = [self._add_gradient(batch, share) for batch, share in batches]
        for change in self._gradient_changes:
            change()
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def _add_gradient(self, batch: Batch, share: Tensor | None) -> Tensor:
        x, y, weights = batch
        with self._precision:
            outputs = forward(self._net, x)  # (rows of the batch, outputs), bf16 under autocast
        loss = self._batch_loss(outputs.float(), y, weights)
        loss.backward(share)  # type: ignore[no-untyped-call]
        return loss.detach()

    def _batch_loss(self, outputs: Tensor, y: Tensor, weights: Tensor | None) -> Tensor:
        if weights is None:
            return self._loss(outputs, y)
        return (self._loss(outputs, y, reduction="none") * weights).mean()

    def _evaluate(self, loss_sum: Tensor) -> tuple[dict[str, float], float]:
        """The metrics of train and dev, and the sum of the batches' losses, in one transfer."""
        self._net.eval()
        with torch.no_grad():
            with self._precision:
                is_timed = math.isinf(self._stopwatch.ms_per_row)
                pass_on = self._timed if is_timed else partial(forward, self._net)
                blocks = [pass_on(x) for x in self._data.passes()]
            outputs = torch.cat(blocks).float()  # (measured train + dev rows, outputs)
            parts = [
                metric_values(self._answers(part_outputs, targets), self._metrics)
                for part_outputs, targets in self._data.by_part(outputs)
            ]
            *values, loss_total = torch.cat([*parts, loss_sum.double().view(1)]).tolist()
        return dict(zip(self._columns, values, strict=True)), loss_total

    def _timed(self, x: NetInputs) -> Any:
        return self._stopwatch.timed(partial(forward, self._net, x))

    def evaluate_again(self) -> None:
        """Measures once more, and keeps nothing of it; what is drawn for it is not counted."""
        with self._randomness, self._randomness.again():
            self._evaluate(torch.zeros((), device=self._parameters.gradient.device))

    @contextmanager
    def _asking(self) -> Iterator[Callable[[int, int], Tensor]]:
        """Give what the net puts out for some of the first rows; the trial stays as it is."""
        block = next(iter(self._data.passes()))
        self._net.eval()

        def asked(first: int, last: int) -> Tensor:
            outputs: Tensor = forward(self._net, _cut(block, first, last))
            return outputs.float()

        with torch.no_grad(), self._precision, self._randomness, self._randomness.again():
            yield asked

    def differs_alone(self) -> float:
        """How far answers move where rows are asked in pairs, as a share of the largest answer.

        0 of a net that draws while it is evaluated: nothing can be told of it.
        """
        with self._asking() as asked:
            together, again = asked(0, _ASKED), asked(0, _ASKED)
            if not torch.equal(together, again):
                return 0.0
            pairs = torch.cat([asked(row, row + 2) for row in range(0, len(together), 2)])
        largest = max(float(together.abs().max()), _SMALL_ANSWER)
        return float((together - pairs).abs().max()) / largest

    def gives_probabilities(self) -> bool:
        """Whether answers are probabilities of classes, where the loss takes them for logits."""
        if not self._takes_logits:
            return False
        with self._asking() as asked:
            outputs = asked(0, _ASKED)
        totals = outputs.sum(1)
        is_distribution = torch.allclose(totals, torch.ones_like(totals), atol=1e-3)
        return outputs.shape[1] > 1 and is_distribution and bool((outputs >= 0).all())

    def sizes(self) -> dict[str, float]:
        """What the net is by `SIZES`, as far as it is known: its time from the first epoch on."""
        if self._flops is None:
            self._flops = self._counted()
        # Numbers that layers share count once.
        parameters = sum(one.numel() for one in self._parameters.named.values())
        measured = self._stopwatch.ms_per_row
        return {
            "parameters": parameters,
            "flops": self._flops,
            **({"ms_per_row": measured} if math.isfinite(measured) else {}),
        }

    def _counted(self) -> float:
        """Counts the operations of a row in a net of ours, which knows nothing of its passes."""
        x, y, _ = self._data.first(_COUNTED)
        self._net.eval()
        with self._randomness, self._randomness.again(), counted(self._net) as operations:
            forward(self._net, x)
        return operations.total / len(y)

    def keep_weights(self) -> None:
        """Copies the weights as they are now, in place of what was kept before."""
        self._kept = {name: tensor.clone() for name, tensor in self._net.state_dict().items()}

    @property
    def kept_weights(self) -> dict[str, Tensor]:
        """The state_dict at the last `keep_weights`, on the CPU; empty before there is one."""
        return {name: tensor.cpu() for name, tensor in self._kept.items()}

    def tensors(self) -> dict[str, Tensor]:
        """All that `restore` needs but the schedule's state, by `group/name`."""
        groups = {
            **self._live_tensors(),
            "optimizer": self._optimizer.tensors(),
            "random": self._randomness.tensors(),
            "best": self._kept,
        }
        return {f"{group}/{name}": t for group, ts in groups.items() for name, t in ts.items()}

    def restore(self, named: Mapping[str, Tensor]) -> None:
        """Continues from `tensors()`.

        Raises:
            KeyError: a tensor is missing.
            RuntimeError: a tensor has another shape.
        """
        for group, tensors in self._live_tensors().items():
            for name, tensor in tensors.items():
                tensor.copy_(named[f"{group}/{name}"])
        self._optimizer.restore(_group("optimizer", named))
        self._randomness.restore(_group("random", named))
        device = self._parameters.vector.device
        self._kept = {name: tensor.to(device) for name, tensor in _group("best", named).items()}

    def forget_weights(self) -> None:
        """Drops what `keep_weights` kept."""
        self._kept = {}

    def close(self) -> None:
        """End what reads its rows outside this process."""
        self._data.close()

    def _live_tensors(self) -> dict[str, dict[str, Tensor]]:
        """What training changes in place; buffers include those that a state_dict leaves out."""
        return {
            "parameters": {name: tensor.data for name, tensor in self._net.named_parameters()},
            "buffers": dict(self._net.named_buffers()),
        }


def _cut(x: NetInputs, first: int, last: int) -> NetInputs:
    """Copies of some rows, which the net may change in place."""
    if isinstance(x, Tensor):
        return x[first:last].clone()
    return {name: one[first:last].clone() for name, one in x.items()}


def _tried_rows(data: TrainDev) -> NetInputs | None:
    """Two rows to try a net on; of a dataset whose items zeros may not stand for, its own."""
    rows = zero_rows(data.item)
    if rows is None and isinstance(data.x_train, ItemRows):
        return example_rows(data.x_train)
    return rows


def _loss_of(config: TrialConfig, data: TrainDev, device: torch.device) -> Loss:
    positive = positive_weights(pos_weight_of(config.loss), data.y_train)
    on_device = None if positive is None else torch.from_numpy(positive).to(device)
    smoothing = config.regularization.label_smoothing
    return loss_function(data.task, config.loss, smoothing, on_device)


def _group(group: str, named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = f"{group}/"
    return {name[len(prefix) :]: t for name, t in named.items() if name.startswith(prefix)}


def _precision(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """The context of every forward pass.

    The cache of autocast is off: it would keep bf16 copies of weights that a step has changed.
    """
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False)


def not_finite(values: Mapping[str, float]) -> str:
    """Return which is the first value that is not finite, and what it is; empty if all are."""
    for name, value in values.items():
        if not math.isfinite(value):
            return f"{name} is {value}"
    return ""

"""The training of one trial, epoch by epoch, that can be saved and continued bit for bit.

A trial has one net, or with cross-validation one a fold; these are trained in lock step, so that
every epoch has one objective and all of them stop together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import ValidationError
from torch import Tensor

from sweeps.models.errors import WeightsError
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.folds import fold_row, fold_seed, in_fold, of_fold
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.learner import build_learner
from sweeps.models.training.net_training import NetEpoch, NetTraining, not_finite
from sweeps.models.training.own_loop import OwnLoop
from sweeps.models.training.program_run import ProgramPlace
from sweeps.models.training.regularizers import Patience
from sweeps.models.training.weights import pack, unpack
from sweeps.models.trial_kinds import AnyTrialConfig, read_trial

__all__ = ["Training"]

# Raised whenever older checkpoints can no longer be continued from.
_CHECKPOINT_FORMAT = 2


class Training:
    """One trial's training.

    Epochs are counted from 1 in everything that is reported. Equal arguments give equal numbers,
    bit for bit on a CPU with the same number of threads, whatever else the process trains.

    Attributes:
        epoch: epochs trained so far.
        history: one row an epoch, as `train_epoch` returned it; of those that were not dropped.
        trained_s: seconds that all epochs took together.
        outcome: None while there is more to train.
        reason: why it ended early; empty if it did not.
        best_row: the row of the epoch with the best finite objective, the earliest of equals; None
            before there is one.
    """

    def __init__(
        self,
        config: AnyTrialConfig,
        data: TrainDev | Sequence[TrainDev],
        objective: Objective,
        seed: int,
        place: ProgramPlace | None = None,
    ) -> None:
        """Builds the nets on the configured device.

        Args:
            config: what is trained, how, and for how long.
            data: what the net is trained on; or one for each fold, of which each has its own net
                and a seed of its own (`fold_seed`). One alone stands for itself; none is for
                user-defined training that needs no data.
            objective: with folds, of their mean.
            seed: of all random numbers.
            place: where a program runs; others need none.

        Raises:
            ModelError: the configuration does not suit the data or this machine, or the user's
                own net does not work.
        """
        self._config = config
        self._in_force = config.at(1)
        self._objective = objective
        folds: Sequence[TrainDev | None] = [data] if isinstance(data, TrainDev) else data or [None]
        seeds = [seed] if len(folds) == 1 else [fold_seed(seed, i + 1) for i in range(len(folds))]
        self._nets = [
            build_learner(self._in_force, fold, objective, own, place)
            for fold, own in zip(folds, seeds, strict=True)
        ]
        early_stopping = config.regularization.early_stopping
        self._patience = early_stopping and Patience(early_stopping, objective.mode)
        self.epoch = 0
        self.trained_s = 0.0
        self.history: list[dict[str, float]] = []
        self.outcome: Literal["completed", "early_stopped", "diverged"] | None = None
        self.reason = ""
        self.best_row: dict[str, float] | None = None

    def train_epoch(self) -> dict[str, float]:
        """Trains one epoch and returns its row: epoch, metrics, lr of the last batch, epoch_s.

        Metrics are those of the weights after the epoch, on all train and all dev rows, with
        dropout off; with folds, means with standard errors (`fold_row`). An epoch in which a
        loss or the objective of any net is not finite ends the trial.
        """
        assert self.outcome is None, f"the trial has ended: {self.outcome}"
        self._make_changes_before(self.epoch + 1)
        epochs = [net.train_epoch(self.epoch) for net in self._nets]
        self.epoch += 1
        rows = [epoch.row for epoch in epochs]
        row = {"epoch": self.epoch, **(rows[0] if len(rows) == 1 else fold_row(rows))}
        self.trained_s += row["epoch_s"]
        self.history.append(row)
        objective = self._objective.metric
        fault = _first_fault(epochs) or not_finite({objective: row[objective]})
        if fault:
            self.outcome, self.reason = "diverged", f"{fault} in epoch {self.epoch}"
        else:
            self._judge(row)
        return row

    def _make_changes_before(self, epoch: int) -> None:
        """Has the nets go on by what holds in an epoch; with a change, the best is sought anew.

        A net that goes on by other values is another answer than the one before, and of a
        population most are copies: each would have the best epoch of the one they were copied from.
        """
        if not self._config.changes:
            return
        self._take_values_of(epoch)
        if any(change.from_epoch == epoch for change in self._config.changes):
            self.best_row = None
            for net in self._nets:
                net.forget_weights()

    def _take_values_of(self, epoch: int) -> None:
        config = self._config.at(epoch)
        if config == self._in_force:
            return
        self._in_force = config
        for net in self._nets:
            net.change(config)

    def _judge(self, row: dict[str, float]) -> None:
        """Draws from the objective after an epoch what follows: best weights, rates, the end."""
        value = row[self._objective.metric]
        if self._objective.better(value, self.best_value):
            self.best_row = row
            for net in self._nets:
                net.keep_weights()
        for net in self._nets:
            net.schedule.observe(self.epoch - 1, value)
        if self._patience:
            self._patience.observe(value)
        if self.epoch == self._config.training.epochs:
            self.outcome = "completed"
        elif self._patience and self._patience.is_over:
            self.outcome = "early_stopped"
            waited = f"for {self._patience.epochs} epochs"
            self.reason = f"{self._objective.metric} has not improved {waited}"

    @property
    def best_epoch(self) -> int | None:
        """The epoch of `best_row`."""
        return None if self.best_row is None else int(self.best_row["epoch"])

    @property
    def best_value(self) -> float | None:
        """The objective of `best_row`."""
        return None if self.best_row is None else self.best_row[self._objective.metric]

    @property
    def best_weights(self) -> dict[str, Tensor]:
        """The net's state_dict after `best_epoch`, on the CPU; empty before there is one.

        With folds, those of all nets by `fold<i>/<name>`.
        """
        return _together([net.kept_weights for net in self._nets])

    @property
    def sizes(self) -> dict[str, float]:
        """The size of a net by `SIZES`: each fold has such a net; empty for user-defined code.

        What is measured of it is known from the first epoch on, in the process that trained it.
        """
        first = self._nets[0]
        return first.sizes() if isinstance(first, NetTraining) else {}

    @property
    def predicts(self) -> bool:
        """Whether own training gives what answers rows; known from its first epoch on."""
        return any(isinstance(net, OwnLoop) and net.predicts for net in self._nets)

    def measure_sizes(self) -> None:
        """Measures what `sizes` lacks of a net that was restored and not trained here."""
        first = self._nets[0]
        if isinstance(first, NetTraining):
            first.evaluate_again()

    def evaluate_again(self) -> None:
        """Measures the nets as they are once more, and keeps nothing of it."""
        for net in self._nets:
            net.evaluate_again()

    def differs_alone(self) -> float:
        """How far a net's answers move where rows are asked in pairs; 0 of own training."""
        first = self._nets[0]
        return first.differs_alone() if isinstance(first, NetTraining) else 0.0

    def gives_probabilities(self) -> bool:
        """Whether a net answers probabilities, which its loss takes for logits."""
        first = self._nets[0]
        return isinstance(first, NetTraining) and first.gives_probabilities()

    def drop_rows(self, epoch: int) -> None:
        """Takes the rows up to and including `epoch` out of `history`, and so of checkpoints.

        Else each checkpoint would have all rows before it, and a long trial write their square.
        """
        self.history = [row for row in self.history if row["epoch"] > epoch]

    def close(self) -> None:
        """End what runs outside this process; nothing is trained afterwards."""
        for net in self._nets:
            net.close()

    def checkpoint(self) -> bytes:
        """Everything that `restore` needs to continue as if never stopped."""
        about = {
            "format": _CHECKPOINT_FORMAT,
            "config": self._config.model_dump(mode="json"),
            "epoch": self.epoch,
            "trained_s": self.trained_s,
            "history": self.history,
            "outcome": self.outcome,
            "reason": self.reason,
            "best_row": self.best_row,
            # All nets were told the same objectives: their schedules are in the same state.
            "schedule": self._nets[0].schedule.state(),
            "patience": self._patience.state() if self._patience else None,
        }
        return pack(_together([net.tensors() for net in self._nets]), about)

    def _is_own(self, config: dict[str, Any], epoch: int) -> bool:
        """Whether a checkpoint's configuration is this one, as far as it has been followed.

        Changes that come later may be others. An older one lacks newer defaults.
        """
        try:
            then = read_trial(config)
        except ValidationError:
            return False
        return then.until(epoch) == self._config.until(epoch)

    def restore(self, checkpoint: bytes) -> None:
        """Continues where `checkpoint()` was taken, in a Training with the same arguments.

        Changes of the configuration from the next epoch on may be others.

        Raises:
            WeightsError: the bytes are damaged or belong to another configuration. The Training
                is then of no further use.
        """
        named, about = unpack(checkpoint)
        if about.get("format") != _CHECKPOINT_FORMAT:
            rule = f"a checkpoint has format {_CHECKPOINT_FORMAT}"
            raise WeightsError(rule, value=about.get("format"))
        if not self._is_own(about["config"], about["epoch"]):
            raise WeightsError("a checkpoint is continued with its own configuration")
        if self._config.changes:
            self._take_values_of(max(about["epoch"], 1))
        try:
            for number, net in enumerate(self._nets, start=1):
                net.restore(named if len(self._nets) == 1 else of_fold(number, named))
                net.schedule.restore(about["schedule"])
        except (KeyError, RuntimeError) as err:
            raise WeightsError(f"the checkpoint must be of the net that is trained: {err}") from err
        if self._patience:
            self._patience.restore(about["patience"])
        for name in ("epoch", "trained_s", "history", "outcome", "reason", "best_row"):
            setattr(self, name, about[name])
        self._make_changes_before(self.epoch + 1)


def _together(parts: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """What the nets of a trial have, by name; with folds by `fold<i>/<name>`."""
    if len(parts) == 1:
        return parts[0]
    numbered = enumerate(parts, start=1)
    return {name: t for fold, part in numbered for name, t in in_fold(fold, part).items()}


def _first_fault(epochs: Sequence[NetEpoch]) -> str:
    """What went wrong in an epoch, and in which fold where there are several; empty if nothing."""
    for number, epoch in enumerate(epochs, start=1):
        if epoch.fault:
            return epoch.fault if len(epochs) == 1 else f"fold {number}: {epoch.fault}"
    return ""

"""Hugging Face's Trainer as own training, an epoch at a time.

One call of `Trainer.train` trains a trial and waits between two epochs, as in `lightning_fit`. A
trial that goes on calls it again, and has what the Trainer knew put in place before the first
batch. Nothing is downloaded here, and nothing written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from torch import Tensor
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import ExportableState
from transformers.utils.logging import get_verbosity, set_verbosity

from sweeps.models.training.own_thread import OwnThread, epoch_by_epoch, refuse_decided
from sweeps.models.training.own_trial import Predict, Rows, Trial

__all__ = ["arguments", "fit"]

# What the trial decides.
_OURS = {
    "num_train_epochs": "training.epochs of the sweep file",
    "max_steps": "training.epochs of the sweep file",
    "eval_strategy": "every epoch has an objective",
    "save_strategy": "a trial saves checkpoints by itself",
    "load_best_model_at_end": "a trial keeps the weights of its best epoch by itself",
    "use_cpu": "training.device of the sweep file",
    "seed": "it is the trial's",
}
# Besides metrics, an evaluation gives these.
_NO_METRICS = {"runtime", "samples_per_second", "steps_per_second", "model_preparation_time"}
# Callbacks are taken one by one; the log has times of day, and nothing is decided by it.
_NO_STATE = {"stateful_callbacks", "log_history"}


def arguments(trial: Trial, **options: Any) -> TrainingArguments:
    """Return what a Trainer is told, with all that a trial decides.

    Args:
        options: others of TrainingArguments, such as `learning_rate` and `warmup_ratio`.

    Raises:
        OwnTrainingError: an option is the trial's to decide.
    """
    refuse_decided("TrainingArguments'", options, _OURS)
    defaults: dict[str, Any] = {
        "output_dir": str(Path(gettempdir()) / "sweeps-unused"),  # nothing is saved there
        "logging_strategy": "epoch",
        "logging_nan_inf_filter": False,  # a loss that is no number is said
        "report_to": "none",  # a trial's numbers go to the record, and to MLflow from there
        "disable_tqdm": True,
    }
    made = TrainingArguments(
        **{**defaults, **options},
        num_train_epochs=trial.max_epochs,
        eval_strategy="epoch",
        save_strategy="no",
        seed=trial.seed % 2**32,
        use_cpu=trial.device.type == "cpu",
    )
    made._n_gpu = min(made.n_gpu, 1)  # no DataParallel over what other trials train on
    return made


def fit(
    trial: Trial, trainer: Trainer, dataset: Callable[[Rows], Dataset[Any]]
) -> Iterator[Mapping[str, float]]:
    """Have a Trainer train as a trial; a training says `yield from` before it.

    What it evaluates as `eval_<name>` is measured as `dev_<name>`.

    Args:
        trainer: made with `arguments`, and with `dataset(trial.train)` and `dataset(trial.dev)`.
        dataset: the items of some rows; those of the test part are asked for in `final` alone.
    """
    fitting = _Fitting(trial, trainer, dataset)
    trial.keep(model=trainer.model)
    yield from epoch_by_epoch(trial, fitting)


class _Fitting:
    """A call of `Trainer.train`, and all that it knows besides the model's weights."""

    def __init__(
        self, trial: Trial, trainer: Trainer, dataset: Callable[[Rows], Dataset[Any]]
    ) -> None:
        self._trial, self._trainer, self._dataset = trial, trainer, dataset
        self._epochs_before = 0
        self._run_epoch = trainer._run_epoch
        vars(trainer)["_run_epoch"] = self._run_numbered_epoch
        self.thread = OwnThread(trainer.train)
        self._pauses = _Pauses(self.thread)
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(self._pauses)

    @property
    def trained(self) -> dict[str, float]:
        """What training measured of itself in the epoch."""
        return self._pauses.trained

    def train_epoch(self) -> bool:
        """Train an epoch, or at first all that comes before one; returns whether it was trained."""
        with _quiet():
            waits = self.thread.go_on()
        return waits or round(self._trainer.state.epoch) == self._trial.epoch

    def _run_numbered_epoch(self, *, epoch: int, **given: Any) -> None:
        """Train an epoch, whose number decides on the order of its rows; `train` counts from 0."""
        self._run_epoch(epoch=epoch + self._epochs_before, **given)  # type: ignore[no-untyped-call]

    def evaluate(self, rows: Rows) -> Mapping[str, float]:
        """Return what the Trainer evaluates: in the epoch just trained, or on some rows."""
        if self._trial.is_only_evaluated:
            with _quiet():
                self._trainer.evaluate(self._dataset(rows))
        return self._pauses.evaluated

    @property
    def predict(self) -> Predict | None:
        """What the Trainer predicts, where the trial has rows."""
        return None if self._trial.data is None else self._predicted

    def _predicted(self, x: Tensor) -> Any:
        """Return the first of the model's outputs: logits. The labels of items are zeros."""
        labels = self._trial.dev.y.new_zeros((len(x), *self._trial.dev.y.shape[1:]))
        with _quiet():
            found = self._trainer.predict(self._dataset(Rows("dev", x, labels))).predictions
        return found[0] if isinstance(found, tuple) else found

    def state_dict(self) -> dict[str, Any]:
        """Return what the Trainer would save but the model, and with JSON in place of pickles."""
        trainer, scaler = self._trainer, self._trainer.accelerator.scaler
        assert trainer.optimizer is not None
        assert trainer.lr_scheduler is not None
        state = {one.name: getattr(trainer.state, one.name) for one in fields(trainer.state)}
        return {
            "optimizer": trainer.optimizer.state_dict(),
            "schedule": trainer.lr_scheduler.state_dict(),
            "state": {name: of for name, of in state.items() if name not in _NO_STATE},
            "callbacks": [one.state()["attributes"] for one in self._stateful()],
            "scaler": None if scaler is None else scaler.state_dict(),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Put it in place of what the Trainer knows before its first epoch."""
        trainer = self._trainer
        assert trainer.optimizer is not None
        assert trainer.lr_scheduler is not None
        trainer.optimizer.load_state_dict(saved["optimizer"])
        trainer.lr_scheduler.load_state_dict(saved["schedule"])
        for one, attributes in zip(self._stateful(), saved["callbacks"], strict=True):
            vars(one).update(attributes)
        vars(trainer.state).update(saved["state"])
        if trainer.accelerator.scaler is not None:
            trainer.accelerator.scaler.load_state_dict(saved["scaler"])
        trainer._globalstep_last_logged = trainer.state.global_step
        self._epochs_before = round(trainer.state.epoch)

    def _stateful(self) -> list[ExportableState]:
        every = [*self._trainer.callback_handler.callbacks, self._trainer.control]
        return [one for one in every if isinstance(one, ExportableState)]


class _Pauses(TrainerCallback):
    """Waits where an epoch is over, its evaluation too; notes what was measured."""

    def __init__(self, thread: OwnThread) -> None:
        self._thread = thread
        self.trained: dict[str, float] = {}
        self.evaluated: dict[str, float] = {}

    def on_epoch_begin(self, *args: Any, **given: Any) -> None:
        """Wait until the epoch is asked for."""
        self._thread.pause()

    def on_step_begin(self, *args: Any, **given: Any) -> None:
        """End in the middle of an epoch, where the trial was ended from outside."""
        self._thread.check()

    def on_log(self, *args: Any, **given: Any) -> None:
        """Note the loss of the train rows."""
        if "loss" in given["logs"]:
            self.trained = {"loss": given["logs"]["loss"]}

    def on_evaluate(self, *args: Any, **given: Any) -> None:
        """Note the metrics of an evaluation."""
        named = {name.removeprefix("eval_"): value for name, value in given["metrics"].items()}
        self.evaluated = {name: named[name] for name in named.keys() - _NO_METRICS - {"epoch"}}


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the Trainer says of each training."""
    level = get_verbosity()
    set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        set_verbosity(level)

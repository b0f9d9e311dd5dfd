"""A LightningModule as own training: Lightning's Trainer fits it, an epoch at a time.

One call of `Trainer.fit` trains a trial, so that hooks, callbacks and schedules are as ever; it
waits between two epochs, where Lightning's own checkpoint has all that the Trainer knows. A trial
that goes on calls `fit` again, and has that checkpoint put in place before the first batch.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.plugins import CheckpointIO
from torch.utils.data import DataLoader

from sweeps.models.process.randomness import seeded
from sweeps.models.training.own_thread import OwnThread, epoch_by_epoch, refuse_decided
from sweeps.models.training.own_trial import Predict, Rows, Trial

__all__ = ["TrialData", "fit"]

# What the trial decides.
_OURS = {
    "max_epochs": "training.epochs of the sweep file",
    "max_steps": "training.epochs of the sweep file",
    "check_val_every_n_epoch": "every epoch has an objective",
    "fast_dev_run": "`sweeps plan` trains two epochs of a trial",
    "accelerator": "training.device of the sweep file",
    "devices": "a trial trains on one device",
    "num_nodes": "a trial trains on one device",
    "strategy": "a trial trains on one device",
    "plugins": "a trial trains in one process, and saves checkpoints by itself",
}
# A trial's numbers go to the record, and to MLflow from there; a checkpoint is the product's.
_DEFAULTS: dict[str, Any] = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}
_SETUP_SEED = 0x7365747570
_IN_MEMORY = "the trial's checkpoint"


class TrialData(LightningDataModule):
    """The rows of a trial as a DataModule: `(x, y)` batches, or what the items of a dataset are."""

    def __init__(self, trial: Trial, batch_size: int, **loading: Any) -> None:
        """Take the trial's rows.

        Args:
            loading: other arguments of torch's DataLoader, such as `collate_fn`.
        """
        super().__init__()
        self.trial = trial
        self._loading = {"batch_size": batch_size, **loading}

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the train rows, in another order each epoch."""
        return DataLoader(self.trial.train.dataset, shuffle=True, **self._loading)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the dev rows."""
        return self.rows_dataloader(self.trial.dev)

    def rows_dataloader(self, rows: Rows) -> DataLoader[Any]:
        """Return any rows, in order: those of the test part are asked for in `final` alone."""
        return DataLoader(rows.dataset, **self._loading)


def fit(
    trial: Trial, module: LightningModule, data: LightningDataModule, **options: Any
) -> Iterator[Mapping[str, float]]:
    """Train a module as a trial; a training says `yield from` before it.

    What it logs as `val_<name>` in an epoch is measured as `dev_<name>`, and `train_<name>` as
    itself. `validation_step` measures the test rows, too: those of `data.rows_dataloader(rows)`, or
    where `data` has none, of `data.test_dataloader()`.

    Args:
        options: of Lightning's Trainer.

    Raises:
        OwnTrainingError: an option is the trial's to decide.
    """
    refuse_decided("the Trainer's", options, _OURS)
    _set_up_alike(data)
    fitting = _Fitting(trial, module, data, options)
    trial.keep(net=module)
    yield from epoch_by_epoch(trial, fitting)


def _set_up_alike(data: LightningDataModule) -> None:
    """Have `data.setup` draw the same numbers in every trial and in `final`.

    Cut by a trial's own numbers, trials would be compared on different rows, and tested on rows
    that another cut had for training.
    """
    set_up = data.setup

    def alike(stage: str) -> None:
        with seeded(_SETUP_SEED):
            set_up(stage)

    data.setup = alike  # type: ignore[method-assign]


class _Fitting:
    """A call of `Trainer.fit`, and all that it knows besides the module's weights."""

    def __init__(
        self,
        trial: Trial,
        module: LightningModule,
        data: LightningDataModule,
        options: dict[str, Any],
    ) -> None:
        self._trial, self._module, self._data, self._options = trial, module, data, options
        self._memory = _Memory()
        self.thread = OwnThread(self._fit)

    def train_epoch(self) -> bool:
        """Train an epoch, or at first all that comes before one; returns whether it was trained."""
        with _quiet():
            waits = self.thread.go_on()
        return waits or self._trainer.current_epoch == self._trial.epoch

    def _fit(self) -> None:
        theirs = self._options.get("callbacks") or []
        callbacks = [_Pauses(self.thread), *(theirs if isinstance(theirs, list) else [theirs])]
        self._trainer = self._made_trainer(callbacks)
        self._trainer.fit(self._module, datamodule=self._data)

    def _made_trainer(self, callbacks: list[Callback]) -> Trainer:
        device = self._trial.device
        is_cuda = device.type == "cuda"
        return Trainer(
            **{**_DEFAULTS, **self._options, "callbacks": callbacks},
            accelerator="gpu" if is_cuda else "cpu",
            devices=[device.index or 0] if is_cuda else 1,
            max_epochs=self._trial.max_epochs,
            plugins=[self._memory, LightningEnvironment()],
        )

    @property
    def trained(self) -> dict[str, float]:
        """What training logged of itself in the epoch."""
        return self._logged("train")

    def _logged(self, part: str) -> dict[str, float]:
        """Return what was logged by `<part>_<name>` or `<part>/<name>`, by its name."""
        found = {
            name[len(part) + 1 :]: float(value)
            for name, value in self._trainer.callback_metrics.items()
            if name.startswith((f"{part}_", f"{part}/"))
        }
        # Logged both by step and by epoch, a metric has its epoch's value by its own name, too.
        copies = {f"{name}{end}" for name in found for end in ("_step", "_epoch")}
        return {name: value for name, value in found.items() if name not in copies}

    def evaluate(self, rows: Rows) -> Mapping[str, float]:
        """Return what the module's validation logs: in the epoch just trained, or on some rows."""
        if self._trial.is_only_evaluated:
            with _quiet():
                self._trainer = self._made_trainer([])
                self._trainer.validate(self._module, self._loader(rows), verbose=False)
        return self._logged("val")

    @property
    def predict(self) -> Predict | None:
        """The module, where it has a `forward` of its own."""
        has_forward = type(self._module).forward is not LightningModule.forward
        return self._module if has_forward else None

    def _loader(self, rows: Rows) -> Any:
        if hasattr(self._data, "rows_dataloader"):
            return self._data.rows_dataloader(rows)
        is_test = rows.part == "test"
        self._data.prepare_data()
        self._data.setup("test" if is_test else "validate")
        return self._data.test_dataloader() if is_test else self._data.val_dataloader()

    def state_dict(self) -> dict[str, Any]:
        """Return Lightning's checkpoint, without what the module has and building gives anew."""
        self._trainer.save_checkpoint(_IN_MEMORY, weights_only=False)
        taken = self._memory.checkpoint
        built = {"state_dict", "hparams_name", "hyper_parameters", "datamodule_hyper_parameters"}
        return {name: state for name, state in taken.items() if name not in built}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put a checkpoint in place of what the Trainer knows before its first epoch."""
        self._memory.checkpoint = {**state, "state_dict": self._module.state_dict()}
        with _quiet():
            self._trainer._checkpoint_connector.restore(_IN_MEMORY, weights_only=False)
        # It goes on as if it had never stopped: an epoch is over, and nothing is to be repeated.
        self._trainer.fit_loop.restarting = False
        self._trainer.fit_loop.on_iteration_done()


class _Pauses(Callback):
    """Waits where an epoch is over, with all that follows from it: before the next one's hooks."""

    def __init__(self, thread: OwnThread) -> None:
        self._thread = thread

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Wait until the epoch is asked for."""
        self._thread.pause()

    def on_train_batch_start(self, *args: Any) -> None:
        """End in the middle of an epoch, where the trial was ended from outside."""
        self._thread.check()


class _Memory(CheckpointIO):
    """Has Lightning's checkpoints in memory: trial.keep saves them, and without a pickle."""

    def __init__(self) -> None:
        self.checkpoint: dict[str, Any] = {}

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Keep it."""
        self.checkpoint = checkpoint

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Return what was kept."""
        return self.checkpoint

    def remove_checkpoint(self, path: Any) -> None:
        """Keep nothing."""
        self.checkpoint = {}


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out Lightning's advice on loaders and logging, and its dozen lines a trial."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PossibleUserWarning)
            # Lightning 2.6 asks torch 2.13 in an older way.
            warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)
            yield
    finally:
        logger.setLevel(level)

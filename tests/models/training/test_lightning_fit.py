"""A LightningModule as a trial: Lightning's own numbers, an epoch at a time, bit for bit."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, Trainer
from torch.utils.data import DataLoader, TensorDataset

from sweeps.models.errors import OwnTrainingError
from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.objective import Objective
from sweeps.models.training.own_loop import OwnLoop
from sweeps.models.training.own_trial import Rows, rows_of
from sweeps.models.training.training import Training
from tests.models import own_lightning
from tests.models.trial_fixtures import blobs, finished, train, without_times

OBJECTIVE = Objective(
    "dev_loss", "min", {"loss": MetricOptions(goal="min"), "hits": MetricOptions(goal="max")}
)
QUIET: dict[str, Any] = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}
each_module = pytest.mark.parametrize("name", ["plateau", "one_cycle", "own_data"])


def own(name: str) -> OwnTrialConfig:
    target = f"tests.models.own_lightning:{name}"
    training = {"kind": "custom", "target": target, "epochs": 4, "device": "cpu"}
    return OwnTrialConfig.model_validate({"training": training})


def begin(name: str, data: Any = None) -> Training:
    return Training(own(name), data or blobs(), OBJECTIVE, 7)


class Losses(Callback):
    """The dev losses of a Trainer that nobody interrupts."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self.found.append(float(trainer.callback_metrics["val_loss"]))


def test_a_trial_has_the_numbers_of_lightning_alone() -> None:
    data = blobs()
    rows = TensorDataset(torch.from_numpy(data.x_train), torch.from_numpy(data.y_train))
    dev = TensorDataset(torch.from_numpy(data.x_dev), torch.from_numpy(data.y_dev))
    losses = Losses()
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(7)
        trainer = Trainer(
            accelerator="cpu",
            max_epochs=4,
            gradient_clip_val=0.5,
            accumulate_grad_batches=2,
            callbacks=[losses],
            **QUIET,
        )
        trainer.fit(
            own_lightning.OneCycle(), DataLoader(rows, 16, shuffle=True), DataLoader(dev, 16)
        )
    training = finished(begin("one_cycle", data))
    assert [row["dev_loss"] for row in training.history] == losses.found


@each_module
@pytest.mark.parametrize("stop", [1, 3])
def test_a_stopped_trial_goes_on_bit_for_bit(name: str, stop: int) -> None:
    whole = finished(begin(name))
    saved = train(begin(name), stop).checkpoint()
    continued = begin(name)
    continued.restore(saved)
    finished(continued)
    assert without_times(continued) == without_times(whole)
    torch.testing.assert_close(continued.best_weights, whole.best_weights, rtol=0, atol=0)


@each_module
def test_the_kept_weights_measure_what_the_best_epoch_did(name: str) -> None:
    data = blobs()
    training = finished(begin(name, data))
    dev = rows_of("dev", data.x_dev, data.y_dev, torch.device("cpu"))
    found = OwnLoop(own(name), data, OBJECTIVE, seed=7).answer(training.best_weights, dev)
    assert training.best_row is not None
    assert found == {name: training.best_row[name] for name in ("dev_loss", "dev_hits")}


def test_a_data_module_of_its_own_gives_the_test_rows_at_the_end() -> None:
    training = finished(begin("own_data"))
    test = OwnLoop(own("own_data"), None, OBJECTIVE, seed=7)
    found = test.answer(training.best_weights, Rows("test"))
    assert found.keys() == {"test_loss", "test_hits"}


def test_what_is_logged_by_step_and_by_epoch_is_one_metric() -> None:
    row = train(begin("plateau"), 1).history[0]
    assert row.keys() == {"epoch", "train_loss", "dev_loss", "dev_hits", "epoch_s"}


WRONG = {
    "stops": "the loop stopped in epoch 3",
    "exits": "must not exit the program (SystemExit: 3)",
    "two_devices": "the Trainer's devices must be left out: a trial trains on one device",
}


@pytest.mark.parametrize(("name", "words"), WRONG.items(), ids=WRONG)
def test_what_a_trial_does_not_leave_to_lightning_is_said(name: str, words: str) -> None:
    with pytest.raises(OwnTrainingError) as caught:
        finished(begin(name))
    assert words in str(caught.value)


def test_a_trial_that_is_over_leaves_no_thread() -> None:
    before = threading.active_count()
    training = train(begin("plateau"), 2)
    assert threading.active_count() == before + 1
    training.close()
    assert threading.active_count() == before


def test_lightnings_random_numbers_are_the_trials() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(5)
    np.random.seed(5)
    finished(begin("plateau"))
    assert (torch.rand(1), np.random.rand()) == expected

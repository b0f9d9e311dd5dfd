"""Hugging Face's Trainer as a trial: its own numbers, an epoch at a time, bit for bit."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from transformers import Trainer, TrainingArguments

from sweeps.models.errors import OwnTrainingError
from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.process.randomness import OwnRandomness
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.objective import Objective
from sweeps.models.training.own_loop import OwnLoop
from sweeps.models.training.own_trial import rows_of
from sweeps.models.training.training import Training
from tests.models.own_transformers import Items, Net, hits
from tests.models.trial_fixtures import blobs, finished, train, without_times

CPU = torch.device("cpu")
OBJECTIVE = Objective(
    "dev_loss", "min", {"loss": MetricOptions(goal="min"), "hits": MetricOptions(goal="max")}
)
each_training = pytest.mark.parametrize("name", ["warmed_up", "plateau"])


def own(name: str) -> OwnTrialConfig:
    target = f"tests.models.own_transformers:{name}"
    training = {"kind": "custom", "target": target, "epochs": 4, "device": "cpu"}
    return OwnTrialConfig.model_validate({"training": training})


def begin(name: str) -> Training:
    return Training(own(name), blobs(), OBJECTIVE, 7)


def test_a_trial_has_the_numbers_of_the_trainer_alone(tmp_path: Any) -> None:
    data = blobs()
    parts = ("train", data.x_train, data.y_train), ("dev", data.x_dev, data.y_dev)
    rows, dev = (Items(rows_of(part, x, y, CPU)) for part, x, y in parts)  # type: ignore[arg-type]
    with OwnRandomness(7, CPU):
        trainer = Trainer(
            Net(),
            TrainingArguments(
                output_dir=str(tmp_path), num_train_epochs=4, seed=7, eval_strategy="epoch",
                save_strategy="no", report_to="none", disable_tqdm=True, use_cpu=True,
                learning_rate=0.05, per_device_train_batch_size=16, warmup_steps=3,
                gradient_accumulation_steps=2,
            ),
            train_dataset=rows, eval_dataset=dev, compute_metrics=hits,
        )  # fmt: skip
        trainer.train()
    history = [row["eval_loss"] for row in trainer.state.log_history if "eval_loss" in row]
    found = finished(begin("warmed_up"))
    assert [row["dev_loss"] for row in found.history] == history


@each_training
def test_a_stopped_trial_goes_on_bit_for_bit(name: str) -> None:
    whole = finished(begin(name))
    saved = train(begin(name), 2).checkpoint()
    continued = begin(name)
    continued.restore(saved)
    finished(continued)
    assert without_times(continued) == without_times(whole)
    torch.testing.assert_close(continued.best_weights, whole.best_weights, rtol=0, atol=0)


@each_training
def test_the_kept_weights_measure_what_the_best_epoch_did(name: str) -> None:
    data = blobs()
    training = finished(begin(name))
    dev = rows_of("dev", data.x_dev, data.y_dev, CPU)
    found = OwnLoop(own(name), data, OBJECTIVE, seed=7).answer(training.best_weights, dev)
    assert training.best_row is not None
    assert found == {name: training.best_row[name] for name in ("dev_loss", "dev_hits")}


WRONG = {
    "stops": "the loop stopped in epoch 3",
    "own_epochs": "num_train_epochs must be left out: training.epochs of the sweep file",
}


@pytest.mark.parametrize(("name", "words"), WRONG.items(), ids=WRONG)
def test_what_a_trial_does_not_leave_to_the_trainer_is_said(name: str, words: str) -> None:
    with pytest.raises(OwnTrainingError) as caught:
        finished(begin(name))
    assert words in str(caught.value)


def test_a_trial_that_is_over_leaves_no_thread() -> None:
    before = threading.active_count()
    training = train(begin("plateau"), 2)
    training.close()
    assert threading.active_count() == before

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name for it
from sklearn.linear_model import LinearRegression, LogisticRegression
from torch import nn

from sweeps.models.errors import TrialConfigError
from sweeps.models.scoring.answers import Answers
from sweeps.models.scoring.metrics import METRICS, Metric, metric_columns, recorded_metrics
from sweeps.models.scoring.objective import Objective
from sweeps.models.scoring.tasks import Task
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.training import Training
from tests.models.trial_fixtures import (
    DEV_LOSS,
    blobs,
    configuration,
    finished,
    line,
    train,
    without_times,
)

BATCH = {"epochs": 400, "batch_size": "full", "device": "cpu"}


def diverging(epochs: int = 5) -> Training:
    config = configuration(
        optimizer={"kind": "sgd", "lr": 1e6},
        training={"epochs": epochs, "batch_size": 4, "device": "cpu"},
    )
    return Training(config, line(), DEV_LOSS, seed=0)


def poisoned(data: TrainDev) -> TrainDev:
    """The same data with one dev row that makes every metric of dev NaN."""
    x_dev = data.x_dev.copy()
    x_dev[0] = np.nan
    return TrainDev(
        data.x_train, data.y_train, x_dev, data.y_dev, data.task, data.outputs, data.input_shape
    )


def test_batch_gradient_descent_on_a_line_ends_at_least_squares() -> None:
    training = finished(Training(configuration(training=BATCH), line(), DEV_LOSS, seed=0))
    data = line()
    fitted = LinearRegression().fit(data.x_train, data.y_train)
    row = training.history[-1]
    assert row["dev_r2"] == pytest.approx(fitted.score(data.x_dev, data.y_dev), abs=1e-5)
    errors = np.abs(fitted.predict(data.x_dev) - data.y_dev) * data.target_scale
    assert row["dev_mae"] == pytest.approx(errors.mean(), abs=1e-4)


def test_stochastic_gradient_descent_on_classes_nears_scikit_learns_solution() -> None:
    config = configuration(
        optimizer={"kind": "sgd", "lr": 0.1},
        schedule={"kind": "exponential", "gamma": 0.9},
        regularization={"l2": 0.1},
        training={"epochs": 60, "batch_size": 1, "device": "cpu"},
    )
    training = finished(Training(config, blobs(), DEV_LOSS, seed=0))
    data = blobs()
    fitted = LogisticRegression(C=1 / (0.1 * 60)).fit(data.x_train, data.y_train)
    loss = -np.log(fitted.predict_proba(data.x_dev)[range(30), data.y_dev]).mean()
    assert training.history[-1]["dev_loss"] == pytest.approx(loss, rel=0.02)


def test_an_epoch_equals_a_bare_loop_on_the_same_batches() -> None:
    config = configuration(
        model={"kind": "mlp", "hidden_units": 8},
        optimizer={"kind": "sgd", "lr": 0.1, "momentum": 0.9},
    )
    training = Training(config, blobs(), DEV_LOSS, seed=4)
    row = training.train_epoch()
    data = blobs()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
        order = torch.randperm(60)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    x, y = torch.tensor(data.x_train), torch.tensor(data.y_train)
    for rows in order.split(16):
        optimizer.zero_grad()
        F.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
    torch.testing.assert_close(training.best_weights, net.state_dict())
    loss = F.cross_entropy(net(torch.tensor(data.x_dev)), torch.tensor(data.y_dev))
    assert row["dev_loss"] == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize(("data", "task"), [(blobs(), "classification"), (line(), "regression")])
def test_a_row_has_the_metrics_of_its_task(data: TrainDev, task: Task) -> None:
    row = Training(configuration(), data, DEV_LOSS, seed=0).train_epoch()
    assert tuple(row) == ("epoch", *metric_columns(recorded_metrics(task, {})), "lr", "epoch_s")
    assert row["epoch"] == 1


def test_metrics_of_an_epoch_are_without_dropout() -> None:
    config = configuration(
        model={"kind": "mlp", "dropout": 0.9}, optimizer={"kind": "sgd", "lr": 1e-30}
    )
    training = train(Training(config, blobs(), DEV_LOSS, seed=0), 2)
    assert training.history[0]["train_loss"] == training.history[1]["train_loss"]


def test_a_trial_completes_after_its_epochs() -> None:
    training = finished(Training(configuration(), blobs(), DEV_LOSS, seed=0))
    assert (training.outcome, training.epoch, training.reason) == ("completed", 3, "")
    assert len(training.history) == 3
    with pytest.raises(AssertionError, match="has ended: completed"):
        training.train_epoch()


def test_the_schedule_sets_the_rate_of_every_epoch() -> None:
    config = configuration(schedule={"kind": "exponential", "gamma": 0.5})
    training = finished(Training(config, blobs(), DEV_LOSS, seed=0))
    assert [row["lr"] for row in training.history] == pytest.approx([0.1, 0.05, 0.025])


def test_plateau_follows_the_objective() -> None:
    config = configuration(schedule={"kind": "plateau", "patience": 0, "threshold": 0.9})
    training = finished(Training(config, blobs(), DEV_LOSS, seed=0))
    assert [row["lr"] for row in training.history] == pytest.approx([0.1, 0.1, 0.01])


@pytest.mark.parametrize(
    "objective", [DEV_LOSS, Objective("dev_f1", "max"), Objective("train_accuracy", "max")]
)
def test_best_is_the_first_best_epoch_of_the_objective(objective: Objective) -> None:
    config = configuration(
        optimizer={"kind": "sgd", "lr": 1.0},
        training={"epochs": 12, "batch_size": 8, "device": "cpu"},
    )
    training = finished(Training(config, blobs(), objective, seed=0))
    values = [row[objective.metric] for row in training.history]
    best = max(values) if objective.mode == "max" else min(values)
    assert training.best_value == best
    assert training.best_epoch == values.index(best) + 1


def test_best_weights_are_those_of_the_best_epoch() -> None:
    config = configuration(
        optimizer={"kind": "sgd", "lr": 1.0},
        training={"epochs": 12, "batch_size": 8, "device": "cpu"},
    )
    training = finished(Training(config, blobs(), DEV_LOSS, seed=0))
    assert training.best_epoch is not None
    assert training.best_epoch < 12
    net = nn.Sequential(nn.Linear(5, 3))
    net.load_state_dict(training.best_weights)
    data = blobs()
    loss = F.cross_entropy(net(torch.tensor(data.x_dev)), torch.tensor(data.y_dev))
    assert loss.item() == pytest.approx(training.best_value)


def test_early_stopping_ends_after_its_patience_and_keeps_the_best() -> None:
    config = configuration(
        optimizer={"kind": "sgd", "lr": 1e-30},
        regularization={"early_stopping": {"patience": 2}},
        training={"epochs": 10, "batch_size": 16, "device": "cpu"},
    )
    training = finished(Training(config, blobs(), DEV_LOSS, seed=0))
    assert (training.outcome, training.epoch, training.best_epoch) == ("early_stopped", 3, 1)
    assert training.reason == "dev_loss has not improved for 2 epochs"


def test_a_loss_that_overflows_ends_the_trial_in_that_epoch() -> None:
    training = finished(diverging())
    assert (training.outcome, training.epoch) == ("diverged", 1)
    assert training.reason == "train_loss is nan in epoch 1"
    assert (training.best_epoch, training.best_weights) == (None, {})


def test_divergence_keeps_the_last_finite_best() -> None:
    config = configuration(
        optimizer={"kind": "sgd", "lr": 30.0},
        schedule={"kind": "constant", "warmup_epochs": 20},
        training={"epochs": 30, "batch_size": 1, "device": "cpu"},
    )
    training = finished(Training(config, line(), DEV_LOSS, seed=0))
    assert training.outcome == "diverged"
    assert training.best_epoch is not None
    assert 1 <= training.best_epoch < training.epoch
    assert all(tensor.isfinite().all() for tensor in training.best_weights.values())
    assert training.best_value == training.history[training.best_epoch - 1]["dev_loss"]


def test_a_batch_that_overflows_is_not_missed_when_the_epoch_ends_finite() -> None:
    # The square of 1e30 overflows float32; its gradient is clipped and does no harm.
    data = line()
    x_train = data.x_train.copy()
    x_train[0] = 1e30
    data = TrainDev(x_train, data.y_train, data.x_dev, data.y_dev, "regression", 1, (4,))
    config = configuration(
        optimizer={"kind": "sgd", "lr": 1e-30}, regularization={"clip_norm": 1.0}
    )
    assert finished(Training(config, data, DEV_LOSS, seed=0)).outcome == "diverged"


def test_a_metric_that_is_not_finite_ends_the_trial() -> None:
    training = finished(Training(configuration(), poisoned(blobs()), DEV_LOSS, seed=0))
    assert (training.outcome, training.epoch) == ("diverged", 1)
    assert training.reason == "dev_loss is nan in epoch 1"
    assert math.isfinite(training.history[0]["train_loss"])


def test_label_smoothing_changes_training_but_is_not_in_the_reported_loss() -> None:
    still = {"kind": "sgd", "lr": 1e-30}
    smooth = {"label_smoothing": 0.5}
    plain = Training(configuration(optimizer=still), blobs(), DEV_LOSS, seed=0).train_epoch()
    same = Training(
        configuration(optimizer=still, regularization=smooth), blobs(), DEV_LOSS, seed=0
    ).train_epoch()
    other = Training(configuration(regularization=smooth), blobs(), DEV_LOSS, seed=0).train_epoch()
    moved = Training(configuration(), blobs(), DEV_LOSS, seed=0).train_epoch()
    assert same["train_loss"] == plain["train_loss"]
    assert other["train_loss"] != moved["train_loss"]


def test_bf16_computes_coarsely_and_keeps_weights_in_float32() -> None:
    sections: dict[str, Any] = {"model": {"kind": "mlp"}}
    fine = finished(Training(configuration(**sections), blobs(), DEV_LOSS, seed=0))
    sections["training"] = {"epochs": 3, "batch_size": 16, "device": "cpu", "precision": "bf16"}
    coarse = finished(Training(configuration(**sections), blobs(), DEV_LOSS, seed=0))
    assert coarse.history[-1]["dev_loss"] != fine.history[-1]["dev_loss"]
    # bf16 has 8 bits of mantissa: a relative error of 2^-8 in each product.
    assert coarse.history[-1]["dev_loss"] == pytest.approx(fine.history[-1]["dev_loss"], rel=0.02)
    assert {tensor.dtype for tensor in coarse.best_weights.values()} == {torch.float32}


def test_a_configuration_that_does_not_suit_the_data_is_refused() -> None:
    config = configuration(model={"kind": "cnn"})
    with pytest.raises(TrialConfigError, match="a cnn needs images"):
        Training(config, blobs(), DEV_LOSS, seed=0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_cuda_without_a_device_is_refused() -> None:
    config = configuration(training={"epochs": 1, "device": "cuda"})
    with pytest.raises(TrialConfigError, match=r"training\.device: .* needs a CUDA device"):
        Training(config, blobs(), DEV_LOSS, seed=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "rmsprop", "adagrad"])
def test_a_gpu_trains_to_the_same_loss(kind: str, precision: str) -> None:
    def begin(device: str) -> Training:
        training = {"epochs": 3, "batch_size": 16, "device": device, "precision": precision}
        config = configuration(
            model={"kind": "mlp"},
            optimizer={"kind": kind, "lr": 0.01},
            regularization={"l1": 1e-3, "l2": 1e-3, "clip_norm": 1.0},
            training=training,
        )
        return Training(config, blobs(), DEV_LOSS, seed=0)

    on_cpu, on_gpu = finished(begin("cpu")), finished(begin("cuda"))
    assert on_gpu.history[-1]["dev_loss"] == pytest.approx(on_cpu.history[-1]["dev_loss"], rel=0.02)
    continued = begin("cuda")
    continued.restore(train(begin("cuda"), 1).checkpoint())
    assert without_times(finished(continued)) == without_times(on_gpu)


def test_a_first_epoch_does_not_import_the_compiler() -> None:
    code = (
        "import sys\n"
        "from sweeps.models.training.training import Training\n"
        "from tests.models.trial_fixtures import DEV_LOSS, blobs, configuration\n"
        "adam = configuration(optimizer={'kind': 'adam'})\n"
        "Training(adam, blobs(), DEV_LOSS, seed=0).train_epoch()\n"
        "print('torch._dynamo' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout == "False\n", printed.stderr


@pytest.mark.parametrize("scale", [1e-31, 1e-25, 1e-19, 1e19, 1e21, 1e30])
def test_mse_ranks_epochs_as_the_loss_does_whatever_the_size_of_the_target(scale: float) -> None:
    data = replace(line(), target_mean=5 * scale, target_scale=scale)
    config = configuration(optimizer={"kind": "sgd", "lr": 0.9})  # overshoots: not each is better
    by_loss = finished(Training(config, data, DEV_LOSS, seed=0))
    by_mse = finished(Training(config, data, Objective("dev_mse", "min"), seed=0))
    assert (by_mse.outcome, by_mse.reason) == ("completed", "")
    assert by_mse.best_epoch == by_loss.best_epoch
    assert [row["dev_mse"] for row in by_mse.history] == pytest.approx(
        [row["dev_loss"] * scale**2 for row in by_loss.history], abs=0
    )


def never_finite(answers: Answers) -> torch.Tensor:
    return answers.targets.new_full((), torch.nan)


@pytest.mark.parametrize(
    ("objective", "outcome", "reason"),
    [("dev_loss", "completed", ""), ("dev_odd", "diverged", "dev_odd is nan in epoch 1")],
)
@pytest.mark.parametrize("folds", [1, 2])
def test_only_a_loss_or_the_objective_ends_a_trial(
    monkeypatch: pytest.MonkeyPatch, objective: str, outcome: str, reason: str, folds: int
) -> None:
    monkeypatch.setitem(METRICS, "odd", Metric(("regression",), "min", never_finite, is_usual=True))
    data = [line()] * folds
    training = finished(Training(configuration(), data, Objective(objective, "min"), seed=0))
    assert training.outcome == outcome
    assert training.reason == reason
    assert math.isnan(training.history[-1]["train_odd"])


@pytest.mark.parametrize("rows", [60, 97, 33, 48])
@pytest.mark.parametrize("optimizer", [{"kind": "sgd", "lr": 0.1}, {"kind": "NAdam"}])
def test_accumulated_batches_train_as_one_larger_batch(
    rows: int, optimizer: dict[str, object]
) -> None:
    def trained(**training: object) -> Training:
        config = configuration(
            model={"kind": "mlp", "hidden_units": 8},
            optimizer=optimizer,
            schedule={"kind": "one_cycle"},
            regularization={"l2": 0.1, "clip_norm": 0.5},
            training={"epochs": 3, "device": "cpu", **training},
        )
        return finished(Training(config, blobs(3 * rows // 2), DEV_LOSS, seed=3))

    small, large = trained(batch_size=8, accumulate=3), trained(batch_size=24)
    assert [row["lr"] for row in small.history] == [row["lr"] for row in large.history]
    torch.testing.assert_close(small.best_weights, large.best_weights, rtol=1e-5, atol=1e-6)


def test_a_sample_of_the_train_rows_changes_what_is_measured_and_nothing_else() -> None:
    data, chosen = blobs(), np.array([3, 8, 21, 40, 59])
    shown = replace(data, x_dev=data.x_train[chosen], y_dev=data.y_train[chosen])
    whole, sampled, reference = (
        finished(Training(configuration(), one, DEV_LOSS, seed=5))
        for one in (data, replace(data, measured=chosen), shown)
    )
    found, expected, on_chosen = map(metrics_by_part, (sampled, whole, reference))
    np.testing.assert_allclose(found["dev"], expected["dev"], rtol=1e-6)
    np.testing.assert_allclose(found["train"], on_chosen["dev"], rtol=1e-6)
    assert not np.allclose(found["train"], expected["train"], rtol=1e-3)
    np.testing.assert_array_equal(weights_after(sampled), weights_after(whole))


def metrics_by_part(training: Training) -> dict[str, np.ndarray]:
    """(epochs, metrics) by part."""
    frame = pd.DataFrame(training.history)
    return {part: frame.filter(regex=f"^{part}_").to_numpy() for part in ("train", "dev")}


def weights_after(training: Training) -> np.ndarray:
    tensors = training.best_weights
    return np.concatenate([tensor.numpy().ravel() for tensor in tensors.values()])

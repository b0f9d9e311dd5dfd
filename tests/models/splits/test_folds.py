"""A trial with folds is its nets side by side: same numbers, one row an epoch, one end."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import sem

from sweeps.models.configuration import TrialConfig
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.errors import WeightsError
from sweeps.models.splits.folds import fold_row, fold_seed, in_fold, of_fold
from sweeps.models.splits.splits import TrainDev, split_folds
from sweeps.models.training.training import Training
from tests.models.trial_fixtures import (
    DEV_LOSS,
    blobs,
    configuration,
    finished,
    train,
    without_times,
)

MLP = {"kind": "mlp", "hidden_layers": 1, "hidden_units": 8, "dropout": 0.3}
LONG = {"epochs": 12, "batch_size": 16, "device": "cpu"}
CASES = {
    "plain": configuration(),
    "dropout": configuration(model=MLP, training=LONG),
    "batch-norm": configuration(model={**MLP, "normalization": "batch"}, training=LONG),
    "one-cycle": configuration(model=MLP, schedule={"kind": "one_cycle"}, training=LONG),
    "plateau": configuration(
        schedule={"kind": "plateau", "patience": 0, "threshold": 0.5}, training=LONG
    ),
    "patience": configuration(
        model=MLP,
        regularization={"early_stopping": {"patience": 2, "min_delta": 0.01}},
        training=LONG,
    ),
}
every_case = pytest.mark.parametrize("config", CASES.values(), ids=CASES.keys())


def wine(folds: int = 3) -> tuple[TrainDev, ...]:
    config = DataConfig.model_validate({"source": "wine", "split": {"folds": folds}})
    parts = split_folds(load_dataset(config, Path()), config, seed=7)
    return tuple(part.train_dev() for part in parts)


def begin(config: TrialConfig, seed: int = 7) -> Training:
    return Training(config, wine(), DEV_LOSS, seed)


def assert_same(got: Training, expected: Training) -> None:
    assert without_times(got) == without_times(expected)
    assert (got.outcome, got.reason) == (expected.outcome, expected.reason)
    assert (got.best_epoch, got.best_value) == (expected.best_epoch, expected.best_value)
    torch.testing.assert_close(got.best_weights, expected.best_weights, rtol=0, atol=0)


def test_means_and_standard_errors_are_those_of_numpy_and_scipy() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5, 2))
    rows = [
        {"train_loss": a, "dev_loss": b, "lr": 0.1, "epoch_s": 0.25} for a, b in values.tolist()
    ]
    row = fold_row(rows)
    assert row["train_loss"] == pytest.approx(values[:, 0].mean(), rel=1e-14)
    assert row["dev_loss"] == pytest.approx(values[:, 1].mean(), rel=1e-14)
    assert row["dev_loss_se"] == pytest.approx(sem(values[:, 1]), rel=1e-13)
    assert (row["lr"], row["epoch_s"]) == (0.1, 1.25)
    assert row.keys() == {"train_loss", "dev_loss", "dev_loss_se", "lr", "epoch_s"}


def test_equal_folds_have_their_value_and_no_error_at_all() -> None:
    row = fold_row([{"dev_loss": 0.1, "lr": 1.0, "epoch_s": 0.0}] * 3)
    assert (row["dev_loss"], row["dev_loss_se"]) == (0.1, 0.0)


def test_a_fold_that_is_not_finite_leaves_no_finite_mean() -> None:
    rows = [{"dev_loss": value, "lr": 1.0, "epoch_s": 0.0} for value in (math.inf, 1.0, 2.0)]
    assert not math.isfinite(fold_row(rows)["dev_loss"])
    assert math.isnan(fold_row(rows)["dev_loss_se"])


def test_the_seeds_of_folds_differ_from_one_another_and_from_their_trials() -> None:
    seeds = [fold_seed(trial, fold) for trial in range(20) for fold in range(1, 6)]
    assert len({*seeds, *range(20)}) == 120
    assert max(seeds) < 2**63


def test_names_of_a_fold_are_found_again_and_no_others() -> None:
    together = {**in_fold(1, {"a.b": 1}), **in_fold(11, {"a.b": 2})}
    assert together == {"fold1/a.b": 1, "fold11/a.b": 2}
    assert of_fold(1, together) == {"a.b": 1}
    assert of_fold(2, together) == {}


def alone(config: TrialConfig) -> Iterator[Training]:
    """Each fold's net as a trial of its own, under the seed that the fold has."""
    for number, data in enumerate(wine(), start=1):
        yield Training(config, data, DEV_LOSS, fold_seed(7, number))


@pytest.mark.parametrize("name", ["plain", "dropout", "batch-norm", "one-cycle"])
def test_lock_step_is_bit_for_bit_each_fold_trained_alone(name: str) -> None:
    together = finished(begin(CASES[name]))
    apart = [finished(training) for training in alone(CASES[name])]
    for epoch, row in enumerate(together.history):
        rows = [training.history[epoch] for training in apart]
        expected = fold_row(rows)
        assert {**row, "epoch_s": 0} == {**expected, "epoch": epoch + 1, "epoch_s": 0}


def test_the_weights_kept_are_those_of_all_folds_after_the_best_mean() -> None:
    together = finished(begin(CASES["dropout"]))
    best = together.best_epoch
    assert best == 1 + int(np.argmin([row["dev_loss"] for row in together.history]))
    assert best is not None
    for number, training in enumerate(alone(CASES["dropout"]), start=1):
        train(training, best - 1)
        training.best_row = None  # so that the next epoch is its best, whatever came before
        train(training, 1)
        kept = of_fold(number, together.best_weights)
        torch.testing.assert_close(kept, training.best_weights, rtol=0, atol=0)


@every_case
def test_equal_seeds_give_equal_curves_and_others_do_not(config: TrialConfig) -> None:
    expected = finished(begin(config))
    assert_same(finished(begin(config)), expected)
    assert without_times(finished(begin(config, seed=8))) != without_times(expected)


@every_case
def test_a_restored_trial_ends_bit_for_bit_as_if_never_stopped(config: TrialConfig) -> None:
    unbroken = finished(begin(config))
    continued = begin(config, seed=99)
    continued.restore(train(begin(config), 2).checkpoint())
    assert_same(finished(continued), unbroken)


def test_a_checkpoint_of_other_folds_is_refused() -> None:
    two = Training(configuration(), wine(2), DEV_LOSS, seed=7)
    with pytest.raises(WeightsError, match="must be of the net that is trained"):
        begin(configuration()).restore(two.checkpoint())


def test_patience_waits_for_the_mean_and_stops_all_folds_at_once() -> None:
    still = configuration(
        optimizer={"kind": "sgd", "lr": 1e-12},
        regularization={"early_stopping": {"patience": 3, "min_delta": 0.001}},
        training=LONG,
    )
    training = finished(begin(still))
    assert (training.outcome, training.epoch) == ("early_stopped", 4)
    assert training.reason == "dev_loss has not improved for 3 epochs"


def test_a_plateau_lowers_the_rate_of_all_folds_by_the_mean() -> None:
    training = finished(begin(CASES["plateau"]))
    # No epoch after the first halves the mean loss: each lowers the rate of the next tenfold.
    rates = [row["lr"] for row in training.history]
    assert rates[:4] == pytest.approx([0.1, 0.1, 0.01, 0.001])


def test_a_fold_that_diverges_ends_the_trial_and_is_named() -> None:
    healthy = blobs()
    poisoned = TrainDev(
        np.full_like(healthy.x_train, np.inf), healthy.y_train, healthy.x_dev, healthy.y_dev,
        "classification", 3, healthy.input_shape,
    )  # fmt: skip
    training = Training(configuration(), [healthy, poisoned, healthy], DEV_LOSS, seed=0)
    row = training.train_epoch()
    assert training.outcome == "diverged"
    assert training.reason == "fold 2: train_loss is nan in epoch 1"
    assert math.isnan(row["dev_loss"])
    assert training.best_epoch is None


def test_one_fold_alone_is_a_trial_without_folds() -> None:
    plain = finished(Training(configuration(model=MLP), blobs(), DEV_LOSS, seed=4))
    listed = finished(Training(configuration(model=MLP), [blobs()], DEV_LOSS, seed=4))
    assert_same(listed, plain)
    assert not any(name.startswith("fold") for name in listed.best_weights)

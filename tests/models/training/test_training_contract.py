"""What every net, optimizer and schedule keeps: it trains, repeats, survives, and disturbs none."""

from __future__ import annotations

import pytest
import torch

from sweeps.models.configuration import TrialConfig
from sweeps.models.errors import WeightsError
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.training import Training
from sweeps.models.training.weights import pack
from tests.models.own_datasets import train_dev
from tests.models.trial_fixtures import (
    DEV_LOSS,
    blobs,
    configuration,
    finished,
    line,
    pictures,
    train,
    without_times,
    words,
)

FULL = {"epochs": 6, "batch_size": "full", "device": "cpu"}
MLP = {"kind": "mlp", "hidden_layers": 2, "hidden_units": 8, "dropout": 0.3}
OWN = {"kind": "custom", "target": "tests.models.own_nets:restless", "options": {"width": 3}}
NOISY = {"kind": "custom", "target": "tests.models.own_nets:noisy"}
LAZY = {"kind": "custom", "target": "tests.models.own_nets:lazy"}

TORCHS = [
    "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "ASGD", "LBFGS", "NAdam",
    "RAdam", "RMSprop", "Rprop", "SGD",
]  # fmt: skip
GROUPS = [{"parameters": "0.*", "lr_factor": 0.1}, {"parameters": "*.bias", "lr": 0.3}]


def own_batch(name: str, **options: float) -> dict[str, object]:
    return {"target": f"tests.models.own_batches:{name}", "options": options}


def own_loss(name: str, **options: float) -> dict[str, object]:
    return {"kind": "custom", "target": f"tests.models.own_losses:{name}", "options": options}


def own_optimizer(name: str) -> dict[str, object]:
    target = f"tests.models.own_optimizers:{name}"
    return {"kind": "custom", "target": target, "lr": 0.01}


def net_of_items(name: str) -> dict[str, object]:
    return {"kind": "custom", "target": f"tests.models.own_datasets:{name}"}


SCALED = {"target": "tests.models.own_datasets:scaled"}


def case(name: str, data: TrainDev, **sections: object) -> object:
    training = {"epochs": 6, "batch_size": 16, "device": "cpu"}
    return pytest.param(configuration(**{"training": training, **sections}), data, id=name)


CASES = [
    case("linear", blobs(), model={"kind": "linear"}),
    case("linear-regression", line(), model={"kind": "linear"}),
    case("mlp", blobs(), model=MLP),
    case("mlp-regression", line(), model=MLP),
    case("mlp-batch-norm", blobs(), model={**MLP, "normalization": "batch"}),
    case("mlp-layer-norm", blobs(), model={**MLP, "normalization": "layer"}),
    case("mlp-embedding", words()[0], model={**MLP, "embedding": "fastai"}),
    case("cnn", pictures(), model={"kind": "cnn", "channels": 4, "dropout": 0.2}),
    case("cnn-batch-norm", pictures(), model={"kind": "cnn", "normalization": "batch"}),
    case("own", blobs(), model=OWN),
    case("own-noisy", blobs(), model=NOISY),
    case("own-lazy", blobs(), model=LAZY),
    case("momentum", blobs(), model=MLP, optimizer={"kind": "sgd", "lr": 0.1, "momentum": 0.9}),
    case("adam", blobs(), model=MLP, optimizer={"kind": "adam"}),
    case("adamw", blobs(), model=MLP, optimizer={"kind": "adamw"}),
    case("rmsprop", blobs(), optimizer={"kind": "rmsprop", "momentum": 0.9, "centered": True}),
    case("adagrad", blobs(), model=MLP, optimizer={"kind": "adagrad", "lr_decay": 0.1}),
    *[case(kind, blobs(), model=MLP, optimizer={"kind": kind}) for kind in TORCHS],
    case("groups", blobs(), model=MLP, optimizer={"kind": "adamw", "groups": GROUPS}),
    case("own-optimizer", blobs(), model=MLP, optimizer=own_optimizer("Lion")),
    case("own-optimizer-odd", blobs(), optimizer=own_optimizer("Odd")),
    case("own-optimizer-closure", blobs(), model=MLP, optimizer=own_optimizer("Sam")),
    case(
        "accumulated",
        blobs(),
        model=MLP,
        training={"epochs": 6, "batch_size": 8, "accumulate": 3, "device": "cpu"},
    ),
    case("own-loss", blobs(), model=MLP, loss=own_loss("focal", gamma=1.5)),
    case("own-loss-noisy", line(), model=MLP, loss=own_loss("noisy_square")),
    case("own-batch", blobs(), model=MLP, batch=own_batch("noise", std=0.3)),
    case("own-batch-full", line(), batch=own_batch("noise", std=0.3), training=FULL),
    case("one-cycle", blobs(), schedule={"kind": "one_cycle", "warmup_epochs": 1}),
    case("multi-step", blobs(), schedule={"kind": "multi_step", "milestones": [1, 3]}),
    case("linear-decay", blobs(), schedule={"kind": "linear", "warmup_epochs": 1}),
    case("plateau", blobs(), schedule={"kind": "plateau", "patience": 0, "threshold": 0.5}),
    case(
        "regularized",
        blobs(),
        model=MLP,
        regularization={
            "l1": 0.01,
            "l2": 0.1,
            "label_smoothing": 0.1,
            "clip_norm": 0.1,
            "early_stopping": {"patience": 2, "min_delta": 0.05},
        },
    ),
    case(
        "bf16",
        blobs(),
        model=MLP,
        training={"epochs": 6, "batch_size": 16, "device": "cpu", "precision": "bf16"},
    ),
    case("full-batch", blobs(), training={"epochs": 6, "batch_size": "full", "device": "cpu"}),
    case("stochastic", blobs(30), training={"epochs": 6, "batch_size": 1, "device": "cpu"}),
]
ITEMS = [
    case("items", train_dev("blobs"), model=MLP),
    case("items-by-name", train_dev("two_tensors"), model=net_of_items("joined"), batch=SCALED),
    case("items-collated", train_dev("sentences"), model=net_of_items("mean_of_words")),
    case("items-noisy", train_dev("noisy"), model=MLP),
    case("items-regression", train_dev("amounts"), model=OWN),
    case("items-full-batch", train_dev("noisy"), training=FULL, model=NOISY),
]
every_case = pytest.mark.parametrize(("config", "data"), CASES + ITEMS)


def begin(config: TrialConfig, data: TrainDev, seed: int = 7) -> Training:
    return Training(config, data, DEV_LOSS, seed)


def assert_same(got: Training, expected: Training) -> None:
    assert without_times(got) == without_times(expected)
    assert got.best_epoch == expected.best_epoch
    torch.testing.assert_close(got.best_weights, expected.best_weights, rtol=0, atol=0)


@every_case
def test_two_epochs_change_the_loss(config: TrialConfig, data: TrainDev) -> None:
    first, second = train(begin(config, data), 2).history
    assert first["train_loss"] != second["train_loss"]


@every_case
def test_equal_seeds_give_equal_curves_and_others_do_not(
    config: TrialConfig, data: TrainDev
) -> None:
    expected = finished(begin(config, data))
    torch.rand(5)  # whatever else the process draws
    assert_same(finished(begin(config, data)), expected)
    assert without_times(finished(begin(config, data, seed=8))) != without_times(expected)


@pytest.mark.parametrize(("config", "data"), CASES)
def test_a_restored_trial_ends_bit_for_bit_as_if_never_stopped(
    config: TrialConfig, data: TrainDev
) -> None:
    unbroken = finished(begin(config, data))
    stopped = train(begin(config, data), 2)
    continued = begin(config, data, seed=99)
    continued.restore(stopped.checkpoint())
    assert_same(finished(continued), unbroken)
    assert (continued.outcome, continued.reason) == (unbroken.outcome, unbroken.reason)


@pytest.mark.parametrize(("config", "data"), ITEMS)
def test_a_restored_trial_on_items_goes_on_by_its_seed_alone(
    config: TrialConfig, data: TrainDev
) -> None:
    unbroken = finished(begin(config, data))
    stopped = train(begin(config, data), 2)
    continued = train(begin(config, data), 1)
    continued.restore(stopped.checkpoint())
    assert_same(finished(continued), unbroken)


@every_case
def test_two_interleaved_trials_are_as_if_alone(config: TrialConfig, data: TrainDev) -> None:
    alone = train(begin(config, data), 3)
    first = begin(config, data)
    second = begin(config, data, seed=8)
    for training in (first, second, second, first, second, first):
        training.train_epoch()
    assert_same(first, alone)


@every_case
def test_a_trial_goes_on_without_the_rows_that_were_dropped(
    config: TrialConfig, data: TrainDev
) -> None:
    unbroken = finished(begin(config, data))
    stopped = train(begin(config, data), 2)
    stopped.drop_rows(1)
    continued = begin(config, data)
    continued.restore(stopped.checkpoint())
    assert continued.trained_s == stopped.trained_s
    finished(continued)
    assert without_times(continued) == without_times(unbroken)[1:]
    assert (continued.best_epoch, continued.best_value) == (
        unbroken.best_epoch,
        unbroken.best_value,
    )
    torch.testing.assert_close(continued.best_weights, unbroken.best_weights, rtol=0, atol=0)


def test_a_checkpoint_does_not_grow_with_the_rows_that_were_dropped() -> None:
    training = begin(configuration(training={"epochs": 90, "device": "cpu"}), blobs())
    sizes = []
    for epoch in range(1, 91):
        training.drop_rows(epoch - 1)
        training.train_epoch()
        sizes.append(len(training.checkpoint()))
    assert max(sizes) - min(sizes) < 200  # numbers have more or fewer digits


def test_a_checkpoint_of_an_ended_trial_is_ended() -> None:
    ended = finished(begin(configuration(), blobs()))
    again = begin(configuration(), blobs())
    again.restore(ended.checkpoint())
    assert (again.outcome, again.epoch) == ("completed", 3)
    assert_same(again, ended)


def test_a_checkpoint_before_the_first_epoch_is_a_start() -> None:
    again = begin(configuration(), blobs(), seed=1)
    again.restore(begin(configuration(), blobs()).checkpoint())
    assert_same(finished(again), finished(begin(configuration(), blobs())))


@pytest.mark.parametrize("length", [0, 7, 300, -1])
def test_a_damaged_checkpoint_is_an_error(length: int) -> None:
    content = train(begin(configuration(), blobs()), 1).checkpoint()
    with pytest.raises(WeightsError):
        begin(configuration(), blobs()).restore(content[:length])


def test_a_checkpoint_of_another_configuration_is_refused() -> None:
    other = begin(configuration(optimizer={"kind": "sgd", "lr": 0.2}), blobs())
    with pytest.raises(WeightsError, match="continued with its own configuration"):
        begin(configuration(), blobs()).restore(other.checkpoint())


def test_a_checkpoint_for_other_data_is_refused() -> None:
    other = begin(configuration(), blobs(columns=4))
    with pytest.raises(WeightsError, match="must be of the net that is trained"):
        begin(configuration(), blobs()).restore(other.checkpoint())


def test_a_checkpoint_of_an_unknown_format_is_refused() -> None:
    with pytest.raises(WeightsError, match="a checkpoint has format 2; got 0"):
        begin(configuration(), blobs()).restore(pack({}, {"format": 0}))

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from sweeps.models.optimizers.configuration import OptimizerConfig
from sweeps.models.optimizers.flat_parameters import FlatParameters
from sweeps.models.optimizers.optimizers import Optimizer, build_optimizer
from tests.models.trial_fixtures import configuration

TorchClass = Callable[..., torch.optim.Optimizer]


def config_of(**keys: object) -> OptimizerConfig:
    return configuration(optimizer=keys).optimizer


def small_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2))


def loss_of(net: nn.Module) -> torch.Tensor:
    return (net(torch.linspace(-1, 1, 40).view(8, 5)) - 3).square().mean()


def ours_after_ten_steps(config: OptimizerConfig) -> list[torch.Tensor]:
    net = small_net()
    flat = FlatParameters(net)
    optimizer = build_optimizer(config, flat)

    def gradients() -> torch.Tensor:
        flat.gradient.zero_()
        loss = loss_of(net)
        loss.backward()
        return loss.detach()

    for _ in range(10):
        optimizer.step(config.lr, gradients)
    return [parameter.detach() for parameter in net.parameters()]


def torchs_after_ten_steps(
    build: TorchClass,
    groups: Callable[[nn.Module], Any],
    **keys: Any,
) -> list[torch.Tensor]:
    net = small_net()
    optimizer = build(groups(net), **keys)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of(net)
        loss.backward()
        return loss

    for _ in range(10):
        optimizer.step(closure)
    return [parameter.detach() for parameter in net.parameters()]


@pytest.mark.parametrize(
    ("ours", "build", "theirs"),
    [
        ({"kind": "sgd"}, torch.optim.SGD, {}),
        ({"kind": "sgd", "momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9}),
        (
            {"kind": "sgd", "momentum": 0.8, "nesterov": True},
            torch.optim.SGD,
            {"momentum": 0.8, "nesterov": True},
        ),
        ({"kind": "adam"}, torch.optim.Adam, {}),
        (
            {"kind": "adam", "beta1": 0.5, "beta2": 0.9, "eps": 1e-3},
            torch.optim.Adam,
            {"betas": (0.5, 0.9), "eps": 1e-3},
        ),
        ({"kind": "rmsprop"}, torch.optim.RMSprop, {}),
        (
            {"kind": "rmsprop", "alpha": 0.9, "momentum": 0.5, "centered": True, "eps": 1e-4},
            torch.optim.RMSprop,
            {"alpha": 0.9, "momentum": 0.5, "centered": True, "eps": 1e-4},
        ),
        ({"kind": "adagrad"}, torch.optim.Adagrad, {}),
        (
            {"kind": "adagrad", "lr_decay": 0.1, "initial_accumulator_value": 0.5},
            torch.optim.Adagrad,
            {"lr_decay": 0.1, "initial_accumulator_value": 0.5},
        ),
    ],
)
def test_ten_steps_equal_those_of_torchs_own_class(
    ours: dict[str, Any], build: TorchClass, theirs: dict[str, Any]
) -> None:
    got = ours_after_ten_steps(config_of(lr=0.05, **ours))
    expected = torchs_after_ten_steps(build, lambda net: net.parameters(), lr=0.05, **theirs)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "build"),
    [
        ("sgd", torch.optim.SGD),
        ("adam", torch.optim.Adam),
        ("adamw", torch.optim.AdamW),
        ("rmsprop", torch.optim.RMSprop),
        ("adagrad", torch.optim.Adagrad),
    ],
)
def test_defaults_are_torchs(kind: str, build: TorchClass) -> None:
    config = config_of(kind=kind).model_dump(exclude={"kind", "groups"})
    if "beta1" in config:
        config["betas"] = (config.pop("beta1"), config.pop("beta2"))
    defaults = build(small_net().parameters()).defaults
    assert config == {name: defaults[name] for name in config}


def test_decoupled_decay_equals_torchs_adamw_with_decay_on_weights_only() -> None:
    def groups(net: nn.Module) -> list[dict[str, Any]]:
        weights = [parameter for parameter in net.parameters() if parameter.ndim > 1]
        others = [parameter for parameter in net.parameters() if parameter.ndim == 1]
        return [{"params": weights, "weight_decay": 0.3}, {"params": others, "weight_decay": 0.0}]

    got = ours_after_ten_steps(config_of(kind="adamw", lr=0.05, weight_decay=0.3))
    expected = torchs_after_ten_steps(torch.optim.AdamW, groups, lr=0.05)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "keys",
    [
        {"kind": "sgd", "momentum": 0.9},
        {"kind": "adam"},
        {"kind": "adamw"},
        {"kind": "rmsprop", "momentum": 0.9, "centered": True},
        {"kind": "adagrad", "lr_decay": 0.1},
    ],
)
def test_steps_depend_on_nothing_but_state_and_gradient(keys: dict[str, Any]) -> None:
    config = config_of(lr=0.05, **keys)
    first, first_flat = stepper(config)
    first.step(0.05, loss_as_it_is)
    second, second_flat = stepper(config)
    second_flat.vector.copy_(first_flat.vector)
    second.restore({name: tensor.clone() for name, tensor in first.tensors().items()})
    first.step(0.02, loss_as_it_is)
    second.step(0.02, loss_as_it_is)
    assert torch.equal(first_flat.vector, second_flat.vector)


def loss_as_it_is() -> torch.Tensor:
    """The gradient stays what it was set to."""
    return torch.zeros(())


def stepper(config: OptimizerConfig) -> tuple[Optimizer, FlatParameters]:
    flat = FlatParameters(small_net())
    flat.gradient.copy_(torch.linspace(-1, 1, len(flat.gradient)))
    return build_optimizer(config, flat), flat

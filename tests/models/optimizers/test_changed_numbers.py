"""An optimizer that goes on by other numbers, held to torch's own with changed param_groups."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sweeps.models.optimizers.flat_parameters import FlatParameters
from sweeps.models.optimizers.optimizers import build_optimizer, change_optimizer
from tests.models.optimizers.test_optimizers import config_of, loss_of, small_net

GROUP = [{"parameters": "0.*", "lr_factor": 0.5}]


def ours(first: dict[str, Any], then: dict[str, Any]) -> list[torch.Tensor]:
    """Parameters after five steps by each of two configurations."""
    net = small_net()
    flat = FlatParameters(net)
    optimizer = build_optimizer(config_of(**first), flat)

    def gradients() -> torch.Tensor:
        flat.gradient.zero_()
        loss = loss_of(net)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    for _ in range(5):
        optimizer.step(first["lr"], gradients)
    change_optimizer(optimizer, config_of(**then), flat)
    for _ in range(5):
        optimizer.step(then["lr"], gradients)
    return [parameter.detach() for parameter in net.parameters()]


def torchs(build: Any, first: dict[str, Any], then: dict[str, Any]) -> list[torch.Tensor]:
    """The same by a second optimizer that loads the state of the first, with changed groups."""
    net = small_net()
    before = build(net.parameters(), **first)
    steps(before, net)
    after = build(net.parameters(), **first)
    after.load_state_dict(before.state_dict())
    for group in after.param_groups:
        group.update(then)
    steps(after, net)
    return [parameter.detach() for parameter in net.parameters()]


def steps(optimizer: torch.optim.Optimizer, net: torch.nn.Module) -> None:
    for _ in range(5):
        optimizer.zero_grad()
        loss_of(net).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


@pytest.mark.parametrize(
    ("kind", "build", "first", "then"),
    [
        ("sgd", torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}, {"lr": 0.02, "momentum": 0.5}),
        ("SGD", torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}, {"lr": 0.02, "momentum": 0.5}),
        ("rmsprop", torch.optim.RMSprop, {"lr": 0.01, "alpha": 0.9}, {"lr": 0.02, "alpha": 0.8}),
        ("adagrad", torch.optim.Adagrad, {"lr": 0.1}, {"lr": 0.03}),
        ("RAdam", torch.optim.RAdam, {"lr": 0.1, "eps": 1e-8}, {"lr": 0.03, "eps": 1e-3}),
    ],
)
def test_two_segments_equal_torchs_with_a_loaded_state_and_changed_groups(
    kind: str, build: Any, first: dict[str, Any], then: dict[str, Any]
) -> None:
    found = ours({"kind": kind, **first}, {"kind": kind, **then})
    for one, expected in zip(found, torchs(build, first, then), strict=True):
        torch.testing.assert_close(one, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("groups", [[], GROUP], ids=["flat", "groups"])
def test_betas_and_decay_of_weights_change_too(groups: list[Any]) -> None:
    first = {"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.1}
    then = {"lr": 0.02, "betas": (0.8, 0.9), "weight_decay": 0.01}
    net = small_net()
    scale = {id(one): 0.5 for one in net[0].parameters()} if groups else {}

    def grouped(numbers: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"params": [one], **numbers, "lr": numbers["lr"] * scale.get(id(one), 1.0)}
            | ({} if one.ndim >= 2 else {"weight_decay": 0.0})
            for one in net.parameters()
        ]

    reference = torch.optim.AdamW(grouped(first))
    steps(reference, net)
    for live, new in zip(reference.param_groups, grouped(then), strict=True):
        live.update({name: value for name, value in new.items() if name != "params"})
    steps(reference, net)

    def keys(numbers: dict[str, Any]) -> dict[str, Any]:
        beta1, beta2 = numbers["betas"]
        kept = {"lr": numbers["lr"], "weight_decay": numbers["weight_decay"]}
        return {"kind": "adamw", **kept, "beta1": beta1, "beta2": beta2, "groups": groups}

    for one, parameter in zip(ours(keys(first), keys(then)), net.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.detach(), rtol=1e-5, atol=1e-6)

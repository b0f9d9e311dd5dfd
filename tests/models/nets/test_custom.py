from __future__ import annotations

import pytest
import torch
from torch import nn

from sweeps.models.errors import NetError
from sweeps.models.nets.configuration import CustomNet
from sweeps.models.nets.custom import build_custom_net
from sweeps.models.optimizers.flat_parameters import FlatParameters

HERE = "tests.models.own_nets"


def own_net(function: str, **options: object) -> nn.Module:
    return build_custom_net(config_of(f"{HERE}:{function}", **options), (5,), 3)


def config_of(target: str, **options: object) -> CustomNet:
    return CustomNet(kind="custom", target=target, options=options)


def test_options_reach_the_function() -> None:
    net = own_net("restless", width=9)
    assert net.inner.weight.shape == (9, 5)


def test_lazy_layers_get_their_shapes() -> None:
    net = own_net("lazy")
    assert len(FlatParameters(net).vector) == (5 * 4 + 4) + (4 * 3 + 3)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("no.such_package:net", r"cannot import module no\.such_package"),
        (f"{HERE}:restles", rf"Did you mean '{HERE}:restless'"),
        (f"{HERE}:not_callable", f"module {HERE} must have a function not_callable"),
        (f"{HERE}:exploding", r"the function raised RuntimeError: out of ideas at own_nets\.py:"),
        (f"{HERE}:no_module", r"must return a torch\.nn\.Module, not a str"),
        (f"{HERE}:complex_outputs", r"must return real numbers.*, not complex64"),
        (f"{HERE}:whole_outputs", r"must return real numbers.*, not int64"),
        (f"{HERE}:wrong_outputs", r"to shape \(2, 3\), not to \(2, 4\)"),
        (f"{HERE}:wrong_inputs", r"must take rows of shape \(5,\), but raised \(RuntimeError"),
    ],
)
def test_what_is_wrong_is_said_with_the_target(target: str, message: str) -> None:
    with pytest.raises(NetError, match=message) as caught:
        build_custom_net(config_of(target), (5,), 3)
    assert caught.value.key == ("model", "target")
    assert caught.value.value == target


def test_a_net_of_a_wrong_shape_is_not_tried_again() -> None:
    with pytest.raises(NetError) as caught:
        build_custom_net(config_of(f"{HERE}:wrong_outputs"), (5,), 3)
    assert caught.value.is_permanent


def test_one_output_for_two_classes_is_answered_with_the_loss_that_takes_it() -> None:
    with pytest.raises(NetError, match="binary_cross_entropy") as caught:
        build_custom_net(config_of(f"{HERE}:one_output"), (5,), 2)
    assert "not to (2, 1)" in str(caught.value)
    with pytest.raises(NetError) as caught:
        build_custom_net(config_of(f"{HERE}:one_output"), (5,), 3)
    assert "binary" not in str(caught.value)


def test_an_option_that_the_function_does_not_have_is_an_error() -> None:
    with pytest.raises(NetError, match="must take input_shape, outputs, depth, but raised"):
        own_net("restless", depth=2)


@pytest.mark.parametrize("function", ["double_precision", "nothing_to_train"])
def test_a_net_that_cannot_be_trained_is_refused(function: str) -> None:
    net = own_net(function)
    with pytest.raises(NetError, match=r"model\.target: (a|the) net"):
        FlatParameters(net)


def test_trying_a_net_out_computes_no_gradient() -> None:
    net = own_net("restless")
    assert all(parameter.grad is None for parameter in net.parameters())
    assert torch.equal(net.calls, torch.zeros(()))

from __future__ import annotations

import pytest
import torch
from torch import nn

from sweeps.models.errors import NetError
from sweeps.models.optimizers.flat_parameters import FlatParameters
from tests.models.own_nets import restless


def test_parameters_are_views_of_the_vector() -> None:
    net = nn.Linear(3, 2)
    before = net.weight.detach().clone()
    flat = FlatParameters(net)
    flat.vector.add_(1.0)
    torch.testing.assert_close(net.weight.detach(), before + 1.0)


def test_loading_a_state_dict_changes_the_vector() -> None:
    net = nn.Linear(3, 2)
    flat = FlatParameters(net)
    net.load_state_dict({"weight": torch.full((2, 3), 7.0), "bias": torch.zeros(2)})
    assert flat.vector.tolist() == [7.0] * 6 + [0.0] * 2


def test_weights_come_first_and_biases_and_normalization_are_none() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Conv1d(1, 1, 5))
    flat = FlatParameters(net)
    weights = torch.cat([net[0].weight.reshape(-1), net[2].weight.reshape(-1)])
    torch.testing.assert_close(flat.weights, weights.detach())
    assert len(flat.vector) == 3 * 2 + 2 + 2 + 2 + 5 + 1


def test_backward_adds_to_the_gradient_vector() -> None:
    net = nn.Linear(2, 1)
    flat = FlatParameters(net)
    net(torch.tensor([[3.0, 5.0]])).sum().backward()
    assert flat.gradient.tolist() == [3.0, 5.0, 1.0]
    assert flat.weights_gradient.tolist() == [3.0, 5.0]


def test_tied_frozen_and_unused_parameters_keep_their_meaning() -> None:
    net = restless((3,), outputs=2, width=4)
    flat = FlatParameters(net)
    net(torch.ones(1, 3)).sum().backward()
    assert len(flat.vector) == (3 * 4 + 4) + (2 * 2 + 2) + (4 * 2 + 2)
    assert net.unused.weight.grad is not None
    assert net.unused.weight.grad.eq(0).all()


def test_a_net_with_nothing_to_train_is_refused() -> None:
    with pytest.raises(NetError, match="at least one parameter to train"):
        FlatParameters(nn.ReLU())


def test_parameters_of_several_precisions_are_refused() -> None:
    net = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1).double())
    with pytest.raises(NetError, match=r"not torch\.float32 on cpu, torch\.float64 on cpu"):
        FlatParameters(net)

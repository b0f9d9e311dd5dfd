from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from sweeps.models.nets.mlp import Mlp
from sweeps.models.nets.nets import build_net
from tests.models.trial_fixtures import configuration


def net_of(shape: tuple[int, ...] = (6,), outputs: int = 3, **keys: object) -> nn.Module:
    torch.manual_seed(0)
    return build_net(configuration(model=keys).model, shape, outputs)


def names(net: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in net.children()]


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_a_linear_net_is_one_affine_map() -> None:
    net = net_of(kind="linear")
    x = torch.randn(4, 6)
    expected = x @ net[0].weight.T + net[0].bias
    torch.testing.assert_close(net(x), expected)


def test_an_mlp_has_its_layers_in_order() -> None:
    net = net_of(kind="mlp", hidden_layers=2, activation="gelu", dropout=0.5, normalization="batch")
    block = ["Linear", "BatchNorm1d", "GELU", "Dropout"]
    assert names(net) == [*block, *block, "Linear"]


def test_an_mlp_has_the_parameters_counted_by_hand() -> None:
    net = net_of(kind="mlp", hidden_layers=2, hidden_units=10, normalization="layer")
    assert count(net) == (6 * 10 + 10 + 20) + (10 * 10 + 10 + 20) + (10 * 3 + 3)


def test_layers_of_their_own_sizes_and_dropout() -> None:
    net = net_of(kind="mlp", hidden_layer_sizes=[10, 4, 7], hidden_layer_dropout=[0.5, 0.0, 0.25])
    dropping = ["Linear", "ReLU", "Dropout"]
    assert names(net) == [*dropping, "Linear", "ReLU", *dropping, "Linear"]
    assert count(net) == (6 * 10 + 10) + (10 * 4 + 4) + (4 * 7 + 7) + (7 * 3 + 3)
    assert [one.p for one in net.children() if isinstance(one, nn.Dropout)] == [0.5, 0.25]


def test_equal_sizes_are_the_net_of_one_width() -> None:
    listed = net_of(kind="mlp", hidden_layer_sizes=[8, 8], hidden_layer_dropout=[0.1, 0.1])
    plain = net_of(kind="mlp", hidden_layers=2, hidden_units=8, dropout=0.1)
    for ours, theirs in zip(listed.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_sizes_are_written_in_place_of_number_and_width() -> None:
    config = configuration(model={"kind": "mlp", "hidden_layer_sizes": [8, 4], "dropout": 0.5})
    values = config.model.model_dump(mode="json")
    assert values["hidden_layer_sizes"] == [8, 4]
    assert values.keys().isdisjoint({"hidden_layers", "hidden_units", "hidden_layer_dropout"})
    assert configuration(model=values).model.model_dump(mode="json") == values
    plain = configuration(model={"kind": "mlp"}).model.model_dump(mode="json")
    assert plain.keys().isdisjoint({"hidden_layer_sizes", "hidden_layer_dropout"})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"hidden_layer_sizes": [8], "hidden_layers": 1}, "in place of `hidden_layers`"),
        ({"hidden_layer_sizes": [8], "hidden_units": 64}, "in place of `hidden_units`"),
        (
            {"hidden_layer_sizes": [8], "hidden_layer_dropout": [0.1], "dropout": 0.0},
            "in place of `dropout`",
        ),
        ({"hidden_layer_sizes": [8, 4], "hidden_layer_dropout": [0.1]}, "2; it has 1"),
        ({"hidden_layer_dropout": [0.1]}, "0; it has 1"),
    ],
)
def test_layers_are_said_once(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        configuration(model={"kind": "mlp", **values})


@pytest.mark.parametrize("shape", [(6,), (1, 2, 3)])
def test_the_names_of_a_net_of_sizes_are_told_without_building_it(shape: tuple[int, ...]) -> None:
    config = configuration(
        model={
            "kind": "mlp", "hidden_layer_sizes": [8, 4, 2], "hidden_layer_dropout": [0.0, 0.5, 0.0]
        }
    )  # fmt: skip
    assert isinstance(config.model, Mlp)
    net = build_net(config.model, shape, 3)
    expected = [name for name, _ in net.named_parameters()]
    assert config.model.parameter_names(len(shape)) == expected


def test_what_is_switched_off_is_no_layer() -> None:
    assert names(net_of(kind="mlp")) == ["Linear", "ReLU", "Linear"]


def test_a_cnn_has_its_layers_in_order() -> None:
    net = net_of((1, 8, 8), kind="cnn", pooling="average", dropout=0.2, normalization="batch")
    block = ["Conv2d", "BatchNorm2d", "ReLU", "AvgPool2d"]
    assert names(net) == [*block, *block, "Flatten", "Linear", "ReLU", "Dropout", "Linear"]


def test_a_cnn_has_the_parameters_counted_by_hand() -> None:
    net = net_of((3, 8, 6), kind="cnn", channels=4, channel_growth=3, kernel_size=5, hidden_units=7)
    convolutions = (3 * 4 * 25 + 4) + (4 * 12 * 25 + 12)
    assert count(net) == convolutions + (12 * 2 * 1 * 7 + 7) + (7 * 3 + 3)


@pytest.mark.parametrize("pooling", ["max", "none"])
def test_a_cnn_takes_images_of_odd_sizes(pooling: str) -> None:
    net = net_of((2, 5, 9), kind="cnn", pooling=pooling)
    assert net(torch.zeros(4, 2, 5, 9)).shape == (4, 3)


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_images_are_flattened_for_other_nets(kind: str) -> None:
    assert net_of((2, 4, 4), kind=kind)(torch.zeros(5, 2, 4, 4)).shape == (5, 3)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("relu", 0.0),
        ("leaky_relu", -0.01),
        ("elu", math.exp(-1) - 1),
        ("gelu", -(1 + math.erf(-1 / math.sqrt(2))) / 2),
        ("silu", -1 / (1 + math.e)),
        ("tanh", math.tanh(-1)),
        ("sigmoid", 1 / (1 + math.e)),
    ],
)
def test_activations_are_their_formulas_at_minus_one(activation: str, expected: float) -> None:
    layer = net_of(kind="mlp", activation=activation)[1]
    assert layer(torch.tensor(-1.0)).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("initialization", "deviation"),
    [("xavier", math.sqrt(2 / (400 + 300))), ("he", math.sqrt(2 / 400))],
)
def test_normal_initializations_have_their_published_deviation(
    initialization: str, deviation: float
) -> None:
    layer = net_of((400,), kind="mlp", hidden_units=300, initialization=initialization)[0]
    # 120,000 draws: the deviation is known to 0.2 %, one sigma.
    assert layer.weight.std().item() == pytest.approx(deviation, rel=0.01)
    assert layer.bias.eq(0).all()


def test_orthogonal_initialization_has_orthonormal_rows() -> None:
    layer = net_of((20,), kind="mlp", hidden_units=8, initialization="orthogonal")[0]
    torch.testing.assert_close(layer.weight @ layer.weight.T, torch.eye(8))


def test_dropout_drops_its_share_in_training_only() -> None:
    net = net_of(kind="mlp", dropout=0.3)
    kept = net[2].train()(torch.ones(100_000))
    # 1 of 100,000 units has a deviation of 0.0015 in the share.
    assert (kept == 0).float().mean().item() == pytest.approx(0.3, abs=0.006)
    assert net[2].eval()(torch.ones(5)).tolist() == [1.0] * 5

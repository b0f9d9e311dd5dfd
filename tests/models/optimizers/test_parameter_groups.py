"""Groups of parameters learn as torch's do, and patterns that name none are refused."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import torch
from torch import nn

from sweeps.models.configuration import check_trial
from sweeps.models.errors import TrialConfigError
from sweeps.models.nets.configuration import CustomNet, ModelConfig
from sweeps.models.nets.nets import build_net
from sweeps.models.optimizers.group_patterns import names_by_group
from sweeps.models.optimizers.section import ParameterGroup
from tests.models.optimizers.test_optimizers import (
    TorchClass,
    config_of,
    ours_after_ten_steps,
    torchs_after_ten_steps,
)
from tests.models.trial_fixtures import blobs, configuration

GROUPS = [
    {"parameters": "0.*", "lr_factor": 0.1, "weight_decay": 0.5},
    {"parameters": "*.weight", "lr": 0.2},
]


def as_in_torch(net: nn.Module) -> list[dict[str, Any]]:
    """The groups above, by hand: the first layer, the second's weight, its bias."""
    first, second = net[0], net[2]  # type: ignore[index]
    return [
        {"params": [first.weight], "lr": 0.005, "weight_decay": 0.5},
        {"params": [first.bias], "lr": 0.005, "weight_decay": 0.0},
        {"params": [second.weight], "lr": 0.2},
        {"params": [second.bias], "weight_decay": 0.0},
    ]


@pytest.mark.parametrize(
    ("ours", "build", "theirs"),
    [
        ({"kind": "adamw"}, torch.optim.AdamW, {}),
        ({"kind": "NAdam", "weight_decay": 0.1}, torch.optim.NAdam, {"weight_decay": 0.1}),
        (
            {"kind": "SGD", "momentum": 0.9, "weight_decay": 0.1},
            torch.optim.SGD,
            {"momentum": 0.9, "weight_decay": 0.1},
        ),
    ],
)
def test_groups_are_torchs(ours: dict[str, Any], build: TorchClass, theirs: dict[str, Any]) -> None:
    got = ours_after_ten_steps(config_of(lr=0.05, groups=GROUPS, **ours))
    expected = torchs_after_ten_steps(build, as_in_torch, lr=0.05, **theirs)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)


BUILT_IN: list[dict[str, Any]] = [
    {"kind": "sgd"},
    {"kind": "sgd", "momentum": 0.9, "nesterov": True},
    {"kind": "adam", "beta1": 0.8},
    {"kind": "adamw", "weight_decay": 0.2},
    {"kind": "rmsprop", "momentum": 0.5, "centered": True},
    {"kind": "adagrad", "lr_decay": 0.1},
]


@pytest.mark.parametrize("keys", BUILT_IN)
def test_a_group_that_changes_nothing_leaves_the_flat_steps_as_they_are(
    keys: dict[str, Any],
) -> None:
    flat = ours_after_ten_steps(config_of(lr=0.05, **keys))
    grouped = [{"parameters": "0.*", "lr_factor": 1.0}]
    by_class = ours_after_ten_steps(config_of(lr=0.05, groups=grouped, **keys))
    torch.testing.assert_close(by_class, flat, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"parameters": "a"}, "needs lr, lr_factor or weight_decay"),
        ({"parameters": "a", "lr": 1.0, "lr_factor": 1.0}, "lr or lr_factor, not both"),
        ({"parameters": "a", "weight_decay": 1.0}, "sgd has no weight_decay"),
    ],
)
def test_a_group_says_one_thing(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        config_of(kind="sgd", groups=[keys])


@pytest.mark.parametrize(
    ("patterns", "told"),
    [
        (["hed.*"], "must match the name of at least one parameter.*They are a.w, a.b, head.w"),
        (["a.*", "a.w"], "must match a parameter that no earlier group has.*left are head.w"),
        (["*", "a.w"], "must match a parameter that no earlier group has.*left are none"),
    ],
)
def test_a_pattern_without_parameters_lists_the_names(patterns: list[str], told: str) -> None:
    groups = [ParameterGroup(parameters=one, lr=1.0) for one in patterns]
    with pytest.raises(TrialConfigError, match=told):
        names_by_group(groups, ["a.w", "a.b", "head.w"])


def test_the_first_group_that_has_a_parameter_counts() -> None:
    groups = [ParameterGroup(parameters=one, lr=1.0) for one in ("*.b", "a.*")]
    assert names_by_group(groups, ["a.w", "a.b", "head.w"]) == [["a.b"], ["a.w"], ["head.w"]]


NETS: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({"kind": "linear"}, (4,)),
    ({"kind": "linear"}, (1, 8, 8)),
    ({"kind": "mlp", "hidden_layers": 3, "dropout": 0.5}, (4,)),
    ({"kind": "mlp", "normalization": "batch"}, (1, 8, 8)),
    ({"kind": "mlp", "normalization": "layer", "dropout": 0.5}, (4,)),
    ({"kind": "cnn"}, (1, 8, 8)),
    ({"kind": "cnn", "normalization": "batch", "pooling": "none", "dropout": 0.5}, (3, 8, 8)),
]


def test_every_net_has_a_row_here() -> None:
    sections = get_args(get_args(ModelConfig)[0])
    kinds = {get_args(one.model_fields["kind"].annotation)[0] for one in sections}
    assert kinds - {"custom"} == {model["kind"] for model, _ in NETS}


@pytest.mark.parametrize(("model", "shape"), NETS)
def test_the_names_that_are_told_are_those_of_the_net(
    model: dict[str, Any], shape: tuple[int, ...]
) -> None:
    config = configuration(model=model).model
    built = build_net(config, shape, 3)
    assert not isinstance(config, CustomNet)
    assert config.parameter_names(len(shape)) == [name for name, _ in built.named_parameters()]


def test_the_names_of_embedded_columns_are_told() -> None:
    config = configuration(model={"kind": "mlp", "embedding": "fastai", "dropout": 0.5}).model
    built = build_net(config, (9,), 3, categories=(4, 2))
    names = [name for name, _ in built.named_parameters()]
    assert not isinstance(config, CustomNet)
    assert config.parameter_names(1, word_columns=2) == names
    assert names[:2] == ["0.columns.0.weight", "0.columns.1.weight"]


def test_a_pattern_is_held_against_a_built_in_net_before_anything_is_trained() -> None:
    groups = [{"parameters": "backbone.*", "lr": 1.0}]
    config = configuration(optimizer={"kind": "adam", "groups": groups})
    with pytest.raises(TrialConfigError, match=r"They are 0\.weight, 0\.bias"):
        check_trial(config, blobs(columns=4))
    own = configuration(
        model={"kind": "custom", "target": "a:b"}, optimizer={"kind": "adam", "groups": groups}
    )
    check_trial(own, blobs(columns=4))

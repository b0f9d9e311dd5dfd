"""Optimizers of torch's kind: the table is torch's, the steps are torch's, and so is the state."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import pytest
import torch
from torch import nn

from sweeps.models.errors import NetError, TrialConfigError
from sweeps.models.optimizers.flat_parameters import FlatParameters
from sweeps.models.optimizers.optimizers import build_optimizer
from sweeps.models.optimizers.torch_configuration import TorchOptimizer, TorchOptimizerSection
from sweeps.models.training.training import Training
from tests.models.optimizers.test_optimizers import (
    TorchClass,
    config_of,
    ours_after_ten_steps,
    small_net,
    torchs_after_ten_steps,
)
from tests.models.trial_fixtures import DEV_LOSS, blobs, configuration, finished, without_times

SECTIONS: tuple[type[TorchOptimizerSection], ...] = get_args(TorchOptimizer)
# How torch computes and not what; and gradients are descended.
_HOW = {"self", "params", "foreach", "fused", "capturable", "differentiable", "maximize"}
# SparseAdam takes sparse gradients alone, Muon matrices alone.
_REFUSED = {"SparseAdam", "Muon", "Optimizer"}

OPTIONS: dict[str, dict[str, Any]] = {
    "Adadelta": {"lr": 0.5, "rho": 0.8, "eps": 1e-4},
    "Adafactor": {"lr": 0.05, "beta2_decay": -0.7, "eps": [1e-20, 1e-2], "d": 2.0},
    "Adagrad": {"lr": 0.05, "lr_decay": 0.1, "initial_accumulator_value": 0.5},
    "Adam": {"lr": 0.05, "betas": [0.8, 0.9], "amsgrad": True},
    "AdamW": {"lr": 0.05, "betas": [0.8, 0.9], "amsgrad": True, "weight_decay": 0.0},
    "Adamax": {"lr": 0.05, "betas": [0.8, 0.9]},
    "ASGD": {"lr": 0.05, "lambd": 1e-2, "alpha": 0.5, "t0": 2.0},
    "LBFGS": {"lr": 0.5, "max_iter": 4, "history_size": 3, "line_search_fn": "strong_wolfe"},
    "NAdam": {"lr": 0.05, "betas": [0.8, 0.9], "momentum_decay": 1e-2},
    "RAdam": {"lr": 0.05, "betas": [0.8, 0.9]},
    "RMSprop": {"lr": 0.05, "alpha": 0.9, "momentum": 0.5, "centered": True},
    "Rprop": {"lr": 0.05, "etas": [0.4, 1.1], "step_sizes": [1e-5, 1.0]},
    "SGD": {"lr": 0.05, "momentum": 0.9, "dampening": 0.1},
}
DECAYING = [kind for kind in OPTIONS if kind not in ("LBFGS", "Rprop")]


def kind_of(section: type[TorchOptimizerSection]) -> str:
    (kind,) = get_args(section.model_fields["kind"].annotation)
    return str(kind)


def class_of(kind: str) -> TorchClass:
    found: TorchClass = getattr(torch.optim, kind)
    return found


def as_torch_takes(options: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in options.items()}


def weights_and_others(net: nn.Module) -> list[dict[str, Any]]:
    weights = [one for one in net.parameters() if one.ndim > 1]
    others = [one for one in net.parameters() if one.ndim == 1]
    return [{"params": weights}, {"params": others, "weight_decay": 0.0}]


@pytest.mark.parametrize("section", SECTIONS, ids=kind_of)
def test_options_and_defaults_are_those_of_torchs_class(
    section: type[TorchOptimizerSection],
) -> None:
    signature = inspect.signature(class_of(kind_of(section)).__init__)  # type: ignore[misc]
    theirs = {n: one.default for n, one in signature.parameters.items() if n not in _HOW}
    assert section.model_validate({"kind": kind_of(section)}).keywords() == theirs


def test_every_class_of_torch_is_offered_or_known_to_be_refused() -> None:
    classes = {name for name, one in vars(torch.optim).items() if inspect.isclass(one)}
    assert {kind_of(section) for section in SECTIONS} == classes - _REFUSED
    assert OPTIONS.keys() == classes - _REFUSED


@pytest.mark.parametrize("kind", OPTIONS)
def test_ten_steps_are_torchs(kind: str) -> None:
    options = OPTIONS[kind]
    got = ours_after_ten_steps(config_of(kind=kind, **options))
    expected = torchs_after_ten_steps(
        class_of(kind), lambda net: net.parameters(), **as_torch_takes(options)
    )
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", DECAYING)
def test_weight_decay_acts_on_weights_and_not_on_biases(kind: str) -> None:
    options = {**OPTIONS[kind], "weight_decay": 0.1}
    got = ours_after_ten_steps(config_of(kind=kind, **options))
    expected = torchs_after_ten_steps(class_of(kind), weights_and_others, **as_torch_takes(options))
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["Adam", "NAdam", "RAdam"])
def test_decoupled_decay_is_torchs(kind: str) -> None:
    keys = {"lr": 0.05, "weight_decay": 0.3, "decoupled_weight_decay": True}
    got = ours_after_ten_steps(config_of(kind=kind, **keys))
    expected = torchs_after_ten_steps(class_of(kind), weights_and_others, **keys)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)


OWN = "tests.models.own_optimizers"


def own(name: str, **options: Any) -> dict[str, Any]:
    return {"kind": "custom", "target": f"{OWN}:{name}", "lr": 0.05, "options": options}


def test_an_own_class_makes_its_steps() -> None:
    from tests.models.own_optimizers import Lion

    got = ours_after_ten_steps(config_of(**own("Lion", betas=[0.8, 0.9], weight_decay=0.1)))
    expected = torchs_after_ten_steps(
        Lion, weights_and_others, lr=0.05, betas=(0.8, 0.9), weight_decay=0.1
    )
    torch.testing.assert_close(got, expected, rtol=0, atol=0)


def test_an_own_function_and_one_that_takes_a_closure_make_theirs() -> None:
    from tests.models.own_optimizers import Sam

    momentum = ours_after_ten_steps(config_of(**own("plain", momentum=0.9)))
    sgd = torchs_after_ten_steps(
        torch.optim.SGD, lambda net: net.parameters(), lr=0.05, momentum=0.9
    )
    torch.testing.assert_close(momentum, sgd, rtol=1e-5, atol=1e-6)
    sharp = ours_after_ten_steps(config_of(**own("Sam", rho=0.1)))
    expected = torchs_after_ten_steps(Sam, lambda net: net.parameters(), lr=0.05, rho=0.1)
    torch.testing.assert_close(sharp, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("nothing", {}, "must return a torch.optim.Optimizer; a NoneType has no param_groups"),
        ("merging", {}, "must keep the 2 parameter groups it is given; it has 1"),
        ("plain", {"rho": 1}, "must take params, lr, rho, but raised"),
        ("absent", {}, "must have a function absent"),
    ],
)
def test_an_own_optimizer_that_does_not_work_says_why(
    name: str, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(NetError, match=told) as caught:
        build_optimizer(config_of(**own(name, **options)), FlatParameters(small_net()))
    assert caught.value.key == ("optimizer", "target")


def test_a_state_that_cannot_be_saved_is_refused_and_not_pickled() -> None:
    training = Training(configuration(optimizer=own("Unsaved")), blobs(), DEV_LOSS, seed=1)
    training.train_epoch()
    with pytest.raises(NetError, match=r"must be tensors, numbers and strings.*of type object"):
        training.checkpoint()


def test_a_restored_state_is_that_of_before_in_every_type() -> None:
    config = configuration(
        optimizer=own("Odd"), training={"epochs": 6, "batch_size": 16, "device": "cpu"}
    )
    unbroken = finished(Training(config, blobs(), DEV_LOSS, seed=1))
    stopped = Training(config, blobs(), DEV_LOSS, seed=1)
    stopped.train_epoch()
    continued = Training(config, blobs(), DEV_LOSS, seed=1)
    continued.restore(stopped.checkpoint())
    assert without_times(finished(continued)) == without_times(unbroken)


def test_l2_and_a_decay_on_the_gradient_are_refused_together() -> None:
    with pytest.raises(ValueError, match="must not both be set") as caught:
        configuration(optimizer={"kind": "NAdam", "weight_decay": 0.1}, regularization={"l2": 0.1})
    assert "Set one of the two to 0" in str(caught.value)
    configuration(optimizer={"kind": "AdamW"}, regularization={"l2": 0.1})
    configuration(
        optimizer={"kind": "NAdam", "weight_decay": 0.1, "decoupled_weight_decay": True},
        regularization={"l2": 0.1},
    )


def test_an_optimizers_own_decay_on_the_gradient_is_l2() -> None:
    by_decay = configuration(optimizer={"kind": "SGD", "lr": 0.1, "weight_decay": 0.3})
    by_l2 = configuration(optimizer={"kind": "SGD", "lr": 0.1}, regularization={"l2": 0.3})
    first, second = (finished(Training(one, blobs(), DEV_LOSS, 1)) for one in (by_decay, by_l2))
    torch.testing.assert_close(first.best_weights, second.best_weights, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"kind": "LBFGS", "groups": [{"parameters": "*", "lr": 1.0}]}, "only one parameter group"),
        ({"kind": "SGD", "nesterov": True}, "nesterov needs a momentum"),
        ({"kind": "Rprop", "etas": [1.5, 2.0]}, "below 1"),
        ({"kind": "custom", "target": "a:B", "lr": 1.0, "options": {"lr": 2}}, "other than lr"),
    ],
)
def test_options_that_do_not_suit_each_other_are_refused(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        config_of(**keys)


def test_a_group_that_matches_nothing_lists_the_names() -> None:
    config = config_of(kind="sgd", groups=[{"parameters": "hed.*", "lr": 1.0}])
    with pytest.raises(TrialConfigError, match=r"They are 0\.weight, 0\.bias, 2\.weight, 2\.bias"):
        build_optimizer(config, FlatParameters(small_net()))

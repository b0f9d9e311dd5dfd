"""A function that takes one Pydantic model gets it, made of its options."""

from __future__ import annotations

from typing import Any

import pytest

from sweeps.models.errors import TrialConfigError
from sweeps.models.nets.configuration import CustomNet
from sweeps.models.nets.custom import build_custom_net
from sweeps.models.optimizers.flat_parameters import FlatParameters
from sweeps.models.optimizers.own_configuration import CustomOptimizer
from sweeps.models.optimizers.torch_optimizers import own_steps
from sweeps.models.own_code.options_model import keywords_of
from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.objective import Objective
from sweeps.models.training.training import Training
from tests.models import own_models
from tests.models.trial_fixtures import finished

HERE = "tests.models.own_models"
OBJECTIVE = Objective("dev_loss", "min", {"loss": MetricOptions(goal="min")})


@pytest.mark.parametrize("name", ["train", "Train"])
def test_own_training_gets_its_model(name: str) -> None:
    training = {"kind": "custom", "target": f"{HERE}:{name}", "epochs": 1, "options": {"lr": 0.5}}
    config = OwnTrialConfig.model_validate({"training": training})
    assert finished(Training(config, (), OBJECTIVE, 1)).history[0]["dev_loss"] == 0.5


def test_an_own_net_and_its_optimizer_get_their_models() -> None:
    config = CustomNet(kind="custom", target=f"{HERE}:build", options={"lr": 1.0, "width": 6})
    net = build_custom_net(config, (5,), 3)
    decay = {"decay": 0.1}
    config_of_steps = {"kind": "custom", "target": f"{HERE}:steps", "lr": 0.5, "options": decay}
    own_steps(CustomOptimizer.model_validate(config_of_steps), FlatParameters(net))
    assert [tuple(one.shape) for one in net.parameters()] == [(6, 5), (6,), (3, 6), (3,)]


@pytest.mark.parametrize("name", ["one_number", "two"])
def test_other_functions_get_their_options_by_name(name: str) -> None:
    options = {"width": 3}
    assert keywords_of(getattr(own_models, name), "training", options) == options


WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...], str]] = {
    "bound": ({"lr": 2.0}, ("lr",), "less than or equal to 1"),
    "together": ({"lr": 1.0, "width": 65, "form": "deep"}, (), "at most 64 wide"),
    "unknown": ({"lr": 1.0, "wdth": 3}, ("wdth",), "not permitted"),
}


@pytest.mark.parametrize(("options", "place", "words"), WRONG.values(), ids=WRONG)
def test_a_trial_that_breaks_a_rule_fails_for_good(
    options: dict[str, Any], place: tuple[str, ...], words: str
) -> None:
    with pytest.raises(TrialConfigError, match=words) as caught:
        keywords_of(own_models.train, "training", options)
    assert caught.value.key == ("training", "options", *place)
    assert caught.value.is_permanent


def test_a_model_that_allows_more_gets_more() -> None:
    found = keywords_of(own_models.takes_any, "training", {"depth": 3})["options"]
    assert found.depth == 3

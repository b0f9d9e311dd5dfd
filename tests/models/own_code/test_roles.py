"""Each place for a user-defined function is found by the one generator that all others ask."""

from __future__ import annotations

from functools import reduce
from operator import getitem
from typing import Any

import pytest

from sweeps.models.configuration import TrialConfig
from sweeps.models.data.configuration import DataConfig
from sweeps.models.own_code.roles import (
    ROLES,
    OwnFunction,
    OwnRole,
    data_functions,
    own_functions,
    trial_functions,
)
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.trial_kinds import read_trial

OPTIMIZER: dict[str, Any] = {"kind": "custom", "target": "own.steps:Lion", "lr": 0.1}
TRAINING: dict[str, Any] = {"kind": "custom", "target": "own.loop:train", "epochs": 3}
LOSS: dict[str, Any] = {"kind": "custom", "target": "own.losses:tversky"}
BATCH: dict[str, Any] = {"target": "own.data:flip"}
METRIC: dict[str, Any] = {"target": "own.metrics:iou", "goal": "max"}
NET: dict[str, Any] = {"kind": "custom", "target": "own.net:build", "options": {"width": 3}}


def configuration(model: dict[str, Any], **sections: dict[str, Any]) -> dict[str, Any]:
    plain = {"model": model, "optimizer": {"kind": "sgd"}, "training": {"epochs": 1}}
    return TrialConfig.model_validate(plain | sections).model_dump(mode="json")


@pytest.mark.parametrize("model", [{"kind": "linear"}, {"kind": "mlp"}, {"kind": "cnn"}])
def test_a_trial_of_the_products_own_nets_calls_none(model: dict[str, Any]) -> None:
    assert list(trial_functions(configuration(model))) == []


@pytest.mark.parametrize("source", ["iris", "own.csv", "own/data.parquet"])
def test_a_data_set_that_is_read_calls_none(source: str) -> None:
    data = DataConfig(source=source, target="y" if "." in source else None)
    assert list(data_functions(data)) == []


def test_a_sweep_calls_that_of_its_data_then_those_of_its_trials() -> None:
    data = DataConfig(source="own.data:load")
    plan = [configuration(NET), configuration({"kind": "linear"}), configuration(NET)]
    net = OwnFunction("net", "own.net:build", {"width": 3})
    assert list(own_functions(data, {}, plan)) == [OwnFunction("data", "own.data:load"), net, net]


OF_NETS = configuration(NET, optimizer=OPTIMIZER, loss=LOSS, batch=BATCH)
OF_OWN_TRAINING = read_trial({"training": TRAINING}).model_dump(mode="json")
IN_FILE: dict[OwnRole, dict[str, Any]] = {
    "data": {"data": {"source": "own.data:load"}},
    "net": OF_NETS,
    "optimizer": OF_NETS,
    "loss": OF_NETS,
    "batch": OF_NETS,
    "metric": {"metrics": {"iou": METRIC}},
    "training": OF_OWN_TRAINING,
}


def test_every_role_is_tried() -> None:
    assert IN_FILE.keys() == ROLES.keys()


@pytest.mark.parametrize("kind", ROLES)
def test_a_function_is_named_where_its_role_says(kind: OwnRole) -> None:
    metrics = {"iou": MetricOptions(**METRIC)}
    data = DataConfig(source="own.data:load")
    found = own_functions(data, metrics, [OF_NETS, OF_OWN_TRAINING])
    (own,) = (one for one in found if one.kind == kind)
    assert reduce(getitem, own.role.path, IN_FILE[kind]) == own.target


def test_a_model_is_packed_with_what_its_net_needs_and_not_with_its_data() -> None:
    assert {kind for kind, role in ROLES.items() if role.answers} == {"net", "training"}

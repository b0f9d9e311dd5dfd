from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import fbeta_score, median_absolute_error

from sweeps.models.errors import OwnFunctionError
from sweeps.models.scoring.answers import Answers
from sweeps.models.scoring.measured_metrics import measured_metrics
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.metrics import Metric
from sweeps.models.scoring.objective import Objective
from sweeps.models.scoring.tasks import Task
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.training import Training
from tests.models.scoring.test_metrics import random_classes, random_numbers
from tests.models.trial_fixtures import (
    DEV_LOSS,
    blobs,
    configuration,
    finished,
    line,
    without_times,
)

NOISY = {"kind": "mlp", "hidden_layers": 1, "hidden_units": 8, "dropout": 0.5}


def own(name: str, **more: Any) -> MetricOptions:
    section = {"target": f"tests.models.own_measures:{name}", "goal": "max", **more}
    return MetricOptions.model_validate(section)


def metric(task: Task, name: str, **more: Any) -> Metric:
    return measured_metrics(task, {"mine": own(name, **more)}, None)["mine"]


def trained(data: TrainDev, objective: Objective = DEV_LOSS, **recorded: MetricOptions) -> Training:
    config = configuration(model=NOISY, optimizer={"kind": "adam"})
    return finished(Training(config, data, replace(objective, recorded=recorded), seed=3))


@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_an_own_metric_of_classes_is_given_probabilities_and_classes(beta: float) -> None:
    logits, labels = random_classes(4, 40)
    answers = Answers.of("classification", logits, labels)
    found = metric("classification", "fbeta", options={"beta": beta}).function(answers)
    expected = fbeta_score(labels, logits.argmax(1), beta=beta, average="macro")
    assert found.item() == pytest.approx(expected)


def test_an_own_metric_of_numbers_is_given_them_in_their_own_units() -> None:
    outputs, targets = random_numbers()
    answers = Answers.of("regression", outputs, targets, (5.0, 3.0))
    expected = median_absolute_error(targets * 3 + 5, outputs.squeeze(1) * 3 + 5)
    found = metric("regression", "median_error").function(answers)
    assert found.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("data", "dimensions"), [(blobs(), 2), (line(), 1)])
def test_what_an_own_metric_sees_has_the_shape_of_the_page(data: TrainDev, dimensions: int) -> None:
    row = trained(data, mine=own("shapes")).history[0]
    assert (row["train_mine"], row["dev_mine"]) == (dimensions, dimensions)


def test_trials_are_judged_by_an_own_metric_as_by_the_same_one_of_the_table() -> None:
    mine = trained(blobs(), Objective("dev_hits", "max"), hits=own("hits"))
    table = trained(blobs(), Objective("dev_accuracy", "max"))
    assert [row["dev_hits"] for row in mine.history] == [
        pytest.approx(row["dev_accuracy"]) for row in table.history
    ]
    assert mine.best_epoch == table.best_epoch


def test_what_an_own_metric_draws_changes_nothing_that_follows() -> None:
    without, drawing = trained(blobs()), trained(blobs(), mine=own("drawing"))
    assert [row["dev_loss"] for row in drawing.history] == [
        row["dev_loss"] for row in without.history
    ]
    assert len({row["dev_mine"] for row in drawing.history}) == 1


@pytest.mark.parametrize("data", [blobs(), line()], ids=["classes", "numbers"])
def test_what_an_own_metric_changes_in_place_is_its_own(data: TrainDev) -> None:
    without = trained(data, last=own("shapes"))
    spoilt = trained(data, mine=own("spoiling"), last=own("shapes"))
    seen = [{k: v for k, v in row.items() if "mine" not in k} for row in without_times(spoilt)]
    assert seen == without_times(without)


BAD = {
    "by_row": "must return one finite number, and returned a Tensor of shape (60,)",
    "words": "and returned a str",
    "nothing": "and returned a NoneType",
    "not_a_number": "and returned nan for 60 rows",
    "beyond_floats": "one finite number, and returned a whole number that no float holds",
    "raising": "the function raised ZeroDivisionError: no boxes at own_measur",
    "no_such": "must have a function no_such",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_metric_is_an_error_with_its_place(name: str) -> None:
    with pytest.raises(OwnFunctionError) as caught:
        trained(blobs(), mine=own(name))
    assert str(caught.value).startswith("metrics.mine.target: ")
    assert BAD[name] in str(caught.value)


@pytest.mark.parametrize("name", ["by_row", "words", "not_a_number", "raising"])
def test_what_would_be_wrong_again_is_not_tried_again(name: str) -> None:
    with pytest.raises(OwnFunctionError) as caught:
        trained(blobs(), mine=own(name))
    assert caught.value.is_permanent


@pytest.mark.parametrize("name", ["raising", "not_a_number"])
def test_of_outputs_that_are_no_numbers_an_own_metric_is_not_asked(name: str) -> None:
    logits, labels = random_classes(4, 40)
    answers = Answers.of("classification", logits / 0.0, labels)
    assert math.isnan(metric("classification", name).function(answers).item())


def test_rows_drawn_again_on_which_it_raises_have_no_value() -> None:
    logits, labels = torch.randn(6, 2), torch.tensor([0, 0, 0, 1, 1, 1])
    answers = Answers.of("classification", logits, labels)
    area = metric("classification", "area")
    assert math.isnan(area.function(answers.take(torch.tensor([0, 1, 2]))).item())
    assert 0 <= area.function(answers).item() <= 1


def test_an_own_metric_lies_within_its_bounds() -> None:
    assert metric("classification", "hits", bounds=[0, 1]).bounds == (0, 1)
    assert metric("classification", "hits", bounds=[None, 1]).bounds == (-np.inf, 1)
    assert metric("classification", "hits").bounds == (-np.inf, np.inf)

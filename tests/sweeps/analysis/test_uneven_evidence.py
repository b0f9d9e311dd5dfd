"""Analyses of sweeps in which parameters are absent, trials came to nothing, or ends are limits."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweeps.analysis import importances as importances_module
from sweeps.analysis.boundaries import boundary_alarms
from sweeps.analysis.choices import compare_choices
from sweeps.analysis.importances import Importances, importances
from sweeps.analysis.suggestion import suggest
from sweeps.definition.loading import check_sweep
from sweeps.record.sweep_record import Outcome
from sweeps.search_methods.draws import draw_random
from sweeps.search_spaces.space import Space
from sweeps.search_spaces.yaml_reader import parse_yaml
from tests.sweeps.analysis.evidence_examples import evidence, is_runnable, sweep_values
from tests.sweeps.sweep_files import space, write_sweep

TWICE: dict[str, Any] = {
    "model": {"kind": "linear"},
    "training": {"epochs": 3},
    "optimizer": {
        "choice": [
            {"kind": "adam", "lr": {"float": [1e-4, 1e-2], "log": True}},
            {"kind": "adam", "lr": {"float": [1e-2, 1.0], "log": True}, "beta1": 0.5},
        ]
    },
}


def twice(count: int) -> list[dict[str, Any]]:
    random = np.random.default_rng(0)
    found: list[dict[str, Any]] = []
    for at in range(count):
        if at % 2:
            low, more = -4, {}
        else:
            low, more = -2, {"beta1": 0.5}
        lr = float(10 ** random.uniform(low, low + 2))
        found.append({**TWICE, "optimizer": {"kind": "adam", "lr": lr, **more}})
    return found


def test_a_parameter_with_one_value_where_it_is_at_all_was_not_varied() -> None:
    space = {
        "optimizer": {"choice": [{"kind": "sgd", "m": {"choice": [0.9]}}, {"kind": "adam"}]},
        "width": {"int": [1, 100]},
    }
    random = np.random.default_rng(0)
    sgd = {"kind": "sgd", "m": 0.9}
    trials = [
        {"optimizer": sgd if at % 2 else {"kind": "adam"}, "width": int(random.integers(1, 101))}
        for at in range(30)
    ]
    made = evidence(space, trials, [float(one["width"]) for one in trials])
    found = importances(made)
    assert isinstance(found, Importances)
    assert {one.name for one in found.found} == {"optimizer", "width"}
    assert [one.is_varied(np.arange(30)) for one in made.dimensions] == [True, False, True]


def test_importances_that_optuna_cannot_compute_are_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*arguments: Any) -> None:
        raise ValueError("no such luck")

    monkeypatch.setattr(importances_module, "_ped_anova", fails)
    trials = [{"lr": 0.1 * at} for at in range(1, 21)]
    space = {"lr": {"float": [0.1, 2.0]}}
    found = importances(evidence(space, trials, [float(at) for at in range(20)]))
    assert found == "Optuna's PED-ANOVA rejects these trials: ValueError('no such luck')"


def test_options_of_one_kind_are_told_apart() -> None:
    made = evidence(TWICE, twice(40), list(np.random.default_rng(1).normal(size=40)))
    names = [one.name for one in made.dimensions]
    assert names == ["optimizer", "optimizer.lr [adam #1]", "optimizer.lr [adam #2]"]
    assert made.dimensions[0].options == ("adam #1", "adam #2")
    assert [int(np.isfinite(one.values).sum()) for one in made.dimensions] == [40, 20, 20]
    assert isinstance(importances(made), Importances)


def test_options_that_list_parameters_are_called_by_their_number() -> None:
    width = {"int": [4, 64]}
    space = {"units": {"choice": [[width], [width, width], [8, 8], {"int": [1, 2]}]}}
    trials: list[dict[str, Any]] = [{"units": [4]}, {"units": [4, 5]}, {"units": [8, 8]}]
    made = evidence(space, trials, [1.0, 2.0, 3.0])
    assert made.dimensions[0].options == ("1 value", "2 values", "[8, 8]", "1 to 2")
    assert [one.name for one in made.dimensions[1:]] == [
        "units.0 [1 value]",
        "units.0 [2 values]",
        "units.1 [2 values]",
        "units [1 to 2]",
    ]


def test_options_of_own_functions_are_called_by_these() -> None:
    options = [{"kind": "custom", "target": "own:wide"}, {"target": "own:deep"}, {"kind": "mlp"}]
    trials: list[dict[str, Any]] = [{"model": one} for one in options]
    made = evidence({"model": {"choice": options}}, trials, [1.0, 2.0, 3.0])
    assert made.dimensions[0].options == ("own:wide", "own:deep", "mlp")


def test_the_better_of_two_options_of_one_kind_is_named() -> None:
    trials = twice(40)
    values = [0.0 if "beta1" in one["optimizer"] else 9.0 for one in trials]
    values = [value + at / 1000 for at, value in enumerate(values)]
    written = sweep_values(TWICE)
    found = suggest(evidence(TWICE, trials, values), written, is_runnable)
    assert parse_yaml(found.text, "f").value["space"] == TWICE
    assert "adam #2 is better" in " ".join(found.text.replace("#  ", " ").split())


def test_of_two_options_that_fit_the_one_that_says_more_was_drawn() -> None:
    space = Space(
        {"regularization": {"choice": [{}, {"l2": {"float": [1e-6, 1e-2], "log": True}}]}}
    )
    drawn = [space.configuration([at, 0.4]) for at in (0.1, 0.9)]
    assert drawn[0] == {"regularization": {}}
    assert space.values(drawn[0] | {"regularization": {"l2": 0.0, "l1": 0.0}}) == [0, None]
    l2 = drawn[1]["regularization"]["l2"]
    assert space.values({"regularization": {"l1": 0.0, "l2": l2}}) == [1, l2]


def test_options_of_planned_trials_are_those_drawn_although_defaults_were_filled_in(
    tmp_path: Path,
) -> None:
    model = "{choice: [{kind: mlp}, {kind: mlp, dropout: {float: [0.0, 0.5]}}]}"
    optimizer = "{choice: [{kind: adam}, {kind: adam, lr: {float: [1.0e-4, 0.1], log: true}}]}"
    path = write_sweep(
        tmp_path, search="{method: random, trials: 30}", space=space(model, optimizer)
    )
    sweep, plan = check_sweep(path)
    made = evidence(sweep.file.space, [trial.configuration for trial in plan], [1.0] * 30)
    by_name = {one.name: one.values for one in made.dimensions}
    dropout, lr = by_name["model.dropout [mlp #2]"], by_name["optimizer.lr [adam #2]"]
    draws = {
        (draw["model"].get("dropout"), draw["optimizer"].get("lr"))
        for draw in itertools.islice(draw_random(sweep.space, sweep.file.seed), 60)
    }
    pairs = zip(dropout, lr, strict=True)
    read = {tuple(None if np.isnan(one) else one for one in pair) for pair in pairs}
    assert read <= draws
    assert (by_name["model"] == np.isfinite(dropout)).all()
    assert {0, 1} == set(by_name["model"]) == set(by_name["optimizer"])


def test_trials_that_came_to_nothing_count_against_their_option() -> None:
    space = {"kind": {"choice": ["risky", "safe"]}}
    kinds = [{"kind": "risky"}] * 30 + [{"kind": "safe"}] * 30
    random = np.random.default_rng(0)
    lucky = [0.5 if at < 5 else None for at in range(30)]
    values = [*lucky, *random.normal(0.6, 0.01, 30)]
    outcomes = [Outcome.COMPLETED if value else Outcome.DIVERGED for value in values]
    [found] = compare_choices(evidence(space, kinds, values, outcomes))
    assert found.draws == 15
    assert {one.option: one.trials for one in found.branches} == {"risky": 30, "safe": 30}
    # Five in thirty of `risky` have the better value: of three each, most draws hold none of these.
    few = evidence(space, kinds[:35], values[:35], outcomes[:35])
    [found] = compare_choices(few)
    assert found.draws == 3
    worst = max(value for value in values[:35] if value is not None)
    lost = np.prod([(25 - at) / (30 - at) for at in range(3)])
    [risky] = [one for one in found.branches if one.option == "risky"]
    assert risky.expected == pytest.approx(0.5 * (1 - lost) + worst * lost)


def test_an_open_trial_counts_for_nobody() -> None:
    space = {"kind": {"choice": ["one", "two"]}}
    kinds = [{"kind": "one"}, {"kind": "two"}] * 5
    made = evidence(space, kinds, [1.0] * 8 + [None, None])
    for trial in made.trials[8:]:
        trial.outcome = None
    [found] = compare_choices(made)
    assert [one.trials for one in found.branches] == [4, 4]


def crowded(low: float) -> list[Any]:
    """Alarms of a sweep over dropout from `low` to 0.5 whose best trials crowd the low end."""
    random = np.random.default_rng(0)
    space = {
        "model": {"kind": "mlp", "dropout": {"float": [low, 0.5]}},
        "optimizer": {"kind": "adam"},
        "training": {"epochs": 3, "batch_size": 16},
    }
    trials = [
        {**space, "model": {"kind": "mlp", "dropout": float(random.uniform(low, 0.5))}}
        for _ in range(100)
    ]
    return boundary_alarms(evidence(space, trials, [one["model"]["dropout"] for one in trials]))


def test_an_end_beyond_which_nothing_is_legal_raises_no_alarm() -> None:
    assert crowded(low=0.0) == []
    [alarm] = crowded(low=0.1)
    assert alarm.end == "low"

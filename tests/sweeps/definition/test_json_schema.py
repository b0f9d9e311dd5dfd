"""The JSON Schema and the loader give the same verdict wherever a schema can tell."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from sweeps.definition.json_schema import sweep_schema
from sweeps.definition.loading import check_text
from sweeps.errors import SweepFileError
from sweeps.search_spaces.yaml_reader import parse_yaml
from tests.sweeps.definition.test_checks import GOOD

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "search_spaces" / "examples").glob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(sweep_schema())

GOOD_CHANGES = {
    "as it is": ("", ""),
    "a fixed value": ("{int: [4, 16]}", "8"),
    "a choice of values": ("{int: [4, 16]}", "{choice: [4, 8], weights: [1, 2]}"),
    "a choice of sections": (
        "{kind: adam, lr: {float: [1.0e-3, 1.0e-1], log: true}}",
        "{choice: [{kind: sgd, momentum: {float: [0, 0.9]}}, {kind: adam}]}",
    ),
    "a registered name": ("name: t", "name: t\nfinal: {registry_name: Irises 1, refit: false}"),
    "a full batch": ("epochs: 3", "epochs: 3, batch_size: {choice: [full, 32]}"),
    "a stepped range": ("{int: [4, 16]}", "{int: [4, 16], step: 4}"),
    "several objectives": ("name: t", "name: t\nobjective: [{metric: dev_accuracy, target_error: "
                           "0.1}, {metric: parameters}, {metric: dev_loss}]"),
    "a scheduler": ("name: t", "name: t\nstopping: {scheduler: asha, grace_epochs: 1}"),
    "a stepped log range": ("{int: [4, 16]}", "{int: [4, 16], step: 4, log: true}"),
    "a normal rate": ("{float: [1.0e-3, 1.0e-1], log: true}",
                      "{choice: [{normal: [0.1, 0.02], low: 0.01, high: 0.2}, 1.0]}"),
    "a lognormal rate": ("{float: [1.0e-3, 1.0e-1], log: true}", "{lognormal: [-5, 1], points: 3}"),
    "a choice of ranges": ("{int: [4, 16]}", "{choice: [{int: [1, 2]}, {int: [8, 9]}]}"),
    "a choice in a choice": ("{int: [4, 16]}", "{choice: [{choice: [4, 5]}, 6]}"),
    "a choice of kinds": ("kind: adam", "kind: {choice: [adam, adamw]}"),
    "a section or none": ("training:", "regularization: {early_stopping: {choice: [null, "
                          "{patience: {int: [1, 2]}}]}, clip_norm: null}\n  training:"),
    "an optimizer of torch": ("kind: adam", "kind: NAdam, betas: [{float: [0.8, 0.9]}, 0.99]"),
    "a class of a package": ("kind: adam", "kind: custom, target: 'tests.models.own_optimizers:"
                             "Lion', options: {betas: [0.9, {choice: [0.99, 0.999]}]}"),
    "groups of parameters": ("kind: adam", "kind: adam, groups: [{parameters: 0.*, "
                             "lr_factor: {float: [0.1, 1]}}, {parameters: '*', lr: 1}]"),
    "accumulation": ("epochs: 3", "epochs: 3, accumulate: {choice: [1, {int: [2, 4]}]}"),
    "whole numbers for a rate": ("{float: [1.0e-3, 1.0e-1], log: true}", "{int: [1, 3]}"),
    "a listed search": ("random, trials: 4", "manual, configurations: [{model: {kind: linear}, "
                        "optimizer: {kind: sgd}}]"),
}  # fmt: skip
BAD_CHANGES = {
    "an unknown section": ("name: t", "name: t\nserch: {}"),
    "an unknown key": ("trials: 4", "trials: 4, trails: 4"),
    "a missing section": ("data: {source: iris}\n", ""),
    "a bound of a second objective": (
        "name: t",
        "name: t\nobjective: [{metric: dev_accuracy}, {metric: parameters, target_error: 0.1}]",
    ),
    "no trials": ("trials: 4", "trials: 0"),
    "a word for a number": ("epochs: 3", "epochs: three"),
    "a fraction for a whole number": ("epochs: 3", "epochs: 3.5"),
    "an unknown optimizer": ("kind: adam", "kind: admm"),
    "a key of another optimizer": ("kind: adam", "kind: adam, momentum: 0.9"),
    "a key that torch's class has not": ("kind: adam", "kind: NAdam, rho: 0.9"),
    "one beta": ("kind: adam", "kind: NAdam, betas: [0.9]"),
    "a word among betas": ("kind: adam", "kind: NAdam, betas: [0.9, much]"),
    "groups without names": ("kind: adam", "kind: adam, groups: [{lr: 1}]"),
    "an own optimizer without a rate": (
        "kind: adam, lr: {float: [1.0e-3, 1.0e-1], log: true}",
        "kind: custom, target: 'a:B'",
    ),
    "an illegal fixed value": ("{int: [4, 16]}", "0"),
    "an illegal option": ("{int: [4, 16]}", "{choice: [4, zero]}"),
    "a range of three": ("[4, 16]", "[4, 8, 16]"),
    "an unknown option of a range": ("log: true", "lgo: true"),
    "a normal without a deviation": ("{float: [1.0e-3, 1.0e-1], log: true}", "{normal: [1]}"),
    "a normal width": ("{int: [4, 16]}", "{normal: [8, 2], low: 1, high: 20}"),
    "a normal with a step": ("{float: [1.0e-3, 1.0e-1], log: true}", "{normal: [1, 1], step: 1}"),
    "an empty choice": ("{int: [4, 16]}", "{choice: []}"),
    "an unknown scheduler": ("name: t", "name: t\nstopping: {scheduler: ahsa}"),
    "an unknown kind in a choice of kinds": ("kind: adam", "kind: {choice: [adam, adma]}"),
    "a section without its kind": ("kind: adam, ", ""),
    "a schedule without its kind": ("training:", "schedule: {warmup_epochs: 1}\n  training:"),
    "a custom net without its target": ("kind: mlp, hidden_units: {int: [4, 16]}", "kind: custom"),
    "truth for a number": ("{float: [1.0e-3, 1.0e-1], log: true}", "true"),
    "a float range for a whole number": ("{int: [4, 16]}", "{float: [4, 16]}"),
    "a weight of nought": ("{int: [4, 16]}", "{choice: [4, 5], weights: [0, 1]}"),
    "an empty section": ("name: t", "name: t\nbudget: null"),
    "no time": ("name: t", "name: t\nbudget: {time_s: 0}"),
    "a negative seed": ("name: t", "name: t\nseed: -1"),
    "a constraint that is no text": ("name: t", "name: t\nconstraints: [3]"),
    "a baseline that is no section": ("trials: 4", "trials: 4, baseline: [3]"),
    "nothing listed": ("random, trials: 4", "manual, configurations: []"),
    "a dev split of nothing": ("iris", "iris, split: {dev: 0}"),
    "a registered name with a quote": ("name: t", 'name: t\nfinal: {registry_name: "it\'s"}'),
    "a registered name of nothing": ("name: t", "name: t\nfinal: {registry_name: ' '}"),
    "a bad name": ("name: t", "name: a b"),
}


def verdicts(text: str) -> tuple[bool, bool]:
    """Return what the schema and the loader say."""
    by_schema = VALIDATOR.is_valid(parse_yaml(text, "f.yaml").value)
    try:
        check_text(text, "f.yaml", Path.cwd())
    except SweepFileError:
        return by_schema, False
    return by_schema, True


def test_a_choice_of_the_whole_space_is_accepted_by_both() -> None:
    whole = "{model: {kind: linear}, optimizer: {kind: adam}, training: {epochs: 2}}"
    text = GOOD.partition("space:")[0].replace("trials: 4", "trials: 1")
    assert verdicts(f"{text}space: {{choice: [{whole}]}}\n") == (True, True)
    assert verdicts(f"{text}space: {{choice: [{whole}, 3]}}\n") == (False, False)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(sweep_schema())
    assert sweep_schema()["$schema"].endswith("2020-12/schema")


def test_the_schema_that_editors_read_is_the_one_that_is_printed() -> None:
    written = json.loads((ROOT / "search_spaces" / "sweep.schema.json").read_text())
    assert written == sweep_schema()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_fits_the_schema(path: Path) -> None:
    assert [
        error.message
        for error in VALIDATOR.iter_errors(
            parse_yaml(path.read_text(encoding="utf-8"), str(path)).value
        )
    ] == []


@pytest.mark.parametrize("change", GOOD_CHANGES.values(), ids=GOOD_CHANGES)
def test_both_accept_what_is_right(change: tuple[str, str]) -> None:
    assert verdicts(GOOD.replace(*change, 1)) == (True, True)


@pytest.mark.parametrize("change", BAD_CHANGES.values(), ids=BAD_CHANGES)
def test_both_refuse_what_is_wrong(change: tuple[str, str]) -> None:
    assert change[0] in GOOD
    assert verdicts(GOOD.replace(*change, 1)) == (False, False)


OWN = """name: t
data: {source: iris}
metrics: {loss: {goal: min}, reward: {goal: max}}
search: {method: random, trials: 2}
space:
  training: {kind: custom, target: 'tests.models.own_trainings:steps', epochs: {int: [2, 4]},
             options: {lr: {float: [0.1, 1]}}, device: {choice: [auto, cpu]}}
  regularization: {early_stopping: {patience: 2}}
"""
WRONG_OWN = {
    "no target": ("target: 'tests.models.own_trainings:steps', ", ""),
    "a net that nobody trains": ("space:\n", "space:\n  model: {kind: linear}\n"),
    "a penalty that nobody adds": ("{early_stopping:", "{l2: 0.1, early_stopping:"),
    "another kind": ("kind: custom", "kind: costum"),
    "a goal that is none": ("goal: max", "goal: up"),
}


def test_both_accept_own_training() -> None:
    assert verdicts(OWN) == (True, True)


@pytest.mark.parametrize("change", WRONG_OWN.values(), ids=WRONG_OWN)
def test_both_refuse_own_training_that_is_wrong(change: tuple[str, str]) -> None:
    assert change[0] in OWN
    assert verdicts(OWN.replace(*change, 1)) == (False, False)

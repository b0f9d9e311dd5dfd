"""Sweeps of other tools become sweep files, and what became of each of their keys is said."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.definition.loading import check_sweep
from sweeps.errors import RequestError, SweepFileError
from sweeps.service.importing import import_file
from tests.sweeps.drivers import run_command

WANDB = """program: train.py
name: My sweep
entity: me
method: random
metric: {name: val/loss, goal: minimize, target: 0.1}
run_cap: 30
parameters:
  lr: {distribution: log_uniform_values, min: 1e-4, max: 1e-1}
  epochs: {value: 9}
early_terminate: {type: hyperband, min_iter: 3, eta: 2}
"""
KATIB = """apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {namespace: kubeflow, name: random}
spec:
  objective: {type: maximize, goal: 0.99, objectiveMetricName: Validation-accuracy,
              additionalMetricNames: [mae]}
  algorithm: {algorithmName: bayesianoptimization, algorithmSettings: [{name: random_state, value: "1"}]}
  earlyStopping: {algorithmName: medianstop, algorithmSettings: [{name: start_step, value: "2"}]}
  parallelTrialCount: 2
  maxTrialCount: 12
  maxFailedTrialCount: 3
  parameters:
    - {name: lr, parameterType: double, feasibleSpace: {min: "0.01", max: "0.05"}}
    - {name: layers, parameterType: int, feasibleSpace: {min: "1", max: "6", step: "2"}}
    - {name: opt, parameterType: categorical, feasibleSpace: {list: [sgd, adam]}}
  trialTemplate:
    primaryContainerName: training
    trialParameters:
      - {name: learningRate, reference: lr}
      - {name: numberLayers, reference: layers}
      - {name: optimizer, reference: opt}
    trialSpec:
      kind: Job
      spec:
        template:
          spec:
            containers:
              - name: training
                image: docker.io/kubeflowkatib/pytorch-mnist
                command: [python3, train.py, --epochs=4, "--lr=${trialParameters.learningRate}"]
                args: ["--layers", "${trialParameters.numberLayers}", "--opt=${trialParameters.optimizer}"]
"""  # noqa: E501


def imported(folder: Path, text: str) -> tuple[dict[str, Any], list[str]]:
    """The sections of the sweep file, which is checked, and what is said of the source."""
    (folder / "source.yaml").write_text(text)
    (folder / "train.py").touch()
    made = import_file(folder / "source.yaml", folder / "made.yaml")
    file = check_sweep(made.path)[0].file
    return file.model_dump(mode="json"), list(made.notes)


def test_a_sweep_of_wandb_s_is_one_of_a_program(tmp_path: Path) -> None:
    made, notes = imported(tmp_path, WANDB)
    assert (made["name"], made["objective"]["metric"]) == ("My-sweep", "dev_val_loss")
    assert made["metrics"]["val_loss"]["goal"] == "min"
    assert made["search"]["trials"] == 30
    assert made["budget"]["target"] == 0.1
    stopping = made["stopping"]
    assert (stopping["scheduler"], stopping["grace_epochs"]) == ("asha", 3)
    assert stopping["reduction_factor"] == 2
    assert made["space"]["training"] == {
        "kind": "program",
        "command": "python train.py --lr={lr} --epochs={epochs}",
        "options": {"lr": {"float": [1e-4, 1e-1], "log": True}},
        "epochs": 9,
    }
    assert "source.yaml:3: entity: left out: the record stays in the run folder" in notes[0]


@pytest.mark.parametrize(("cap", "startup"), [(6, 3), (10, 5), (11, 10)])
def test_a_short_search_that_learns_begins_to_learn(tmp_path: Path, cap: int, startup: int) -> None:
    text = WANDB.replace("run_cap: 30", f"run_cap: {cap}").replace("random", "bayes")
    made, _ = imported(tmp_path, text)
    assert (made["search"]["method"], made["search"]["startup"]) == ("tpe", startup)


PARAMETERS = {
    "value: 3": 3,
    "values: [1, 2]": {"choice": [1, 2]},
    "values: [1, 2], probabilities: [0.2, 0.8]": {"choice": [1, 2], "weights": [0.2, 0.8]},
    "min: 1, max: 4": {"int": [1, 4]},
    "min: 1, max: 4.5": {"float": [1, 4.5]},
    "distribution: uniform, min: 1, max: 4": {"float": [1, 4]},
    "distribution: q_uniform, min: 30, max: 66, q: 8": {"int": [32, 64], "step": 8},
    "distribution: q_uniform, min: 0, max: 1.05, q: 0.1": {"float": [0, 1], "step": 0.1},
    "distribution: log_uniform, min: -2, max: 0": {
        "float": [pytest.approx(math.exp(-2), rel=1e-5), 1],
        "log": True,
    },
    "distribution: inv_log_uniform, min: 1, max: 3": {  # log(1 / x) lies between min and max
        "float": [pytest.approx(math.exp(-3), rel=1e-5), pytest.approx(math.exp(-1), rel=1e-5)],
        "log": True,
    },
    "distribution: inv_log_uniform_values, min: 1, max: 9": {"float": [1, 9], "log": True},
    "distribution: normal, mu: 2, sigma: 3": {"normal": [2, 3]},
    "distribution: log_normal, mu: 0, sigma: 1": {"lognormal": [0, 1]},
}


@pytest.mark.parametrize(("given", "ours"), PARAMETERS.items(), ids=PARAMETERS)
def test_each_distribution_of_wandb_s_has_its_range(tmp_path: Path, given: str, ours: Any) -> None:
    text = WANDB.replace("  epochs: {value: 9}", f"  x: {{{given}}}")
    made, _ = imported(tmp_path, text)
    assert made["space"]["training"]["options"]["x"] == ours


def test_names_that_no_option_may_have_are_changed_and_said(tmp_path: Path) -> None:
    text = WANDB.replace("  epochs: {value: 9}", "  weight-decay: {value: 0.1}\n  seed: {value: 3}")
    made, notes = imported(tmp_path, text)
    command = made["space"]["training"]["command"]
    assert command.endswith("--weight-decay={weight_decay} --seed={seed_value}")
    assert "source.yaml:9: parameters.weight-decay: is the option weight_decay here" in str(notes)
    assert "space.training.epochs: the file does not say how often" in str(notes)


def test_an_experiment_of_katib_s_is_one_of_a_program(tmp_path: Path) -> None:
    made, notes = imported(tmp_path, KATIB)
    assert made["objective"]["metric"] == "dev_Validation_accuracy"
    assert {k: v["goal"] for k, v in made["metrics"].items()} == {
        "Validation_accuracy": "max",
        "mae": "min",
    }
    assert made["budget"] | {"target": 0.99, "max_failures": 2} == made["budget"]
    assert (made["search"]["method"], made["search"]["trials"]) == ("tpe", 12)
    assert made["resources"]["workers"] == 2
    stopping = made["stopping"]
    assert (stopping["scheduler"], stopping["grace_epochs"], stopping["min_samples"]) == (
        "median", 2, 3,
    )  # fmt: skip
    assert made["space"]["training"] == {
        "kind": "program",
        "command": "python3 train.py --epochs={epochs} --lr={lr} --layers {layers} --opt={opt}",
        "options": {
            "lr": {"float": [0.01, 0.05]},
            "layers": {"int": [1, 5], "step": 2},
            "opt": {"choice": ["sgd", "adam"]},
        },
        "epochs": 4,
    }
    assert "image: left out: the program runs in the environment where the sweep does" in str(notes)


NESTED = """program: train.py
method: random
metric: {name: loss, goal: minimize}
run_cap: 4
parameters:
  optimizer:
    parameters:
      lr: {min: !!float 1e-4, max: 0.1}
      betas-2: {parameters: {high: {values: [0.9, 0.99]}}}
  model: {value: {width: 8, depth: 2}}
  aug: {values: [{flip: true, crop: 4}, {flip: false, crop: 8}]}
  epochs: {value: 3}
"""
_OWN = """import argparse, json, os, sys
with open(os.environ["SWEEPS_PARAMETERS"]) as file:
    given = json.load(file)
lr = next(one.split("=")[1] for one in sys.argv if one.startswith("--optimizer.lr="))
assert float(lr) == given["optimizer"]["lr"]
with open(os.environ["SWEEPS_METRICS"], "a") as file:
    for epoch in (1, 2, 3):
        print(json.dumps({"epoch": epoch, "loss": float(lr) / epoch}), file=file)
"""


def test_parameters_of_parameters_are_sections_and_the_sweep_runs(tmp_path: Path) -> None:
    made, notes = imported(tmp_path, NESTED)
    training = made["space"]["training"]
    assert training["command"] == (
        "python train.py --optimizer.lr={optimizer.lr} "
        "--optimizer.betas_2.high={optimizer.betas_2.high} --model.width={model.width} "
        "--model.depth={model.depth} --aug.flip={aug.flip} --aug.crop={aug.crop} --epochs={epochs}"
    )
    assert training["options"] == {
        "optimizer": {
            "lr": {"float": [1e-4, 0.1]},
            "betas_2": {"high": {"choice": [0.9, 0.99]}},
        },
        "model": {"width": 8, "depth": 2},
        "aug": {"choice": [{"flip": True, "crop": 4}, {"flip": False, "crop": 8}]},
    }
    assert "6: parameters.optimizer: is a section here, and in the command" in str(notes)
    (tmp_path / "train.py").write_text(_OWN)
    runs = tmp_path / "runs"
    results = sweeps.run(tmp_path / "made.yaml", runs=runs, runner="local", tracking_uri="none")
    assert [str(one.outcome) for one in results.record.trials] == ["completed"] * 4


WORDS = {
    '[python3, "${program}", "${args_no_equals}"]': "train.py --lr {lr} --epochs {epochs}",
    '[python3, "${program}", "${args_no_hyphens}"]': "train.py lr={lr} epochs={epochs}",
    '[python3, "${program}", "${args_json_file}"]': "train.py {parameters}",
    "${env} ${interpreter} ${program} ${args}": "train.py --lr={lr} --epochs={epochs}",
}


@pytest.mark.parametrize(("command", "words"), WORDS.items(), ids=WORDS)
def test_each_macro_of_wandb_s_command_has_its_words(
    tmp_path: Path, command: str, words: str
) -> None:
    made, _ = imported(tmp_path, f"{WANDB}command: {command}\n")
    assert made["space"]["training"]["command"].partition(" ")[2] == words


def test_a_space_smaller_than_its_draws_is_a_grid(tmp_path: Path) -> None:
    lr = "lr: {distribution: log_uniform_values, min: 1e-4, max: 1e-1}"
    made, notes = imported(tmp_path, WANDB.replace(lr, "lr: {values: [1, 2]}"))
    assert made["search"]["method"] == "grid"
    assert "the space has 2 configurations, which are tried once each" in str(notes)


def test_a_name_that_means_a_parameter_here_is_another_option(tmp_path: Path) -> None:
    made, _ = imported(tmp_path, WANDB.replace("  lr:", "  choice: {values: [1, 2]}\n  lr:"))
    assert made["space"]["training"]["options"]["choice_value"] == {"choice": [1, 2]}


SPACES = {
    'double, feasibleSpace: {min: "1", max: "7", distribution: normal}': {
        "normal": [4, 1], "low": 1, "high": 7,
    },
    'double, feasibleSpace: {min: "0.01", max: "1", distribution: logNormal}': {
        "lognormal": pytest.approx([math.log(0.1), math.log(100) / 6], rel=1e-5),
        "low": 0.01, "high": 1,
    },
    'int, feasibleSpace: {min: "32", max: "64", distribution: logNormal}': {
        "int": [32, 64], "log": True,
    },
    'int, feasibleSpace: {min: "3", max: "9", distribution: normal}': {"int": [3, 9]},
    'int, feasibleSpace: {min: "3", max: "3"}': 3,
    'discrete, feasibleSpace: {list: ["1", "2.5"]}': {"choice": [1, 2.5]},
}  # fmt: skip


@pytest.mark.parametrize(("given", "ours"), SPACES.items(), ids=SPACES)
def test_each_feasible_space_of_katib_s_has_its_range(
    tmp_path: Path, given: str, ours: Any
) -> None:
    lr = 'double, feasibleSpace: {min: "0.01", max: "0.05"}'
    made, _ = imported(tmp_path, KATIB.replace(lr, given))
    assert made["space"]["training"]["options"]["lr"] == ours


def test_a_parameter_that_no_word_of_katib_s_command_has_is_passed_on(tmp_path: Path) -> None:
    made, notes = imported(tmp_path, KATIB.replace('"--lr=${trialParameters.learningRate}"', "-v"))
    assert made["space"]["training"]["command"].endswith("--opt={opt} --lr={lr}")
    assert "the command does not use lr: it is passed as --lr={lr} here" in str(notes)


REFUSED = {
    ("  parameters:\n", "  nasConfig: {}\n  parameters:\n"): "nasConfig: cannot import a neural",
    ("command: [python3", "argv: [python3"): "add a `command: [...]` with what its image",
    ("    trialSpec:", "    configMap: {configMapName: x}\n    spec:"): "template of its ConfigMap",
}  # fmt: skip


@pytest.mark.parametrize(("changed", "said"), REFUSED.items(), ids=REFUSED.values())
def test_an_experiment_without_a_program_is_told_what_it_lacks(
    tmp_path: Path, changed: tuple[str, str], said: str
) -> None:
    text = KATIB.replace(*changed)
    if "ConfigMap" in said:
        text = text.replace("command:", "argv:")
    with pytest.raises(SweepFileError) as caught:
        imported(tmp_path, text)
    assert said in str(caught.value)


WRONG = {
    "lr: {distribution: beta, min: 1, max: 2}": "8:7: parameters.lr: cannot import this distrib",
    "lr: {parameters: {a: {min: 1}}}": "8:24: parameters.lr.parameters.a: cannot import this",
    "lr: {parameters: {}}": "8:20: parameters.lr.parameters: a section of parameters must not",
    "lr: {values: [{a: 1}, {b: 2}]}": "8:7: parameters.lr: cannot import a choice of sections",
    "lr: {values: [{a: 1}, 2]}": "8:7: parameters.lr: cannot import a choice of sections",
    "lr: {value: !!float x}": "8:15: 'x' is not of the type of its tag, float",
    "lr: 3": "8:7: parameters.lr: a parameter must be a section",
}


@pytest.mark.parametrize(("given", "said"), WRONG.items(), ids=WRONG)
def test_what_cannot_be_said_is_an_error_with_its_line(
    tmp_path: Path, given: str, said: str
) -> None:
    lr = "lr: {distribution: log_uniform_values, min: 1e-4, max: 1e-1}"
    with pytest.raises(SweepFileError) as caught:
        imported(tmp_path, WANDB.replace(lr, given))
    assert f"source.yaml:{said}" in str(caught.value)
    assert not (tmp_path / "made.yaml").exists()


@pytest.mark.parametrize("text", ["name: x\n", "method: grid\n", "kind: Experiment\n"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(RequestError, match="neither a sweep of W&B's"):
        imported(tmp_path, text)


def test_the_command_says_what_it_made_and_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(WANDB)
    code, printed = run_command("import", tmp_path / "sweep.yaml")
    assert code == 0
    assert "sweep.yaml:3: entity: left out" in printed
    assert (tmp_path / "sweep-imported.yaml").exists()
    (tmp_path / "sweep-imported.yaml").write_text("mine")
    code, printed = run_command("import", tmp_path / "sweep.yaml")
    assert code == 1
    assert "nothing was written: name another file with --out" in printed
    assert (tmp_path / "sweep-imported.yaml").read_text() == "mine"

"""A name of another tool is answered with what to write here, not with the nearest letters."""

from __future__ import annotations

from typing import Any

import pytest

from sweeps.definition.other_names import _ANSWERS, _KEYS, answer_to, key_meant, parameter_answer
from sweeps.search_spaces.parameters import parameter_from
from tests.sweeps.definition.test_checks import GOOD, problems

RATE = "{float: [1.0e-3, 1.0e-1], log: true}"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("method: random", "method: bayes", "bayes is `gp` (a Gaussian process) or `tpe` here"),
        ("method: random", "method: CmaEsSampler", "CmaEsSampler is `cmaes` here"),
        ("method: random", "method: nevergrad", "`cmaes` is an evolution strategy for ranges"),
        ("method: random", "method: bohb", "write `method: tpe` and `scheduler: asha`"),
        ("method: random", "method: NSGAIISampler", "NSGAIISampler is `nsga2` here"),
        ("method: random", "method: pbt", "write `scheduler: pbt` under `stopping`"),
        ("method: random", "method: hyperband", "write `scheduler: hyperband` under `stopping`"),
        ("method: random", "method: RandomSearch", "RandomSearch is `random` here"),
        ("name: t", "name: t\nstopping: {scheduler: hyper_band_scheduler}", "is `hyperband` here"),
        ("name: t", "name: t\nstopping: {scheduler: MedianPruner}", "is `median` here"),
        ("kind: adam", "kind: adamax", "adamax is torch's class: write `kind: Adamax`"),
        ("kind: adam", "kind: lion", "write `{kind: custom, target: "),
        ("kind: adam", "kind: Muon", "Muon takes only matrices"),
        ("kind: mlp", "kind: resnet18", "write a function that returns it"),
        (
            "training:",
            "loss: {kind: BCEWithLogitsLoss}\n  training:",
            "is `binary_cross_entropy` here: one output for two classes",
        ),
        ("training:", "loss: {kind: dice}\n  training:", "dice is not built in: write a function"),
        ("name: t", "name: t\nobjective: {metric: dev_roc_auc}", "roc_auc is `auc` here"),
        ("name: t", "name: t\nmetrics: [AUROC]", "AUROC is `auc` here"),
        (RATE, "{loguniform: [0.001, 0.1]}", "write `{float: [low, high], log: true}`"),
        (RATE, "{log_uniform_values: [0.001, 0.1]}", "write `{float: [low, high], log: true}`"),
        (RATE, "{distribution: uniform, min: 0, max: 1}", "write `{float: [low, high]}`"),
        (RATE, "{min: 1.0e-4, max: 0.1}", "write `{float: [0.0001, 0.1]}`"),
        (RATE, "{max: 1, min: 0}", "write `{float: [0, 1]}`"),
        (RATE, "{min: 0.1, max: high}", "a parameter is {float: [low, high]}"),
        ("epochs: 3", "epochs: {min: 1, max: 9}", "write `{int: [1, 9]}`"),
        ("kind: mlp", "kind: mlp, activation: swish", "swish is `silu` here"),
        ("kind: mlp", "kind: mlp, normalization: BatchNorm1d", "BatchNorm1d is `batch` here"),
        ("epochs: 3", "epochs: 3, ema_decay: 0.99", "averaging weights is not built in"),
        ("epochs: 3", "epochs: 3, fp16: true", "write `precision: bf16` under `space.training`"),
        ("epochs: 3", "epochs: 3, mixup: 0.2", "write a function of batches of training rows"),
        ("epochs: 3", "epochs: 3, shuffle: true", "leave it out: training rows are shuffled"),
        ("epochs: 3", "epochs: 3, eval_steps: 50", "dev rows are evaluated after every epoch"),
        ("name: t", "name: t\nsampler: tpe", "write `search: {method: ...}`"),
        ("name: t", "name: t\npruner: median", "write `stopping: {scheduler: ...}`"),
        ("name: t", "name: t\nparameters: {lr: 1}", "parameters are values of `space`"),
        ("name: t", "name: t\nprogram: train.py", "write `training: {kind: program, command"),
        ("{kind: adam, lr: " + RATE + "}", "adam", "write {kind: adam}"),
        ("{kind: adam, lr: " + RATE + "}", "Lion", "Lion is not torch's"),
        ("{method: random, trials: 4}", "random", "write {method: random, trials: ...}"),
        ("name: t", "name: t\nstopping: asha", "write {scheduler: asha}"),
        ("training:", "schedule: cosine\n  training:", "write {kind: cosine}"),
        ("training:", "regularization: {early_stopping: 4}\n  training:", "write {patience: 4}"),
        (
            "training:",
            "regularization: {early_stopping: {patience: 4, monitor: val_loss}}\n  training:",
            "leave it out: the objective is watched",
        ),
        (
            "training:",
            "regularization: {early_stopping: {patience: 4, restore_best_weights: true}}\n"
            "  training:",
            "leave it out: the weights of the best epoch are what counts",
        ),
        ("iris}", "iris, split: {train: 0.6}}", "leave it out: train is what dev and test leave"),
        ("kind: adam,", "kind: adam, weight_decay: 0.1,", "kind Adam, adamw, "),
        ("kind: adam,", "kind: adam, weight_decay: 0.1,", "`l2` of `space.regularization`"),
        (RATE, "{values: [0.1, 0.2]}", "write `{choice: [...]}`"),
        (RATE, "'tune.loguniform(0.001, 0.1)'", "write `{float: [low, high], log: true}`"),
        (RATE, "{qnormal: [1, 1, 1]}", "a normal parameter has no step"),
        ("{int: [4, 16]}", "{quniform: [4, 16, 4]}", "write `{int: [low, high], step: ...}`"),
        ("{int: [4, 16]}", "{qloguniform: [4, 16, 4]}", "write `{int: [low, high], log: true, "),
        ("{int: [4, 16]}", "{randint: [4, 16]}", "write `{int: [low, high]}`; both bounds"),
        ("epochs: 3", "epochs: 3, batch_size: {values: [8, 16]}", "write `{choice: [...]}`"),
        (
            "training:",
            "schedule: {kind: cosine_with_warmup}\n  training:",
            "is a key of every schedule: write `warmup_epochs`",
        ),
    ],
)
def test_a_name_of_another_tool_is_answered(old: str, new: str, told: str) -> None:
    assert old in GOOD
    (problem,) = problems(GOOD.replace(old, new, 1))
    assert told in problem
    assert "did you mean" not in problem


@pytest.mark.parametrize("name", ["adma", "adaam", "random", ""])
def test_other_words_are_left_to_their_letters(name: str) -> None:
    assert answer_to("optimizer", name) == ""
    assert answer_to("nowhere", "bayes") == ""


@pytest.mark.parametrize("value", [3, "3e-4", "relu(x", None, {"kind": "sgd"}, {}, ["uniform"]])
def test_what_is_no_parameter_of_another_tool_has_no_answer(value: Any) -> None:
    assert parameter_answer(value) == ""


@pytest.mark.parametrize("kind", ["float", "int", "choice", "normal", "lognormal"])
def test_our_own_kinds_are_not_in_the_table(kind: str) -> None:
    assert kind not in _ANSWERS["parameter"]
    assert parameter_from({kind: [1, 2]}).to_value().keys() == {kind}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (f"lr: {RATE}", f"learning_rate: {RATE}", "did you mean 'lr'?"),
        ("epochs: 3", "num_epochs: 3", "did you mean 'epochs'?"),
        ("name: t", "name: t\nresources: {n_jobs: 2}", "did you mean 'workers'?"),
        ("name: t", "name: t\nfinal: {topk: 2}", "did you mean 'top_k'?"),
    ],
)
def test_a_key_by_the_name_that_others_give_it_is_one_problem_with_ours(
    old: str, new: str, told: str
) -> None:
    assert old in GOOD
    (problem,) = problems(GOOD.replace(old, new, 1))
    assert told in problem


def test_other_names_of_a_key_are_written_as_they_are_compared() -> None:
    names = [name for others in _KEYS.values() for name in others]
    assert all(name == name.lower() and name.isalnum() for name in names)
    assert key_meant("hidden-size", ("kind", "hidden_units")) == "hidden_units"
    assert key_meant("zzz", ("kind", "hidden_units")) == ""

"""What pydantic finds is said in the words of a sweep file, with the next step."""

from __future__ import annotations

import pytest

from tests.sweeps.definition.test_checks import GOOD, problems

UNITS, ADAM = "{int: [4, 16]}", "{kind: adam, lr: {float: [1.0e-3, 1.0e-1], log: true}}"
A_PARAMETER = "a parameter is {float: [low, high]}, {int: [low, high]} or {choice: [...]}"

# What is changed in GOOD, what it becomes, and what the first message ends with or holds.
MESSAGES = {
    "misspelt kind key": ("kind: adam", "knd: adam",
                          "f.yaml:6:15: space.optimizer.knd: unknown key 'knd'; allowed: kind; "
                          "did you mean 'kind'?"),
    "misspelt method key": ("method:", "methd:", "f.yaml:3:10: search.methd: unknown key"),
    "kind missing": ("kind: adam, ", "", "f.yaml:6:14: space.optimizer: missing key 'kind'; "
                     "write kind: sgd | adam | adamw | rmsprop | adagrad"),
    "method missing": ("method: random, ", "", "write method: grid | random | sobol | manual"),
    "kind missing in a choice": (ADAM, "{choice: [{kind: sgd}, {lr: 0.1}]}",
                                 "f.yaml:6:37: space.optimizer.choice.1: missing key 'kind'"),
    "unknown key with a range": ("kind: adam", "momentum: {float: [0, 0.9]}, kind: adam",
                                 "f.yaml:6:15: space.optimizer.momentum: unknown key 'momentum'"),
    "unknown key with a choice": (ADAM, "{choice: [{kind: sgd, beta1: {choice: [0.8, 0.9]}}]}",
                                  "f.yaml:6:36: space.optimizer.choice.0.beta1: unknown key"),
    "key of other kinds": ("kind: adam", "kind: adam, momentum: 0.9",
                           "allowed: groups, kind, lr, beta1, beta2, eps; "
                           "kind sgd and rmsprop have it"),
    "key of one other kind": ("kind: adam", "kind: adam, weight_decay: 0.1",
                              "; kind Adam, adamw, Adamax, Adadelta and 7 more have it"),
    "key of another method": ("random, trials: 4", "grid, trials: 4",
                              "method random, sobol, tpe, gp and 3 more have it"),
    "float range for a whole number": (UNITS, "{float: [4, 16]}",
                                       "f.yaml:5:36: space.model.hidden_units: must be a whole "
                                       "number, got a range of `float`; write `int:` in place"),
    "range for a section": (ADAM, "{int: [1, 2]}",
                            "f.yaml:6:14: space.optimizer: must be a section (key: value), got a "
                            "range of `int`"),
    "another program's range": (UNITS, "{min: 4, max: 16}", "; write `{int: [4, 16]}`"),
    "list for a choice": (UNITS, "[4, 16]",
                          A_PARAMETER + " in `space`; one value per layer is `hidden_layer_sizes`"),
    "section as a word": (ADAM, "adam", "space.optimizer: must be a section (key: value), got"),
    "number for a name": ("name: t", "name: 2024", "must be text, got 2024; put it in quotes"),
    "name with a slash": ("name: t", "name: a/b",
                          "got 'a/b'; Names the run folder and the MLflow experiment"),
    "empty list": ("random, trials: 4", "manual, configurations: []",
                   "search.configurations: must have at least 1 item, got []"),
    "truth for a number": ("trials: 4", "trials: true", "must be a whole number, got True"),
    "null": ("epochs: 3", "epochs: null", "must be a whole number, got None"),
    "bound of a fixed value": ("epochs: 3", "epochs: 0", "must be at least 1, got 0"),
    "bound without a point nought": (ADAM, "{kind: adam, lr: -1}", "must be greater than 0, got"),
    "trials with six noughts too many": ("trials: 4", "trials: 10000000",
                                         "search.trials: must be at most 100,000, got 10000000"),
    "scheduler that never decides": ("name: t", "name: t\nstopping: {scheduler: asha, "
                                     "grace_epochs: 3}", "f.yaml:2:43: stopping.grace_epochs: the "
                                     "scheduler never decides: every trial trains 3 epochs first, "
                                     "and none has more than 3; lower it below 3, or write "
                                     "`scheduler: none`"),
    "scheduler of trials of one epoch": ("epochs: 3}", "epochs: 1}\nstopping: {scheduler: median}",
                                         "and none has more than 1; write `scheduler: none`"),
    "large bound": (UNITS, "70000", "must be at most 65,536, got 70000"),
    "either of two types": ("epochs: 3", "epochs: 3, batch_size: half",
                            'at least 1, or "full", got \'half\''),
    "word of a fixed set": ("kind: mlp", "kind: mlp, activation: rleu",
                            "'rleu' is not allowed; allowed: relu, leaky_relu"),
    "rule of one section": (ADAM, "{kind: sgd, nesterov: true}",
                            "f.yaml:6:36: space.optimizer.nesterov: nesterov needs a momentum"),
    "rule of two sections": ("training:", "schedule: {kind: step, warmup_epochs: 3}\n  training:",
                             "f.yaml:7:41: space.schedule.warmup_epochs: warm-up must be"),
    "infinite number": ("name: t", "name: t\nstopping: {scheduler: asha, reduction_factor: .inf}",
                        "f.yaml:2:47: stopping.reduction_factor: must be a finite number"),
}  # fmt: skip


@pytest.mark.parametrize("case", MESSAGES.values(), ids=MESSAGES)
def test_a_message_gives_place_rule_value_and_way_out(case: tuple[str, str, str]) -> None:
    old, new, words = case
    found = problems(GOOD.replace(old, new, 1))
    assert len(found) == 1
    assert words in found[0]


def _without(key: str) -> str:
    return "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(key))


@pytest.mark.parametrize("key", ["search", "stopping", "objective", "budget", "trial"])
@pytest.mark.parametrize("value", ["null", "[]", "3", "word"])
def test_what_is_no_section_is_refused_wherever_one_belongs(key: str, value: str) -> None:
    found = problems(f"{_without(key)}{key}: {value}\n")
    assert [": must be a section (key: value), got" in line for line in found] == [True]


@pytest.mark.parametrize("value", ["[]", "3", "word"])
def test_data_that_are_no_section_are_refused(value: str) -> None:
    found = problems(f"{_without('data')}data: {value}\n")
    assert [": must be a section (key: value), got" in line for line in found] == [True]


def test_data_of_nothing_are_missing_where_a_net_is_trained() -> None:
    (found,) = problems(f"{_without('data')}data:\n")
    assert "missing key 'data'" in found


@pytest.mark.parametrize("section", ["data", "search", "objective", "resources", "budget", "trial"])
def test_an_unknown_key_is_found_in_every_section(section: str) -> None:
    texts = {"data": "{source: iris, xyz: 1}", "search": "{method: random, trials: 4, xyz: 1}"}
    text = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(section))
    found = problems(f"{text}{section}: {texts.get(section, '{xyz: 1}')}\n")
    assert f"{section}.xyz: unknown key 'xyz'; allowed: " in found[0]
    assert len(found) == 1

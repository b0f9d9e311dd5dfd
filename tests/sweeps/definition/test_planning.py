"""A plan is a function of file and seed; a longer one starts with the shorter one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.definition.loading import check_text
from sweeps.definition.planning import PlannedTrial, configuration_hash
from sweeps.errors import SweepFileError

FILE = """\
name: t
seed: {seed}
data: {{source: iris}}
search: {{method: {method}, trials: {trials}{more}}}
space:
  model:
    choice:
      - {{kind: linear}}
      - {{kind: mlp, hidden_units: {{int: [4, 64], log: true}}, dropout: {{float: [0, 0.5]}}}}
  optimizer: {{kind: adam, lr: {{float: [1.0e-4, 1.0e-1], log: true}}}}
  training: {{epochs: {{int: [1, 4]}}}}
{constraints}
"""
BASELINE = (
    ", baseline: [{{model: {{kind: linear}}, optimizer: {{kind: adam, lr: 0.5}}, "
    "training: {{epochs: 9}}}}]"
)


def plan(
    method: str = "random", seed: int = 7, trials: int = 10, more: str = "", constraints: str = ""
) -> list[PlannedTrial]:
    text = FILE.format(
        method=method, seed=seed, trials=trials, more=more.format(), constraints=constraints
    )
    return check_text(text, "f.yaml", Path.cwd())[1]


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_a_longer_plan_starts_with_the_shorter_one(method: str) -> None:
    assert plan(method, trials=40)[:10] == plan(method, trials=10)
    assert len(plan(method, trials=40)) == 40


@settings(max_examples=15)
@given(seed=st.integers(0, 2**63 - 1), method=st.sampled_from(["random", "sobol"]))
def test_a_plan_depends_on_the_seed_alone_and_never_repeats(seed: int, method: str) -> None:
    first, second = plan(method, seed), plan(method, seed)
    assert first == second
    assert len({trial.hash for trial in first}) == len(first) == 10
    assert [trial.index for trial in first] == list(range(10))


def test_trial_seeds_are_numpys_spawned_ones() -> None:
    seeds = [trial.seed for trial in plan(seed=123, trials=3)]
    spawned = np.random.SeedSequence(123).spawn(3)
    expected = [int(one.generate_state(1, np.uint64)[0]) >> 1 for one in spawned]
    assert seeds == expected


def test_baselines_run_first_and_count_as_trials() -> None:
    planned = plan(more=BASELINE, trials=5)
    assert planned[0].configuration["optimizer"]["lr"] == 0.5
    assert len(planned) == 5


def test_constraints_reject_before_a_trial_is_spent() -> None:
    planned = plan(constraints='constraints: ["model.hidden_units <= 8", "training.epochs > 1"]')
    units = [trial.configuration["model"].get("hidden_units", 0) for trial in planned]
    assert len(planned) == 10
    assert max(units) <= 8
    assert min(trial.configuration["training"]["epochs"] for trial in planned) == 2


def test_a_configuration_is_complete_and_has_no_parameter_of_another_branch() -> None:
    planned = plan(trials=30)
    linear = [t.configuration for t in planned if t.configuration["model"]["kind"] == "linear"]
    assert {tuple(configuration["model"]) for configuration in linear} == {("kind",)}
    assert {configuration["optimizer"]["beta1"] for configuration in linear} == {0.9}


def test_a_space_that_runs_out_says_how_many_there_are() -> None:
    constraint = 'constraints: ["model.kind == \'linear\'", "optimizer.lr < 0.0001001"]'
    text = FILE.format(method="random", seed=1, trials=500, more="", constraints=constraint)
    text = text.replace("{float: [1.0e-4, 1.0e-1], log: true}", "{choice: [0.0001, 0.1]}")
    with pytest.raises(SweepFileError, match="only 4 different valid configurations"):
        check_text(text, "f.yaml", Path.cwd())


def test_a_grid_has_every_combination_once() -> None:
    text = FILE.format(method="grid", seed=1, trials=0, more="", constraints="")
    text = text.replace(", trials: 0", "").replace("[4, 64], log: true", "[4, 64], points: 3")
    text = text.replace("[0, 0.5]", "[0, 0.5], points: 2").replace("log: true}}", "points: 2}}")
    planned = check_text(text, "f.yaml", Path.cwd())[1]
    assert len(planned) == (1 + 3 * 2) * 2 * 4
    assert len({trial.hash for trial in planned}) == len(planned)


def test_a_plan_is_the_same_on_every_machine() -> None:
    rates = [trial.configuration["optimizer"]["lr"] for trial in plan(trials=3)]
    assert rates == [0.00047382893, 0.024615479, 0.0021638588]


@settings(max_examples=10)
@given(seed=st.integers(0, 2**63 - 1), short=st.integers(1, 12), more=st.integers(0, 12))
def test_any_plan_starts_with_any_shorter_one(seed: int, short: int, more: int) -> None:
    assert plan(seed=seed, trials=short + more)[:short] == plan(seed=seed, trials=short)


def test_constraints_keep_the_prefix_and_the_seeds() -> None:
    constraint = 'constraints: ["optimizer.lr < 0.01"]'
    longer, shorter = plan(trials=20, constraints=constraint), plan(constraints=constraint)
    assert longer[:10] == shorter
    assert [trial.seed for trial in longer] == [trial.seed for trial in plan(trials=20)]


def test_a_baseline_that_a_draw_repeats_is_tried_once() -> None:
    text = FILE.format(method="grid", seed=1, trials=0, more="", constraints="")
    text = text.replace(", trials: 0", f"{BASELINE.format().replace('0.5', '0.1')}")
    text = text.replace("epochs: 9", "epochs: 1").replace("[4, 64], log: true", "[4, 5]")
    text = text.replace("[0, 0.5]", "[0, 0.5], points: 2").replace("log: true}}", "points: 2}}")
    planned = check_text(text, "f.yaml", Path.cwd())[1]
    assert planned[0].configuration["model"] == {"kind": "linear"}
    assert len(planned) == (1 + 2 * 2) * 2 * 4


def test_a_draw_that_no_net_can_train_on_says_where_and_with_what() -> None:
    text = FILE.format(method="random", seed=1, trials=30, more="", constraints="")
    text = text.replace("dropout: {float: [0, 0.5]}", "normalization: {choice: [none, batch]}")
    text = text.replace("[1, 4]}", "[1, 4]}, batch_size: {choice: [32, 1]}")
    with pytest.raises(
        SweepFileError, match="the space contains an invalid trial: batch norm"
    ) as caught:
        check_text(text, "f.yaml", Path.cwd())
    assert "f.yaml:11:63: space.training.batch_size.choice.1" in str(caught.value)
    allowed = "constraints: [\"model.normalization == 'none' or training.batch_size > 1\"]\n"
    assert len(check_text(text + allowed, "f.yaml", Path.cwd())[1]) == 30


def test_a_draw_that_does_not_suit_the_data_is_found_before_it_is_a_trial() -> None:
    text = FILE.format(method="random", seed=1, trials=30, more="", constraints="")
    text = text.replace("iris", "digits").replace("- {kind: linear}", "- {kind: linear}\n      - "
        "{kind: cnn, channels: 2, channel_growth: 1, conv_layers: {int: [1, 4]}, "
        "pooling: {choice: [none, max]}}")  # fmt: skip
    with pytest.raises(SweepFileError, match="at most 3 convolutions, got 4"):
        check_text(text, "f.yaml", Path.cwd())
    allowed = "constraints: [\"model.pooling == 'none' or model.conv_layers <= 3\"]\n"
    assert len(check_text(text + allowed, "f.yaml", Path.cwd())[1]) == 30


def test_a_constraint_that_fails_on_a_draw_is_blamed_in_its_place() -> None:
    with pytest.raises(SweepFileError, match=r"f.yaml:12:15: constraints.0: .* division by zero"):
        plan(trials=40, constraints='constraints: ["1 / (training.epochs - 2) < 2"]')


def test_a_planned_trial_is_the_same_after_a_round_trip_through_json() -> None:
    trial = plan()[3]
    assert PlannedTrial.from_json(json.loads(json.dumps(trial.to_json()))) == trial


def test_the_hash_of_a_configuration_does_not_depend_on_the_order_of_its_keys() -> None:
    configuration = plan()[0].configuration
    turned = dict(reversed(configuration.items()))
    assert configuration_hash(turned) == configuration_hash(configuration)
    assert configuration_hash({**turned, "x": 1}) != configuration_hash(configuration)

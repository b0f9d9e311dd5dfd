"""A population of own training: copied, killed, resumed, repeated, and opened with its schedule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_iris

import sweeps
from sweeps.cli.commands import main
from sweeps.findings.results import Results
from tests.sweeps.drivers import events, run_command
from tests.sweeps.session.test_population import resumed_after_a_kill, told, trained_anew
from tests.sweeps.sweep_files import write_sweep

PBT = "{scheduler: pbt, interval_epochs: 2, quantile_fraction: 0.4}"
RANGES = "lr: {float: [1.0e-4, 1.0], log: true}, drop: {float: [0.01, 0.5]}"


def population(
    folder: Path,
    name: str = "changing",
    options: str = RANGES,
    sanity_check: str = "error",
    **sections: str,
) -> Path:
    target = f"{{kind: custom, target: 'tests.models.own_changing:{name}', epochs: 7"
    parts = {
        "seed": "1",
        "metrics": "{loss: {goal: min}, hits: {goal: max}}",
        "stopping": PBT,
        "trial": f"{{sanity_check: {sanity_check}}}",
        "space": f"{{training: {target}, options: {{{options}}}}}}}",
        "final": "{top_k: 2, seeds: 2}",
        **sections,
    }
    return write_sweep(folder, **parts)


def run(path: Path, runner: Any = "local") -> Results:
    return sweeps.run(path, runs=path.parent / "runs", runner=runner, tracking_uri="none")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(population(tmp_path_factory.mktemp("unbroken")))


def test_the_worst_go_on_as_copies_with_other_options(unbroken: Results) -> None:
    copied = events(unbroken.path, "copied")
    assert [one["epoch"] for one in copied] == [2, 2, 2, 4, 4, 4, 6, 6, 6]
    keys = {"training.options.lr", "training.options.drop"}
    assert all(set(one["values"]) == keys for one in copied)
    assert all(
        one.best_epoch > one.copies[-1].epoch for one in unbroken.record.trials if one.copies
    )


@pytest.mark.parametrize("index", range(6))
def test_each_trial_is_the_one_that_its_configuration_trains_from_the_beginning(
    unbroken: Results, index: int
) -> None:
    training, trial = trained_anew(unbroken, index), unbroken.record.trials[index]
    assert training.best_row is not None
    assert trial.best is not None
    assert {**training.best_row, "epoch_s": 0} == {**trial.best, "epoch_s": 0}


def test_a_class_is_the_same_population(unbroken: Results, tmp_path: Path) -> None:
    rows, trials, *_ = told(run(population(tmp_path, "Changing")))
    expected, same, *_ = told(unbroken)
    assert rows == expected
    assert [one[0].seed for one in trials] == [one[0].seed for one in same]


@pytest.mark.ray
def test_ray_trains_the_same_population(unbroken: Results, tmp_path: Path) -> None:
    assert told(run(population(tmp_path), "ray")) == told(unbroken)


def test_a_population_that_was_killed_goes_on_as_an_unbroken_one(
    unbroken: Results, tmp_path: Path
) -> None:
    assert told(resumed_after_a_kill(population(tmp_path))) == told(unbroken)


def test_replay_makes_every_copy_again(
    unbroken: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(unbroken.path)]) == 0
    assert "all 9 copies follow" in capsys.readouterr().out


def test_a_final_repeats_the_schedule_and_the_model_answers(
    unbroken: Results, tmp_path: Path
) -> None:
    assert unbroken.final is not None
    folder = unbroken.path / "final"
    plan = [json.loads(line) for line in (folder / "plan.jsonl").read_text().splitlines()]
    repeats = [one["configuration"] for one in plan]
    best = [one.trial.configuration for one in unbroken.record.ranked()[:2]]
    assert repeats == best * 2
    assert any("changes" in one for one in repeats)
    assert unbroken.openings
    rows = load_iris(as_frame=True).data
    rows.to_csv(tmp_path / "rows.csv", index=False)
    answers = sweeps.predict(unbroken.path, tmp_path / "rows.csv")
    assert len(answers) == len(rows)


def refused(path: Path) -> str:
    code, said = run_command("run", path, "--runs", path.parent / "runs", "--local")
    assert code == 2
    assert not (path.parent / "runs").exists()
    return said


def test_a_rate_that_a_schedule_brings_back_is_found_before_the_first_trial(
    tmp_path: Path,
) -> None:
    said = refused(population(tmp_path, "under_a_schedule", "lr: {float: [0.01, 0.1]}"))
    assert "another value from epoch 2 on changes nothing" in said
    assert "inside the loop over trial.epochs" in said


def test_a_loop_that_sets_its_rate_under_a_schedule_is_a_population(tmp_path: Path) -> None:
    options = "lr: {float: [0.01, 0.1]}, sets_it: true"
    results = run(population(tmp_path, "under_a_schedule", options, final="null"))
    assert len(events(results.path, "copied")) == 9


def test_an_option_that_gives_a_net_its_shape_is_found_before_the_first_trial(
    tmp_path: Path,
) -> None:
    said = refused(population(tmp_path, "changing", "width: {float: [4, 9]}"))
    assert "another value from epoch 2 on the state of 'bias' must fit" in said
    assert "`int` range or a choice" in said


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (f"{RANGES}}}, resume: from_start, device: {{choice: [cpu]", "keeps nothing"),
        ("width: {choice: [4, 8]}", "needs a range that can change"),
    ],
)
def test_what_does_not_go_with_a_population_is_refused(
    options: str, told: str, tmp_path: Path
) -> None:
    assert told in refused(population(tmp_path, options=options))

"""`plan` shows what would run, without running it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import sweeps
from sweeps.cli.commands import main
from sweeps.definition.loading import check_sweep
from sweeps.models.training.training import Training
from sweeps.terminal.plan_report import START_S, plan_report
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

ASHA = "{scheduler: asha, grace_epochs: 1, reduction_factor: 3}"


def test_plan_as_json_has_the_trials_rungs_and_a_measured_eta(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path, stopping=ASHA)
    assert main(["plan", str(path), "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert [trial["index"] for trial in plan["plan"]] == list(range(6))
    assert plan["rungs"] == [1, 3]
    assert plan["max_epochs"] == 54
    assert plan["epoch_s"] > 0
    low, high = plan["expected_range"]
    assert low < plan["expected_epochs"] < high
    training_s = plan["expected_epochs"] * plan["epoch_s"] / plan["slots"]
    assert plan["eta_s"] == pytest.approx(START_S + training_s, abs=0.1)


def test_plan_prints_the_trials_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path, stopping=ASHA)
    assert main(["plan", str(path), "--no-probe"]) == 0
    shown = capsys.readouterr().out
    assert "hidden_units" in shown
    assert "the scheduler decides after epochs 1, 3" in shown
    assert re.search(
        r"at most 54 epochs, about \d+ expected \(95 % interval: \d+ to \d+, if", shown
    )
    assert list(tmp_path.iterdir()) == [path]


def test_in_a_pipe_a_plan_has_one_line_a_trial_with_its_hash_and_all_it_varies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ranges = "l1: {float: [0, 1]}, l2: {float: [0, 1]}, clip_norm: {float: [1, 2]}"
    path = write_sweep(tmp_path, space=space(more=f", regularization: {{{ranges}}}"))
    planned = check_sweep(path)[1]
    assert main(["plan", str(path), "--no-probe"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[0].split() == ["trial", "hash", "lr", "hidden_units", "l1", "l2", "clip_norm"]
    shown = [line.split()[:2] for line in lines[2:8]]
    assert shown == [[str(trial.index), trial.hash] for trial in planned]


def test_a_plan_with_folds_measures_the_nets_of_all_folds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path, data="{source: iris, split: {folds: 5}}")
    assert main(["plan", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "5 folds: a trial trains 5 nets, and an epoch is one of each" in shown
    assert "at most 54 epochs, about 54 expected\n" in shown
    assert "ms an epoch (measured), and 15 s to start Ray and its workers" in shown
    measured = []
    for data in ("{source: iris}", "{source: iris, split: {folds: 20}}"):
        assert main(["plan", str(write_sweep(tmp_path, data=data)), "--json"]) == 0
        measured.append(json.loads(capsys.readouterr().out)["epoch_s"])
    # Twenty nets in place of one, on data of about the same size.
    assert measured[1] > 5 * measured[0]


def test_gpus_that_are_not_there_are_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeps.execution.placement._gpus", lambda: 0)
    path = write_sweep(tmp_path, resources="{cpu: 1, gpu: 1}")
    assert main(["run", str(path), "--runs", str(tmp_path / "runs")]) == 4
    assert "resources.gpu = 1" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_what_follows_the_search_is_in_the_plan(tmp_path: Path) -> None:
    final = "{top_k: 2, seeds: 3}"
    path = write_sweep(tmp_path, final=final, stopping="{scheduler: asha, audit: 2}")
    report = plan_report(*check_sweep(path), probe=False)
    assert report.follow_up_epochs == (2 + 2 * 3 + 1) * 9


@pytest.mark.parametrize(("kinds", "refits"), [("plateau", 0), ("{choice: [plateau, cosine]}", 1)])
def test_a_refit_is_planned_only_where_a_trial_can_be_refitted(
    tmp_path: Path, kinds: str, refits: int
) -> None:
    schedule = f", schedule: {{kind: {kinds}}}"
    path = write_sweep(tmp_path, final="{top_k: 2, seeds: 3}", space=space(more=schedule))
    report = plan_report(*check_sweep(path), probe=False)
    assert report.follow_up_epochs == (2 * 3 + refits) * 9


def test_a_net_that_cannot_be_built_ends_a_plan_with_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own_net_for_no_plan.py").write_text("def build(**options):\n    return 3\n")
    model = "{kind: custom, target: 'own_net_for_no_plan:build'}"
    path = write_sweep(tmp_path, space=space(model))
    assert main(["plan", str(path)]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: trial 0 of the plan cannot be trained: model.target: the func")
    assert said.endswith("(--no-probe plans without)")


@pytest.mark.parametrize("data", ["{source: digits}", "{source: iris, split: {folds: 3}}"])
def test_the_bytes_in_the_plan_are_those_on_disk(tmp_path: Path, data: str) -> None:
    path = write_sweep(tmp_path, data=data, checkpoints="{keep_weights: 4}")
    plan = plan_report(*check_sweep(path), probe=True)
    assert plan.kept == 4
    one = sweeps.run(path, runs=tmp_path, runner="local", tracking_uri="none")
    on_disk = sum(file.stat().st_size for file in one.folder.weights.iterdir())
    assert plan.weights_bytes == pytest.approx(on_disk, rel=0.25)


def test_a_checkpoint_is_no_larger_than_the_plan_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    of_training = Training.checkpoint

    def noted(training: Training) -> bytes:
        content = of_training(training)
        sizes.append(len(content))
        return content

    path = write_sweep(tmp_path, data="{source: digits}", stopping=ASHA)
    plan = plan_report(*check_sweep(path), probe=True)
    monkeypatch.setattr(Training, "checkpoint", noted)
    sweeps.run(path, runs=tmp_path, runner="local", tracking_uri="none")
    assert plan.checkpoint_bytes is not None
    assert max(sizes) <= plan.checkpoint_bytes / plan.slots <= 3 * max(sizes)


def broken_net(folder: Path, module: str, line: str) -> str:
    """Return a sweep's space with a user-defined net whose training raises."""
    target = own_net(folder, module, f"        {line}\n")
    return space(custom_model(target))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("raise KeyError(7)", "model.target: the net must take rows of shape (4,), but raised"),
        ("if self.training: raise KeyError(7)", "its net raised KeyError(7)"),
    ],
)
def test_a_net_of_ones_own_that_raises_ends_the_plan_with_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    path = write_sweep(tmp_path, space=broken_net(tmp_path, f"broken_{len(words)}", line))
    assert main(["plan", str(path)]) == 1
    shown = capsys.readouterr().err
    assert f"error: trial 0 of the plan cannot be trained: {words}" in shown
    assert "--no-probe" in shown
    assert "Traceback" not in shown
    assert main(["plan", str(path), "--no-probe"]) == 0

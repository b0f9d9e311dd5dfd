"""`method: auto` chooses by file alone, says why, and the run keeps what was chosen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sweeps
from sweeps.cli.commands import main
from sweeps.definition.loading import check_text, load_sweep
from sweeps.errors import SweepFileError
from sweeps.record.run_folder import RunFolder
from tests.sweeps.sweep_files import space, write_sweep

OPTIONS = "{choice: [{kind: adam, lr: {float: [1.0e-3, 0.1]}}, {kind: sgd}]}"
FLAT = "{choice: [{kind: adam}, {kind: sgd}]}"


def auto(folder: Path, trials: int = 40, **sections: str) -> Path:
    return write_sweep(folder, search=f"{{method: auto, trials: {trials}}}", **sections)


@pytest.mark.parametrize(
    ("trials", "sections", "method", "reason"),
    [
        (19, {}, "sobol", "19 trials are too few to learn from; with 20 or more"),
        (20, {}, "gp", "it needs the fewest trials on 2 parameters"),
        (300, {}, "gp", "2 parameters"),
        (301, {}, "tpe", "301 trials are many"),
        (20, {"stopping": "{scheduler: asha}"}, "tpe", "it learns from trials that asha stopped"),
        (40, {"stopping": "{scheduler: hyperband}"}, "sobol", "hyperband needs a whole bracket"),
        (40, {"stopping": "{scheduler: pbt}"}, "sobol", "a population starts all trials together"),
        (31, {"space": space(optimizer=OPTIONS)}, "sobol", "with 32 or more"),
        (32, {"space": space(optimizer=OPTIONS)}, "tpe", "every option that has parameters"),
        (20, {"objective": "[{metric: dev_loss}, {metric: parameters}]"}, "tpe",
         "it searches for all objectives"),
        (24, {"space": space(optimizer=FLAT)}, "gp", "2 parameters without options"),
        (20, {"space": space(optimizer=OPTIONS), "roles": "{scientific: [optimizer]}"}, "sobol",
         "roles need independent draws"),
    ],
)  # fmt: skip
def test_what_fits_is_chosen_and_why_is_said(
    tmp_path: Path, trials: int, sections: dict[str, str], method: str, reason: str
) -> None:
    sweep = load_sweep(auto(tmp_path, trials, **sections))
    assert sweep.file.search.method == method
    assert str(sweep.chosen).startswith(f"auto chose {method}: ")
    assert reason in str(sweep.chosen)


def test_its_trials_are_those_of_the_file_that_names_the_method(tmp_path: Path) -> None:
    text = auto(tmp_path, 24).read_text()
    _, chosen = check_text(text, "f.yaml", tmp_path)
    _, named = check_text(text.replace("method: auto", "method: gp"), "f.yaml", tmp_path)
    assert chosen == named


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_the_command_line_says_it(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(auto(tmp_path))
    assert main([command, path]) == 0
    assert "auto chose gp: it needs the fewest trials" in capsys.readouterr().out
    assert main([command, path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["chosen"].startswith("auto chose gp: ")


def test_a_run_keeps_its_method_where_more_trials_would_have_had_another(tmp_path: Path) -> None:
    path = auto(tmp_path, 4, space=space("{kind: linear}", epochs=1))
    done = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    first = [one.trial.configuration for one in done.record.trials]
    more = sweeps.extend(done.path, 28, runner="local", tracking_uri="none")
    assert RunFolder.open(done.path).read_sweep().search.method == "sobol"
    assert [one.trial.configuration for one in more.record.trials][:4] == first
    assert len(more.record.trials) == 32


def test_a_space_that_cannot_be_read_is_told_as_with_any_method(tmp_path: Path) -> None:
    path = auto(tmp_path, space="{model: {kind: mlp, hidden_units: {int: [9, 3]}}}")
    with pytest.raises(SweepFileError, match="hidden_units"):
        load_sweep(path)

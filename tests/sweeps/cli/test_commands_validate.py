"""`validate` from outside: its exit code, its words, its speed, and that it leaves no trace."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from sweeps.cli.commands import main
from sweeps.models.optimizers.configuration import OptimizerConfig
from tests.sweeps.definition.test_checks import GOOD, ROOT

SLOW = ("torch", "ray", "mlflow", "pandas", "sklearn", "scipy", "optuna")


def run_python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )


def write(folder: Path, text: str) -> Path:
    path = folder / "f.yaml"
    path.write_text(text)
    return path


def imported(folder: Path, path: Path) -> str:
    """Validate a file in a process of its own; returns its exit code and the slow imports."""
    code = (
        "import sys; from sweeps.cli.commands import main; code = main(sys.argv[1:]);"
        f"print(code, sorted(set({SLOW}) & set(sys.modules)))"
    )
    return run_python(folder, "-c", code, "validate", str(path)).stdout.splitlines()[-1]


@pytest.mark.parametrize("name", ["digits", "cnn", "folds", "grid", "optimizers", "own", "table"])
def test_validating_an_example_needs_no_slow_library(name: str, tmp_path: Path) -> None:
    path = ROOT / "search_spaces" / "examples" / f"{name}.yaml"
    assert imported(tmp_path, path) == "0 []"


def test_refusing_a_file_needs_no_slow_library_either(tmp_path: Path) -> None:
    assert imported(tmp_path, write(tmp_path, GOOD.replace("adam", "admm"))) == "2 []"


def test_sobol_takes_scipy_and_nothing_else(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("random", "sobol"))
    assert imported(tmp_path, path) == "0 ['scipy']"


def test_validating_takes_less_than_a_second_of_a_core(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert min(cpu_seconds_of(tmp_path, path) for _ in range(3)) < 1


def cpu_seconds_of(folder: Path, path: Path) -> float:
    """What other processes take of the machine meanwhile does not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run_python(folder, "-m", "sweeps", "validate", str(path)).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
def test_a_wrong_file_ends_every_command_with_2_and_writes_nothing(
    command: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write(tmp_path, GOOD.replace("adam", "admm").replace("trials: 4", "trials: 0"))
    monkeypatch.chdir(tmp_path)
    assert main([command, "f.yaml"]) == 2
    shown = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[0] for line in shown] == ["f.yaml:3:34:", "f.yaml:6:21:", "2"]
    assert list(tmp_path.iterdir()) == [path]


def optimizer_kinds() -> list[str]:
    sections = get_args(get_args(OptimizerConfig)[0])
    return [get_args(one.model_fields["kind"].annotation)[0] for one in sections]


def test_validate_as_json_gives_each_problem_in_its_parts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD.replace("adam", "admm"))
    assert main(["validate", str(path), "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["valid"] is False
    assert answer["problems"] == [
        {
            "source": str(path),
            "line": 6,
            "column": 21,
            "path": "space.optimizer.kind",
            "rule": "unknown kind 'admm'",
            "choices": optimizer_kinds(),
            "hint": "did you mean 'adam'?",
            "kind": "value",
        }
    ]


def test_a_right_file_is_called_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, GOOD)
    assert main(["validate", str(path), "--set", "search.trials=9"]) == 0
    verdict, kinds = capsys.readouterr().out.splitlines()
    assert verdict == f"{path}: valid; 9 trials"
    assert kinds.endswith("; target: 3 classes (setosa, versicolor, virginica)")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.yaml", "cannot read the sweep file: No such file or directory"),
        (".", "must be a sweep file, and this is a folder"),
    ],
)
def test_what_is_no_file_ends_with_2(
    name: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(tmp_path / name)]) == 2
    assert words in capsys.readouterr().err

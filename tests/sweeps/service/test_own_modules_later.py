"""The user's own nets and data, in processes that begin when the sweep is over."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sweeps
from sweeps.errors import RunFolderError
from sweeps.findings.results import Results
from tests.sweeps.drivers import run_command
from tests.sweeps.sweep_files import space, write_sweep

NET = """
from torch import nn
from own_parts.layer import hidden

def build(input_shape, outputs, width=4):
    return nn.Sequential(hidden(input_shape[0], width), nn.Tanh(), nn.Linear(width, outputs))
"""
LAYER = "from torch import nn\n\ndef hidden(inputs, width):\n    return nn.Linear(inputs, width)\n"
DATA = """
from sklearn.datasets import load_iris

def load():
    features, target = load_iris(return_X_y=True)
    return features, target
"""
ROWS = "x0,x1,x2,x3\n5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A sweep of a net whose layer is in a package beside it, with data of a function."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_parts").mkdir()
    (folder / "own_parts" / "__init__.py").touch()
    (folder / "own_parts" / "layer.py").write_text(LAYER)
    (folder / "later_net.py").write_text(NET)
    (folder / "later_data.py").write_text(DATA)
    (folder / "unrelated.py").write_text("raise RuntimeError('never imported')\n")
    path = write_sweep(
        folder,
        data='{source: "later_data:load"}',
        search="{method: random, trials: 2}",
        space=space('{kind: custom, target: "later_net:build", options: {width: {int: [3, 6]}}}'),
    )
    uri = f"sqlite:///{folder / 'runs' / 'mlflow.db'}"
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri=uri)


def test_predict_answers_in_a_new_process(recorded: Results, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    code, said = run_command("predict", recorded.path, tmp_path / "rows.csv")
    assert code == 0, said
    assert len(said.strip().splitlines()) == 3


def test_a_file_without_rows_has_no_answers(recorded: Results, tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text(ROWS.splitlines()[0] + "\n")
    answer = sweeps.predict(recorded.path, tmp_path / "none.csv")
    assert len(answer) == 0
    assert "prediction" in answer.columns


@pytest.mark.parametrize("damage", [b"", b"{}"])
def test_a_net_that_cannot_be_loaded_is_a_damaged_folder(
    recorded: Results, tmp_path: Path, damage: bytes
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(recorded.path, copy)
    assert recorded.winner is not None
    for path in [*copy.glob("weights/*.safetensors"), *copy.glob("**/final*/*/*.safetensors")]:
        path.write_bytes(damage)
    (tmp_path / "rows.csv").write_text(ROWS)
    with pytest.raises(RunFolderError, match=r"safetensors was damaged: its checksum"):
        sweeps.predict(copy, tmp_path / "rows.csv")


def test_extend_and_final_train_in_a_new_process(recorded: Results) -> None:
    code, said = run_command("extend", recorded.path, "--trials", "1", "--local", "--quiet")
    assert code == 0, said
    code, said = run_command(
        "final", recorded.path, "--top-k", "1", "--seeds", "2", "--local", "--quiet"
    )
    assert code == 0, said
    done = sweeps.open_run(recorded.path)
    assert done.final is not None
    assert done.openings


def test_the_logged_model_brings_the_net_and_what_it_imports(
    recorded: Results, tmp_path: Path
) -> None:
    uri = f"sqlite:///{recorded.path.parent / 'mlflow.db'}"
    code = (
        "import mlflow, sys\n"
        f"mlflow.set_tracking_uri({uri!r})\n"
        "[model] = mlflow.search_logged_models(experiment_ids=['1'], output_format='list')\n"
        "loaded = mlflow.pyfunc.load_model(model.model_uri)\n"
        "print(len(loaded.predict(loaded.input_example)), 'unrelated' in str(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3", "False"]

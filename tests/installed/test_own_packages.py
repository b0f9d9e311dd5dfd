"""A project with packages called `models`, `search_spaces`, `infra` and `tests`: its own win."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from tests.installed.conftest import Environment, write_project
from tests.model_server import served

pytestmark = pytest.mark.timeout(600)  # each process imports torch, some start Ray
COLUMNS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
ROWS = f"{','.join(COLUMNS)}\n5.1,3.5,1.4,0.2\n6.2,2.9,4.3,1.3\n"


def test_nothing_but_sweeps_becomes_importable(installed: Environment, tmp_path: Path) -> None:
    code = (
        "import importlib.util as u; print([n for n in "
        "('sweeps', 'models', 'search_spaces', 'infra', 'tests') if u.find_spec(n)])"
    )
    assert installed.run("python", "-c", code, cwd=tmp_path).stdout.strip() == "['sweeps']"


@pytest.mark.parametrize("words", [["validate"], ["plan", "--no-probe"], ["plan"]])
def test_a_command_about_the_file_takes_the_users_net(
    installed: Environment, project: Path, words: list[str]
) -> None:
    done = installed.run("sweeps", words[0], "s.yaml", *words[1:], cwd=project)
    assert done.returncode == 0, done.stderr
    assert "2 trials" in done.stdout


def test_a_sweep_is_run_confirmed_and_asked_from_the_projects_folder(
    installed: Environment, project: Path
) -> None:
    (project / "rows.csv").write_text(ROWS)
    quick = ["--local", "--no-mlflow", "--quiet"]
    done = installed.run("sweeps", "run", "s.yaml", *quick, cwd=project)
    assert (done.returncode, done.stdout) == (0, "runs/mine\n"), done.stderr
    done = installed.run("sweeps", "final", "runs/mine", "--again", *quick, cwd=project)
    assert done.returncode == 0, done.stderr
    done = installed.run("sweeps", "predict", "runs/mine", "rows.csv", cwd=project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("prediction,")
    assert len(done.stdout.splitlines()) == 3


@pytest.mark.parametrize("way_in", ["script", "notebook"])
def test_a_script_and_a_notebook_of_the_project_run_it(
    installed: Environment, project: Path, way_in: str
) -> None:
    code = (
        "import sweeps, models, infra\n"
        "results = sweeps.run('s.yaml', runner='local', tracking_uri='none')\n"
        "print(len(sweeps.plan('s.yaml')), models.__file__)\n"
    )
    (project / "mine.py").write_text(code)
    words = {"script": ["mine.py"], "notebook": ["-c", code]}[way_in]
    done = installed.run("python", *words, cwd=project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "2"
    assert str(project / "models") in str((project / done.stdout.split()[1]).resolve())


def test_workers_of_ray_the_tracker_and_the_registered_model_import_the_users_net(
    installed: Environment, tmp_path: Path
) -> None:
    project = write_project(tmp_path / "project", "configs/s.yaml")
    done = installed.run("sweeps", "run", "configs/s.yaml", "--quiet", cwd=project)
    assert (done.returncode, done.stdout) == (0, "runs/mine\n"), done.stderr
    # Workers find it there when the sweep goes on from another folder, too.
    words = ["extend", project / "runs" / "mine", "--trials", "1", "--quiet", "--no-mlflow"]
    done = installed.run("sweeps", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(project / "models")
    code = (
        "import mlflow\n"
        f"mlflow.set_tracking_uri('sqlite:///{project}/runs/mlflow.db')\n"
        "model = mlflow.pyfunc.load_model('models:/mine/1')\n"
        "import models\n"
        "print(len(model.predict([[5.1, 3.5, 1.4, 0.2]])), models.__file__)\n"
    )
    done = installed.run("python", "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "1"
    assert "code/models/__init__.py" in done.stdout


def test_the_winner_is_served_with_the_users_net_where_no_project_is(
    installed: Environment, project: Path, tmp_path: Path
) -> None:
    (project / "rows.csv").write_text(ROWS)
    done = installed.run("sweeps", "run", "s.yaml", "--local", "--quiet", cwd=project)
    assert done.returncode == 0, done.stderr
    done = installed.run("sweeps", "predict", "runs/mine", "rows.csv", cwd=project)
    assert done.returncode == 0, done.stderr
    labels = [row["prediction"] for row in csv.DictReader(done.stdout.splitlines())]
    shutil.rmtree(project / "models")
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "models").mkdir(parents=True)
    (elsewhere / "models" / "__init__.py").write_text("raise ImportError('of another project')\n")
    uri = f"sqlite:///{project}/runs/mlflow.db"
    with served("models:/mine/1", uri, installed.python, elsewhere) as server:
        answer = server.ask(ROWS, "text/csv")
    assert [row["prediction"] for row in answer["predictions"]] == labels


def test_a_net_in_the_folder_where_the_command_is_typed_is_found_and_remembered(
    installed: Environment, tmp_path: Path
) -> None:
    project = write_project(tmp_path / "project", "configs/s.yaml")
    (project / "rows.csv").write_text(ROWS)
    quick = ["--local", "--no-mlflow", "--quiet"]
    module = ["python", "-m", "sweeps"]
    done = installed.run(*module, "run", "configs/s.yaml", *quick, cwd=project)
    assert done.returncode == 0, done.stderr
    run = project / "runs" / "mine"
    done = installed.run("sweeps", "extend", run, "--trials", "1", *quick, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = installed.run(*module, "predict", run, project / "rows.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr

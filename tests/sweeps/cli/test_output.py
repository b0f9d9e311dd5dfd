"""Standard output that is closed or full ends a command with a code and words of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from importlib.metadata import version
from pathlib import Path

import pytest

import sweeps
from sweeps.cli.shared import print_results
from sweeps.findings.results import Results
from tests.sweeps.drivers import PROJECT
from tests.sweeps.sweep_files import space, write_sweep


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("output")
    path = write_sweep(folder, search="{method: random, trials: 1}", space=space(epochs=2))
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none").path


def shell(command: str, before: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f"{before}{sys.executable} -m sweeps {command}"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", ["show RUN", "show RUN --json", "suggest RUN", "schema"])
@pytest.mark.parametrize("way", [">&-", "> /dev/full"])
def test_an_answer_that_cannot_be_written_ends_with_5(run: Path, command: str, way: str) -> None:
    done = shell(f"{command.replace('RUN', str(run))} {way}")
    assert done.returncode == 5, done.stderr
    assert "standard output" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_sweep_without_standard_output_is_refused_before_it_starts(
    run: Path, tmp_path: Path
) -> None:
    done = shell(f"run {run.parent.parent / 'sweep.yaml'} --local --runs {tmp_path / 'runs'} >&-")
    assert done.returncode == 5, done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("way", ["2>&-", "2> /dev/full"])
def test_messages_that_cannot_be_written_end_nothing(run: Path, tmp_path: Path, way: str) -> None:
    path = run.parent.parent / "sweep.yaml"
    done = shell(f"run {path} --local --no-mlflow --json --runs {tmp_path / 'runs'} {way}")
    assert done.returncode == 0
    assert '"completed":1' in done.stdout


def test_the_version_is_that_of_the_distribution() -> None:
    assert shell("--version").stdout == f"sweeps {version('torch-sweeps')}\n"


@pytest.mark.parametrize("command", ["schema", "show RUN", "list --runs RUN/.."])
def test_a_reader_that_has_seen_enough_is_no_error(run: Path, command: str) -> None:
    unread, written = os.pipe()
    os.close(unread)
    done = subprocess.run(
        [sys.executable, "-m", "sweeps", *command.replace("RUN", str(run)).split()],
        cwd=PROJECT,
        stdout=written,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(written)
    assert (done.returncode, done.stderr) == (0, "")


def test_answers_do_not_take_the_place_of_the_rows_that_they_are_for(
    run: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("x1,x2\n1,2\n", encoding="utf-8")
    done = shell(f"predict {run} {rows} --out {tmp_path}/../{tmp_path.name}/rows.csv")
    assert done.returncode == 1, done.stderr
    assert "is the file of rows itself; name another one" in done.stderr
    assert rows.read_text(encoding="utf-8") == "x1,x2\n1,2\n"


def test_a_current_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    done = subprocess.run(
        ["sh", "-c", f"rmdir {folder}; {sys.executable} -m sweeps list"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.strip().endswith("the current folder is gone; change to one that exists")


@pytest.mark.parametrize("way", ["2>&-", "2> /dev/full"])
@pytest.mark.parametrize(
    ("command", "code"), [("validate FILE", 2), ("show nowhere", 1), ("validate", 2)]
)
def test_errors_that_cannot_be_written_keep_their_code_and_are_no_answer(
    tmp_path: Path, command: str, code: int, way: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("name: bad\n")
    done = shell(f"{command.replace('FILE', str(file))} {way}")
    assert (done.returncode, done.stdout) == (code, "")


def test_a_file_that_is_asked_for_is_written_whole_or_left_as_it_was(
    run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.yaml"
    out.write_text("before")
    done = shell(f"suggest {run} --out {out}", before="ulimit -f 0; ")
    assert (done.returncode, out.read_text()) == (1, "before"), done.stderr
    assert f"cannot write {out}: File too large" in done.stderr
    assert os.listdir(tmp_path) == ["out.yaml"]


def test_an_answer_goes_into_what_is_no_file_as_it_is(run: Path) -> None:
    assert shell(f"suggest {run} --out /dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("form", ["quiet", "json"])
def test_a_record_that_mlflow_lacks_is_told_where_little_is_printed(
    run: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = sweeps.open_run(run)
    parsed = Namespace(quiet=form == "quiet", json=form == "json")
    assert print_results(parsed, opened) == 0
    assert capsys.readouterr().err == ""
    lacking = Results(opened.folder, opened.record, "MLflow at http://here: code 401")
    assert print_results(parsed, lacking) == 0
    printed = capsys.readouterr()
    assert "warning: MLflow's record is incomplete: MLflow at http://here" in printed.err
    assert f"sync {run}" in printed.err
    if form == "json":
        assert json.loads(printed.out)["missing_in_mlflow"] == "MLflow at http://here: code 401"
    else:
        assert printed.out == f"{run}\n"

"""What goes along with a sweep to a cluster, whose Jobs API shows it to all who may ask."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.errors import SettingsError
from sweeps.infra.jobs import Job
from sweeps.infra.settings import read_settings
from sweeps.service import submission
from sweeps.service.submission import _variables
from tests.sweeps.sweep_files import write_sweep


@pytest.mark.parametrize(
    "uri",
    [
        "http://ann:s3cr3t@tracking:5000",
        "postgresql://ann:s3/cr3t@host/db",
        "postgresql:///db?host=host&password=s3cr3t",
    ],
)
def test_a_tracking_address_with_a_password_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(SettingsError, match="MLFLOW_TRACKING_URI holds a password") as caught:
        _variables(read_settings())
    assert "cr3t" not in str(caught.value)


def test_a_tracking_address_without_one_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    assert _variables(read_settings())["MLFLOW_TRACKING_URI"] == "http://tracking:5000"


class Cluster:
    """Takes jobs, and starts none."""

    def __init__(self, address: str) -> None:
        self.variables: dict[str, str] = {}

    def list(self, **about: str) -> list[Job]:
        return []

    def submit(self, entrypoint: str, folder: Path, variables: dict[str, str], **about: Any) -> str:
        self.variables |= variables
        return "raysubmit_1"


def test_the_commit_goes_along_and_stands_in_the_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, git = write_sweep(tmp_path), ["git", "-C", str(tmp_path)]
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, *who, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    head = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    cluster = Cluster("")
    monkeypatch.setattr(submission, "Jobs", lambda address: cluster)
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:8265")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "none")
    submission.submit(path)
    assert cluster.variables["SWEEPS_GIT_COMMIT"] == head
    elsewhere = tmp_path.parent / f"{tmp_path.name}-shipped"
    elsewhere.mkdir()
    shipped = write_sweep(elsewhere)
    monkeypatch.delenv("RAY_ADDRESS")
    monkeypatch.setenv("SWEEPS_GIT_COMMIT", head)
    done = sweeps.run(shipped, runs=elsewhere / "runs", runner="local", tracking_uri="none")
    assert json.loads((done.path / "sweep.json").read_text())["git_commit"] == head


class Answering(Cluster):
    """Runs no job either, but has the log of one whose lines come in Ray's own order."""

    def follow(self, job: str) -> list[str]:
        return [self.told.replace("MARK", self.asked.split()[1].rstrip(";"))]

    def submit(self, entrypoint: str, folder: Path, variables: dict[str, str], **about: Any) -> str:
        self.asked = entrypoint
        return super().submit(entrypoint, folder, variables, **about)

    told = ""


@pytest.mark.parametrize("is_late", [False, True])
def test_an_answer_holds_no_line_of_rays_own_wherever_that_comes(
    is_late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Answering("")
    own = "Running entrypoint for job raysubmit_1: echo MARK; { python -m sweeps status x; }\n"
    cluster.told = f"MARK\n{own}two lines\nof an answer\n\nMARK 3\n"
    if not is_late:
        cluster.told = f"{own}MARK\ntwo lines\nof an answer\n\nMARK 3\n"
    monkeypatch.setattr(submission, "Jobs", lambda address: cluster)
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:8265")
    assert submission.ask(["status", "x"]) == (3, "two lines\nof an answer\n\n")


def test_an_answer_is_as_wide_as_the_terminal_of_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Answering("")
    cluster.told = "MARK\n\nMARK 0\n"
    monkeypatch.setattr(submission, "Jobs", lambda address: cluster)
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:8265")
    monkeypatch.setenv("COLUMNS", "91")
    submission.ask(["list"])
    assert cluster.variables["COLUMNS"] == "91"

"""What the service decides before a sweep runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sweeps
from sweeps.errors import SweepFileError
from sweeps.session.environment import default_tracking_uri
from tests.sweeps.sweep_files import write_sweep


@pytest.mark.parametrize("given", ["sqlite:///here.db", "sqlite:///{absolute}/here.db"])
def test_a_store_in_a_relative_path_is_where_the_command_was_typed(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", given.format(absolute=tmp_path))
    monkeypatch.chdir(tmp_path)
    assert default_tracking_uri(Path("runs")) == f"sqlite:///{tmp_path}/here.db"


def test_a_server_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:word@mlflow:5000/sqlite:///x")
    assert default_tracking_uri(Path("runs")) == "http://user:word@mlflow:5000/sqlite:///x"


def test_without_a_setting_the_store_is_in_the_folder_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert default_tracking_uri(Path("runs")) == f"sqlite:///{tmp_path}/runs/mlflow.db"


def test_data_that_is_other_each_time_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    source = "tests.sweeps.service.test_service:unseeded"
    path = write_sweep(tmp_path, data=f"{{source: '{source}', split: {{test: 0.2}}}}")
    with pytest.raises(SweepFileError) as caught:
        sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    (problem,) = caught.value.problems
    assert (problem.path, problem.rule[:24]) == ("data.source", "must give the same data ")
    assert list((tmp_path / "runs").iterdir()) == []


def unseeded() -> tuple[Any, list[int]]:
    return np.random.default_rng().normal(size=(60, 2)), [0, 1] * 30

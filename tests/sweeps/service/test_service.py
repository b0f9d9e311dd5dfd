"""What the service decides before a sweep runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.session.environment import default_tracking_uri


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

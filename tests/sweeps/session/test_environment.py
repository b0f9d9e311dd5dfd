"""Where a sweep runs, as the environment says it."""

from __future__ import annotations

from pathlib import Path

import pytest

import sweeps
from sweeps.definition.sweep_file import Resources
from sweeps.errors import SettingsError
from sweeps.service import running
from sweeps.session import environment
from sweeps.session.environment import place_of
from tests.sweeps.sweep_files import write_sweep


def test_a_jobs_address_is_no_place_to_train_and_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "https://ann:s3cr3t@head")
    with (
        pytest.raises(SettingsError, match=r"RAY_ADDRESS=https://ann:\*\*\*@head is a Jobs"),
        place_of("ray", Resources(), tmp_path, print),
    ):
        pass


@pytest.mark.parametrize(
    ("address", "uri", "is_refused"),
    [
        ("auto", None, True),
        ("head:6379", None, True),
        ("auto", "sqlite:////storage/other.db", True),
        ("auto", "http://mlflow:5000", False),
        ("auto", "none", False),
        ("", None, False),
    ],
)
def test_sqlite_on_a_network_file_system_is_refused_for_a_cluster_before_it_is_joined(
    address: str,
    uri: str | None,
    is_refused: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def joins(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(environment, "network_file_system", lambda _: "nfs4")
    monkeypatch.setattr(running, "place_of", joins)
    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    expected: type[Exception] = SettingsError if is_refused else InterruptedError
    with pytest.raises(expected) as caught:
        sweeps.run(write_sweep(tmp_path), runs=tmp_path / "runs", tracking_uri=uri)
    if is_refused:
        assert "SQLite on a network file system (nfs4)" in str(caught.value)
        assert "set MLFLOW_TRACKING_URI to a server" in str(caught.value)
    assert not (tmp_path / "runs").exists()

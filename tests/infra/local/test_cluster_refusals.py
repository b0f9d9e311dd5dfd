"""What a cluster on this machine refuses, and what it leaves, told without starting one."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from sweeps.cli.commands import main
from sweeps.infra.local import cluster, tracking_server
from sweeps.infra.local.cluster import LocalCluster
from sweeps.infra.local.processes import ProcessError, Processes
from sweeps.infra.local.tracking_server import LocalMlflow
from tests.free_port import free_port


def up(folder: Path, **ports: int) -> None:
    given = {"port": free_port(), "dashboard": free_port(), **ports}
    LocalCluster(folder).up(**given, workers=0, cpus=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["port", "dashboard"])
@pytest.mark.parametrize("number", [10002, 16379, 19999])
def test_ports_of_rays_workers_are_refused_before_anything_is_made(
    name: str, number: int, tmp_path: Path
) -> None:
    with pytest.raises(ProcessError) as caught:
        up(tmp_path / "cluster", **{name: number})
    assert str(caught.value).startswith(
        f"port {number} cannot be used (Ray reserves 10002 to 19999 for its workers); choose "
        f"another: "
    )
    assert str(caught.value).endswith(f"cluster up --{name} 20000")
    assert not (tmp_path / "cluster").exists()


def test_one_port_for_two_servers_is_refused(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(ProcessError, match=f"port {port} cannot be used .both --port and --dash"):
        up(tmp_path / "cluster", port=port, dashboard=port)


def test_the_highest_port_has_another_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(number: int, way_out: str) -> None:
        raise ProcessError(f"port {number}: {way_out}")

    monkeypatch.setattr(cluster, "refuse_taken", taken)
    with pytest.raises(ProcessError, match=r"cluster up --port 65534$"):
        up(tmp_path / "cluster", port=65535)


def test_what_an_earlier_cluster_left_is_made_anew_and_shut_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ProcessError("head did not start")

    folder = tmp_path / "cluster"
    folder.mkdir(mode=0o755)
    (folder / "env").write_text("export RAY_ADDRESS=http://127.0.0.1:1\n")
    monkeypatch.setattr(LocalCluster, "start_head", refuse)
    with pytest.raises(ProcessError):
        up(folder)
    assert not (folder / "env").exists()
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700


def a_cluster_that_was_up(folder: Path) -> Path:
    folder.mkdir()
    facts = {"temporary": str(folder / "t"), "port": 1, "dashboard": 8265, "mlflow": None}
    (folder / "state.json").write_text(json.dumps({"facts": facts, "processes": {}}))
    (folder / "env").write_text("export RAY_ADDRESS=http://127.0.0.1:8265\n")
    return folder


@pytest.mark.parametrize("address", ["http://127.0.0.1:8265", "http://elsewhere:8265", ""])
def test_down_says_how_this_shell_is_local_again(
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = a_cluster_that_was_up(tmp_path / "cluster")
    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert main(["cluster", "down", "--folder", str(folder)]) == 0
    said = capsys.readouterr().out
    is_ours = address == "http://127.0.0.1:8265"
    assert ("This shell still points to it; to train on this machine again:" in said) == is_ours
    assert ("unset RAY_ADDRESS RAY_AUTH_MODE" in said) == is_ours
    assert "MLFLOW_TRACKING_URI" not in said
    assert not (folder / "env").exists()


def test_a_database_whose_password_is_gone_is_purged_by_the_command_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, data = tmp_path / "cluster", tmp_path / "elsewhere" / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("15")
    monkeypatch.setattr(tracking_server, "_postgres_programs", lambda: tmp_path)
    monkeypatch.setattr(LocalMlflow, "data", data)
    folder.mkdir()
    (folder / "storage" / "digits").mkdir(parents=True)
    (folder / "mlflow" / "artifacts").mkdir(parents=True)
    with pytest.raises(ProcessError) as caught:
        LocalMlflow(folder, Processes(folder)).start_database(free_port())
    assert f"cluster down --purge --folder {folder}" in str(caught.value)
    assert main(["cluster", "down", "--purge", "--folder", str(folder)]) == 0
    assert f"deleted {data}" in capsys.readouterr().out
    assert not data.exists()
    assert not (folder / "mlflow").exists()
    assert (folder / "storage" / "digits").is_dir()

"""What lies on a network file system, by lines as Linux writes them (proc(5))."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.infra import network_files
from sweeps.infra.network_files import network_file_system

LINES = r"""21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 21 0:44 / /storage rw,relatime shared:5 - nfs4 10.0.0.5:/ rw,vers=4.1,hard
31 30 8:2 / /storage/local rw - xfs /dev/sdb rw
32 21 0:45 / /with\040space rw - cifs //server/share rw
33 21 0:46 / /hidden rw - nfs server:/ rw
34 33 8:3 / /hidden rw - ext4 /dev/sdc rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/storage", "nfs4"),
        ("/storage/runs/mlflow.db", "nfs4"),
        ("/storage/local/mlflow.db", ""),
        ("/storages/mlflow.db", ""),
        ("/with space/mlflow.db", "cifs"),
        ("/hidden/mlflow.db", ""),
        ("/home/ann/runs", ""),
    ],
)
def test_the_innermost_mount_decides(
    path: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mountinfo").write_text(LINES)
    monkeypatch.setattr(network_files, "_MOUNTS", tmp_path / "mountinfo")
    assert network_file_system(Path(path)) == kind


def test_without_such_a_file_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_files, "_MOUNTS", tmp_path / "none")
    assert network_file_system(tmp_path) == ""

"""What is shipped to other machines: the checkout without what git ignores, and the own nets."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra import package
from infra.package import PackageError, stage


def write(root: Path, names: list[str]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def staged(into: Path) -> set[str]:
    return {str(path.relative_to(into)) for path in into.rglob("*") if path.is_file()}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    write(root, ["sweeps/a.py", "models/b.py", "tests/c.py", "runs/x/plan.jsonl", "big.bin"])
    write(root, [".venv/lib/d.py", "examples/e.yaml", "examples/own_net.py"])
    (root / ".gitignore").write_text("*.bin\nruns/\n.venv/\n")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def test_what_git_ignores_and_tests_stay_behind(checkout: Path, tmp_path: Path) -> None:
    done = stage(checkout, checkout / "examples", (), tmp_path / "out")
    expected = {".gitignore", "sweeps/a.py", "models/b.py", "examples/e.yaml"}
    assert staged(done.path) == expected | {"examples/own_net.py"}
    assert done.sweep == "examples"
    assert done.size == sum(path.stat().st_size for path in done.path.rglob("*") if path.is_file())


def test_without_git_environments_and_runs_stay_behind(checkout: Path, tmp_path: Path) -> None:
    subprocess.run(["rm", "-r", checkout / ".git"], check=True)
    done = stage(checkout, checkout / "examples", (), tmp_path / "out")
    assert {"sweeps/a.py", "big.bin"} < staged(done.path)
    assert not any(name.startswith((".venv", "runs", "tests")) for name in staged(done.path))


def test_python_files_beside_a_sweep_elsewhere_come_along(checkout: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    write(mine, ["my.yaml", "net.py", "parts/layer.py", "rows.csv", ".venv/z.py", "huge.bin"])
    done = stage(checkout, mine, (mine / "my.yaml", mine / "rows.csv"), tmp_path / "out")
    shipped = {name for name in staged(done.path) if name.startswith("sweep/")}
    expected = {"sweep/my.yaml", "sweep/net.py", "sweep/parts/layer.py", "sweep/rows.csv"}
    assert shipped == expected
    assert done.sweep == "sweep"


def test_too_much_is_refused_with_the_largest_files(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MAX_MB", 1)
    (checkout / "models" / "weights.pt").write_bytes(bytes(2 * 2**20))
    with pytest.raises(PackageError, match=r"2\.0 MB and may have 1; .*weights\.pt \(2\.0 MB\)"):
        stage(checkout, checkout / "examples", (), tmp_path / "out")
    assert not (tmp_path / "out").exists()

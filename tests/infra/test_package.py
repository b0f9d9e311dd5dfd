"""What is shipped to other machines: the checkout without what git ignores, and the own nets."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.package import PackageError, checkout_files, files_beside, stage


def write(root: Path, names: list[str]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    write(root, ["sweeps/service.py", "models/b.py", "tests/c.py", "runs/x/plan.jsonl", "big.bin"])
    write(root, [".venv/lib/d.py", "examples/e.yaml", "examples/own_net.py"])
    (root / ".gitignore").write_text("*.bin\nruns/\n.venv/\n")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def test_what_git_ignores_and_tests_stay_behind(checkout: Path, tmp_path: Path) -> None:
    size = stage(checkout_files(checkout), tmp_path / "out")
    expected = {"sweeps/service.py", "models/b.py", "examples/e.yaml", "examples/own_net.py"}
    assert files_in(tmp_path / "out") == expected
    assert size == sum(path.stat().st_size for path in tmp_path.glob("out/**/*") if path.is_file())


def test_secrets_that_git_does_not_ignore_stay_behind(checkout: Path) -> None:
    write(checkout, [".env", "auth_token"])
    names = {str(name) for name in checkout_files(checkout).values()}
    assert not {".env", "auth_token"} & names


def test_without_git_environments_and_runs_stay_behind(checkout: Path) -> None:
    subprocess.run(["rm", "-r", checkout / ".git"], check=True)
    write(checkout, [".env", "infra/.env", "infra/ray_up/auth_token"])
    names = {str(name) for name in checkout_files(checkout).values()}
    assert {"sweeps/service.py", "big.bin"} < names
    assert not {".env", "infra/.env", "infra/ray_up/auth_token"} & names
    assert not any(name.startswith((".venv", "runs", "tests")) for name in names)


def test_the_python_files_beside_a_sweep_are_its_modules(checkout: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    write(mine, ["my.yaml", "net.py", "parts/layer.py", "rows.csv", ".venv/z.py", "huge.bin"])
    modules = {str(name) for name in files_beside(mine, only_modules=True).values()}
    assert modules == {"net.py", "parts/layer.py"}
    assert {"rows.csv", "net.py"} < {
        str(name) for name in files_beside(mine, only_modules=False).values()
    }
    own = {str(name) for name in files_beside(checkout, only_modules=True).values()}
    assert own == {"examples/own_net.py"}  # the product itself is on every node


def test_too_much_is_refused_with_the_largest_files(checkout: Path, tmp_path: Path) -> None:
    (checkout / "models" / "weights.pt").write_bytes(bytes(2 * 2**20))
    with pytest.raises(PackageError, match=r"2\.0 MB and may have 1; .*weights\.pt \(2\.0 MB\)"):
        stage(checkout_files(checkout), tmp_path / "out", limit_mb=1)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone.csv"
    with pytest.raises(PackageError, match=r"gone\.csv: No such file"):
        stage({gone: Path("gone.csv")}, tmp_path / "out")

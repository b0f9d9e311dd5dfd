"""What is shipped to other machines: the package, and the user's own nets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.infra.package import PackageError, code_files, files_beside, import_paths, stage

ROOT = Path(__file__).resolve().parents[2]


def write(root: Path, names: list[str]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_package_is_shipped_whole_under_its_one_name(tmp_path: Path) -> None:
    size = stage(code_files(), tmp_path / "out")
    names = files_in(tmp_path / "out")
    assert {"sweeps/__init__.py", "sweeps/models/nets/nets.py", "sweeps/report/page.css"} < names
    assert {name.partition("/")[0] for name in names} == {"sweeps"}
    assert size == sum(path.stat().st_size for path in tmp_path.glob("out/**/*") if path.is_file())


def test_what_was_shipped_is_imported_without_the_checkout(tmp_path: Path) -> None:
    stage(code_files(), tmp_path / "out")
    code = "import sweeps.models.nets, sweeps.infra.package; print(sweeps.models.nets.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "out", env={**os.environ, "PYTHONPATH": ""},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == str(
        tmp_path / "out" / "sweeps" / "models" / "nets" / "__init__.py"
    )


def test_an_editable_install_puts_no_checkout_on_the_path() -> None:
    # The environment of the tests is one: `models/` of a user may have no `__init__.py`.
    assert import_paths() == []


def test_a_part_can_be_taken_alone(tmp_path: Path) -> None:
    stage(code_files(["models", "lightning.py"]), tmp_path / "out")
    names = files_in(tmp_path / "out")
    assert "sweeps/__init__.py" in names
    assert {name.split("/")[1] for name in names} == {"__init__.py", "models", "lightning.py"}


def test_secrets_and_caches_stay_behind() -> None:
    names = {name.name for name in code_files().values()}
    assert not {".env", "auth_token"} & names
    assert not {"__pycache__"} & {part for name in code_files().values() for part in name.parts}


def test_the_python_files_beside_a_sweep_are_its_modules(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    write(mine, ["my.yaml", "net.py", "parts/layer.py", "rows.csv", ".venv/z.py", "huge.bin"])
    modules = {str(name) for name in files_beside(mine, only_modules=True).values()}
    assert modules == {"net.py", "parts/layer.py"}
    assert {"rows.csv", "net.py"} < {
        str(name) for name in files_beside(mine, only_modules=False).values()
    }


def test_the_product_itself_is_no_module_of_the_user() -> None:
    own = {name.parts[0] for name in files_beside(ROOT, only_modules=True).values()}
    assert not {"sweeps", "models", "search_spaces", "infra"} & own


def test_too_much_is_refused_with_the_largest_files(tmp_path: Path) -> None:
    write(tmp_path / "mine", ["net.py"])
    (tmp_path / "mine" / "weights.pt").write_bytes(bytes(2 * 2**20))
    files = files_beside(tmp_path / "mine", only_modules=False)
    with pytest.raises(
        PackageError, match=r"2\.0 MB; the limit is 1 MB; .*weights\.pt \(2\.0 MB\)"
    ):
        stage(files, tmp_path / "out", limit_mb=1)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone.csv"
    with pytest.raises(PackageError, match=r"gone\.csv: No such file"):
        stage({gone: Path("gone.csv")}, tmp_path / "out")

"""Which files a user-defined function needs, and which folders they are imported from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.definition.own_files import files_of, folders_of, import_from_here, make_importable


def write(folder: Path, **files: str) -> Path:
    """Write Python files; in a name `__` stands for a slash."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/', 1)}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def names(target: str, *folders: Path) -> set[str]:
    return {str(name) for name in files_of(target, folders).values()}


def test_a_function_needs_its_module_and_what_that_imports_however_far(tmp_path: Path) -> None:
    write(
        tmp_path, net="import layers, torch", layers="from sizes import WIDTH", sizes="", other=""
    )
    assert names("net:build", tmp_path) == {"net.py", "layers.py", "sizes.py"}


def test_relative_imports_and_submodules_are_followed(tmp_path: Path) -> None:
    write(tmp_path, models__init="", models__net="from . import parts\nfrom .layers import Layer")
    write(tmp_path, models__parts="", models__layers="", models__unused="")
    (tmp_path / "models" / "init.py").rename(tmp_path / "models" / "__init__.py")
    assert names("models.net:build", tmp_path) == {
        "models/__init__.py", "models/net.py", "models/parts.py", "models/layers.py"
    }  # fmt: skip


def test_a_package_without_init_is_found_in_all_its_folders(tmp_path: Path) -> None:
    one = write(tmp_path / "one", models__net="from models import parts")
    two = write(tmp_path / "two", models__parts="")
    assert names("models.net:build", one, two) == {"models/net.py", "models/parts.py"}


def test_the_first_folder_with_a_module_of_that_name_has_it(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", net=""), write(tmp_path / "two", net="import more", more="")
    assert list(files_of("net:build", [one, two])) == [one / "net.py"]


def test_a_package_goes_before_a_module_and_circles_end(tmp_path: Path) -> None:
    write(tmp_path, net="", net__mark="import net.mark")
    (tmp_path / "net" / "__init__.py").write_text("from net.mark import *")
    assert names("net:build", tmp_path) == {"net/__init__.py", "net/mark.py"}


def test_nothing_is_found_of_modules_that_are_installed_or_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path, net="import sweeps.models.nets.nets, json\ndef (")
    assert names("net:build", tmp_path) == {"net.py"}
    assert names("json:loads", tmp_path) == set()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return write(tmp_path, root_net="", configs__beside="import root_layers", root_layers="")


@pytest.mark.parametrize("target", ["root_net:build", "beside:build"])
def test_a_folder_of_the_import_path_counts_if_a_file_of_it_is_needed(
    project: Path, target: str
) -> None:
    values = {"space": {"model": {"choice": [{"kind": "custom", "target": target}]}}}
    assert folders_of(values, project / "configs") == (project / "configs", project)


def test_the_sweep_files_folder_stands_alone_where_nothing_else_is_needed(project: Path) -> None:
    base = project / "configs"
    assert folders_of({"data": {"source": "iris"}, "name": "a:b c"}, base) == (base,)
    assert folders_of({"data": {"function": "json:loads"}}, base) == (base,)


def test_folders_become_importable_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["/c"])
    make_importable("/a", "/b")
    make_importable("/a")
    assert sys.path == ["/a", "/b", "/c"]


def test_a_script_of_the_environment_imports_from_where_it_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", ["/bin-of-the-environment"])
    monkeypatch.chdir(tmp_path)
    import_from_here()
    import_from_here()
    assert sys.path == [str(tmp_path), "/bin-of-the-environment"]


def test_a_safe_path_stays_safe(tmp_path: Path) -> None:
    code = "import sys; from sweeps.definition.own_files import import_from_here as f; f()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"{code}; print({str(tmp_path)!r} in sys.path)"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path.cwd())}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False"

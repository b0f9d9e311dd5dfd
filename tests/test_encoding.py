"""Text is read and written as UTF-8 whatever the locale: ruff sees only what it can infer."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sweeps.sweep_files import write_sweep
from tests.test_architecture import PRODUCT, ROOT, name_of

_BY_NAME = ("read_text", "write_text", "fdopen")


def text_files_without_encoding(tree: ast.AST) -> Iterator[str]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [one for one in calls if not any(key.arg == "encoding" for key in one.keywords)]
    yield from (ast.unparse(one) for one in named if is_text_file(one))


def is_text_file(call: ast.Call) -> bool:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    arguments = [*call.args, *(key.value for key in call.keywords)]
    texts = [one.value for one in arguments if isinstance(one, ast.Constant)]
    modes = [one for one in texts if isinstance(one, str) and one and set(one) <= set("rwaxb+")]
    is_binary = any("b" in mode for mode in modes)
    opens = name == "open" and (bool(modes) or not arguments or isinstance(call.func, ast.Name))
    is_method = isinstance(call.func, ast.Attribute)
    # A path's first argument is the encoding; a distribution reads UTF-8 whatever the locale.
    is_said = name == "read_text" and bool(call.args)
    return (opens or (name in _BY_NAME and is_method)) and not is_binary and not is_said


@pytest.mark.parametrize("path", PRODUCT, ids=name_of)
def test_every_text_file_is_opened_with_its_encoding(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert list(text_files_without_encoding(tree)) == []


def in_plain_ascii(folder: Path, *command: str) -> None:
    """Run a command where nothing but ASCII is text."""
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "sweeps", *command],
        cwd=folder,
        env=os.environ | locale,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr


def test_a_sweep_in_a_locale_without_utf_8_writes_its_report(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 2}")
    in_plain_ascii(tmp_path, "run", str(path), "--local", "--no-mlflow")
    page = tmp_path / "runs" / "blobs" / "report.html"
    assert "blobs" in page.read_text(encoding="utf-8")
    page.unlink()
    in_plain_ascii(tmp_path, "report", "runs/blobs")
    assert page.is_file()

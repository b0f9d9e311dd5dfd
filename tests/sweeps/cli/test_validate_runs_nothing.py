"""`validate` looks at the user's own code without running any of it, and says what that leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweeps.cli.commands import main
from tests.sweeps.cli.test_commands_validate import run_python
from tests.sweeps.sweep_files import space, write_sweep

MARK = "from pathlib import Path\nPath(__file__).with_name('was-run').touch()\n"
LOAD = "def load():\n    return {'x': [float(i) for i in range(60)]}, [0, 1] * 30\n"
NET = "{kind: custom, target: 'own.net:build'}"


def validate(folder: Path, *more: str) -> tuple[int, str]:
    """Validate the folder's file as a shell does; returns the exit code and all that was said."""
    code = "import sys; from sweeps.cli.commands import main; sys.exit(main())"
    done = run_python(folder, "-P", "-c", code, "validate", "sweep.yaml", *more)
    return done.returncode, done.stdout + done.stderr


def was_run(folder: Path) -> bool:
    return bool(list(folder.rglob("was-run")))


def own_data(folder: Path, body: str = LOAD) -> Path:
    (folder / "own_loader.py").write_text(MARK + body)
    return write_sweep(folder, data="{source: 'own_loader:load'}")


def test_a_data_function_is_not_run_and_what_is_unknown_without_it_is_said(tmp_path: Path) -> None:
    own_data(tmp_path)
    code, said = validate(tmp_path)
    assert (code, was_run(tmp_path)) == (0, False)
    assert "own_loader:load was not run" in said
    assert "--run-code" in said


def test_it_is_run_where_that_is_asked_for(tmp_path: Path) -> None:
    own_data(tmp_path)
    code, said = validate(tmp_path, "--run-code")
    assert (code, was_run(tmp_path)) == (0, True)
    assert "1 number" in said
    assert "not run" not in said


def test_json_says_what_was_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    path = own_data(tmp_path)
    assert main(["validate", str(path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["valid"]
    assert answer["columns"] is None
    assert "own_loader:load" in answer["not_checked"][0]


def test_json_of_a_file_that_is_checked_whole_leaves_nothing_unchecked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(write_sweep(tmp_path)), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["not_checked"] == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("own_loader:laod", "has no 'laod'"),
        ("own_laoder:load", "there is no module 'own_laoder'"),
        ("own_loader:of_size", "missing key 'size'"),
    ],
)
def test_a_data_function_that_cannot_be_called_is_refused_by_its_text(
    source: str, words: str, tmp_path: Path
) -> None:
    own_data(tmp_path, LOAD + "def of_size(size):\n    return load()\n")
    write_sweep(tmp_path, data=f"{{source: '{source}'}}")
    code, said = validate(tmp_path)
    assert (code, was_run(tmp_path)) == (2, False)
    assert words in said


def test_the_packages_that_hold_a_net_are_not_run_either(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").write_text(MARK)
    (tmp_path / "own" / "net.py").write_text(MARK + "def build(input_shape, outputs): ...\n")
    write_sweep(tmp_path, space=space(NET))
    assert validate(tmp_path)[0] == 0
    assert not was_run(tmp_path)


def test_a_net_in_a_folder_without_init_is_found(tmp_path: Path) -> None:
    (tmp_path / "own" / "deep").mkdir(parents=True)
    (tmp_path / "own" / "deep" / "net.py").write_text("def build(input_shape, outputs): ...\n")
    write_sweep(tmp_path, space=space(NET.replace("own.net", "own.deep.net")))
    assert validate(tmp_path)[0] == 0


@pytest.mark.parametrize("library", ["pyarrow", "numpy", "rich", "scipy", "secrets"])
def test_a_module_beside_the_file_does_not_take_the_place_of_a_library(
    library: str, tmp_path: Path
) -> None:
    (tmp_path / f"{library}.py").write_text(MARK)
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(60)))
    search = "{method: sobol, trials: 4}"
    write_sweep(tmp_path, data="{source: t.csv, target: y}", search=search)
    assert validate(tmp_path)[0] == 0
    assert not was_run(tmp_path)


@pytest.mark.parametrize("body", ["sys.exit(0)", "sys.exit()", "raise SystemExit"])
def test_a_data_function_that_ends_the_program_is_never_a_silent_success(
    body: str, tmp_path: Path
) -> None:
    own_data(tmp_path, f"import sys\ndef load():\n    {body}\n")
    code, said = validate(tmp_path, "--run-code")
    assert code == 2
    assert "ended the program" in said


@pytest.mark.parametrize("source", ["os:abort", "sys:exit", "os:getppid"])
def test_functions_of_the_standard_library_are_not_run(source: str, tmp_path: Path) -> None:
    write_sweep(tmp_path, data=f"{{source: '{source}'}}")
    code, said = validate(tmp_path)
    assert code == 0
    assert f"{source} was not run" in said

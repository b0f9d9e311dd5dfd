"""A command that asks for what cannot be ends with a code that says so, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import sweeps
from sweeps.cli.commands import main
from sweeps.errors import SweepFileError
from tests.sweeps.sweep_files import space, write_sweep

GRID = space(model="{kind: linear}", optimizer="{kind: adam, lr: {choice: [0.01, 0.1]}}", epochs=2)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refused")
    path = write_sweep(folder, search="{method: grid}", space=GRID, final="{top_k: 1, seeds: 1}")
    sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")
    return folder / "runs"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "extend blobs --trials 5",
            "only sweeps that draw or propose trials can",
        ),
        ("retry blobs", "no failed trials to retry"),
        ("final blobs", "already has a final"),
        ("show nosuch", "there is no run folder"),
        ("resume blobs/final", "is the stage final of a sweep"),
    ],
)
def test_what_cannot_be_done_ends_with_1(
    runs: Path,
    command: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SWEEPS_STORAGE", str(runs))
    monkeypatch.chdir(runs)
    before = sorted(runs.rglob("*"))
    assert main(command.split()) == 1
    assert words in capsys.readouterr().err
    assert sorted(runs.rglob("*")) == before


def test_a_name_that_no_run_has_is_answered_with_those_that_there_are(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SWEEPS_STORAGE", str(runs))
    monkeypatch.chdir(tmp_path)
    assert main(["show", "nosuch"]) == 1
    assert f"there is no run folder {runs}/nosuch; {runs} has blobs" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["-1", "0", "many"])
def test_a_number_of_trials_that_is_none_ends_with_2_as_other_mistakes_of_the_command_line(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["extend", "blobs", "--trials", number])
    assert f"must be a whole number, at least 1, got '{number}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "name", "words"),
    [
        ("resume blobs --local", "run_session", "resume RUN` continues it"),
        ("show blobs", "open_run", "interrupted\n"),
    ],
)
def test_a_second_ctrl_c_says_how_to_go_on_where_something_was_trained(
    command: str,
    name: str,
    words: str,
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(runs)
    monkeypatch.setattr(f"sweeps.service.running.{name}", interrupted)
    assert main(command.split()) == 130
    assert words in capsys.readouterr().err


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "validate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("plna", "unknown command 'plna'; did you mean 'plan'?"),
        ("xyz", "commands are validate, "),
    ],
)
def test_a_misspelt_command_is_answered(
    typed: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([typed])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (["submit", "--quiet", "x.yaml"], "sweeps submit [-h]"),
        (["--quiet", "submit", "x.yaml"], "sweeps [-h]"),
    ],
)
def test_an_unknown_option_is_refused_with_the_usage_of_its_command(
    words: list[str], usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert usage in said
    assert "unrecognized arguments: --quiet" in said


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (MemoryError(), "this process has run out of memory"),
        (
            ImportError("libtorch_python.so: failed to map segment from shared object"),
            "a library cannot be loaded (libtorch_python.so: failed to map segment",
        ),
    ],
)
def test_too_little_memory_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: Exception,
    words: str,
) -> None:
    def fail(*_: object) -> int:
        raise raised

    monkeypatch.setattr("sweeps.cli.commands._run_command", fail)
    assert main(["list"]) == 4
    said = capsys.readouterr().err
    assert words in said
    assert "ulimit -v" in said
    assert "resume RUN" in said


def test_an_import_that_this_package_lacks_is_a_fault_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> int:
        raise ImportError("cannot import name 'x'", name="sweeps.record")

    monkeypatch.setattr("sweeps.cli.commands._run_command", fail)
    with pytest.raises(ImportError, match="cannot import name"):
        main(["list"])


@pytest.mark.parametrize("command", ["validate", "plan", "run", "submit"])
def test_a_run_folder_in_place_of_a_sweep_file_is_named_as_such(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:9")  # where nobody answers
    monkeypatch.chdir(runs)
    assert main([command, "blobs"]) == 2
    said = capsys.readouterr().err
    assert "blobs: must be a sweep file, and this is the folder of a run" in said
    assert "show blobs" in said
    assert "sweeps.open_run('blobs')" in said


def test_a_folder_in_place_of_a_sweep_file_is_answered_with_those_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").touch()
    with pytest.raises(SweepFileError, match=r"this is a folder.*; it has own\.yaml"):
        sweeps.load(".")


@pytest.mark.parametrize(
    "words",
    ["show", "resume", "extend --trials 1", "retry", "final", "report", "suggest", "sync",
     "status", "stop", "predict", "replay"],
)  # fmt: skip
def test_a_sweep_file_in_place_of_a_run_folder_is_named_as_such(
    runs: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    command, *options = words.split()
    path = runs.parent / "sweep.yaml"
    rows = [str(path)] if command == "predict" else []
    assert main([command, str(path), *rows, *options]) == 1
    said = capsys.readouterr().err
    assert f"{path} is a file, not a run folder" in said
    assert f"run {path}" in said


@pytest.mark.parametrize(
    ("words", "way_out"),
    [
        (["--trials", "3"], "--set search.trials=3"),
        (["--seed=7"], "--set seed=7"),
        (["--batch-size", "32"], "--set space.training.batch_size=32"),
        (["--epochs"], "--set space.training.epochs=..."),
    ],
)
def test_a_key_of_the_file_given_as_an_option_is_answered_with_set(
    capsys: pytest.CaptureFixture[str], words: list[str], way_out: str
) -> None:
    with pytest.raises(SystemExit):
        main(["run", "sweep.yaml", *words])
    assert f"a value of the sweep file is changed by {way_out}\n" in capsys.readouterr().err


def test_another_unknown_option_is_only_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "sweep.yaml", "--fast"])
    assert "unrecognized arguments: --fast\n" in capsys.readouterr().err

"""A command that asks for what cannot be ends with a code that says so, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import sweeps
from sweeps.cli.commands import main
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
            "only sweeps whose trials are drawn or proposed can",
        ),
        ("retry blobs", "no failed trial to retry"),
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
        ("plna", "there is no command 'plna'; did you mean 'plan'?"),
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

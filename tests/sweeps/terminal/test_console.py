"""How wide an answer is, whatever the environment says of the terminal."""

from __future__ import annotations

import io

import pytest

from sweeps.terminal.console import PIPE_WIDTH, PlainConsole, answer_console


@pytest.mark.parametrize("columns", ["0", "00", "-1", "", "abc"])
def test_a_terminal_of_no_columns_has_an_answer(
    monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert answer_console().width == PIPE_WIDTH
    console = PlainConsole(file=io.StringIO())
    console.print("Winner: trial 3")
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == "Winner: trial 3\n"


def test_the_columns_of_the_environment_are_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "91")
    assert answer_console().width == 91

"""What files and other people's code contain is shown, and never obeyed."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from sweeps.cli.commands import main
from sweeps.infra.plain_text import shown
from sweeps.terminal.console import PlainConsole
from tests.sweeps.sweep_files import space, write_sweep

MARKUP = ["[/nosuch]", "[bold red]x[/]", "[link=https://evil.example]x[/link]", "[a-z]", ":smile:"]


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    kinds = {unicodedata.category(one) for one in shown(text).replace("\n", "").replace("\t", "")}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    bidirectional = {unicodedata.bidirectional(one) for one in shown(text)}
    assert not bidirectional & {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\x1b]0;TITLE\x07", "\\x1b]0;TITLE\\x07"),
        ("a\u202eb", "a\\u202eb"),
        ("\udcff", "\\udcff"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_what_is_obeyed_is_written_as_python_does(text: str, words: str) -> None:
    assert shown(text) == words


@pytest.mark.parametrize("text", [*MARKUP, "\x1b[31mRED"])
def test_a_cell_and_a_sentence_are_shown_as_they_are(text: str) -> None:
    file = io.StringIO()
    console = PlainConsole(file=file, width=200, force_terminal=False)
    table = Table()
    table.add_column(text)
    table.add_row(text)
    console.print(table)
    console.print(f"it is {text}")
    assert file.getvalue().count(shown(text)) == 3


def test_a_sweep_over_texts_of_markup_is_shown_with_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ", ".join(f"{{text: '{text}'}}" for text in MARKUP)
    (tmp_path / "net_of_markup.py").write_text(
        "from torch import nn\n"
        "def build(input_shape, outputs, text): return nn.Linear(input_shape[0], outputs)\n"
    )
    model = f"{{kind: custom, target: 'net_of_markup:build', options: {{choice: [{options}]}}}}"
    path = write_sweep(
        tmp_path, search="{method: grid}", space=space(model, "{kind: adam, lr: 0.01}", epochs=1)
    )
    monkeypatch.setenv("SWEEPS_STORAGE", str(tmp_path / "runs"))
    assert main(["plan", "--no-probe", str(path)]) == 0
    assert main(["run", str(path), "--local", "--no-mlflow"]) == 0
    said = capsys.readouterr().out
    assert "[/nosuch]" in said
    assert "\x1b" not in said

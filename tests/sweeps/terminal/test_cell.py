"""A sweep that runs in a notebook's cell shows a bar there, and elsewhere nothing."""

from __future__ import annotations

import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sweeps.terminal.cell import is_notebook, show_in_cell


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a cell has shown, by an IPython of a kernel that is none."""
    seen: list[str] = []

    def display(what: str, display_id: bool) -> Any:
        seen.append(what)
        return SimpleNamespace(update=seen.append)

    shell, part = ModuleType("IPython"), ModuleType("IPython.display")
    vars(shell).update(get_ipython=lambda: SimpleNamespace(kernel=object()), display=part)
    vars(part).update(HTML=str, display=display)
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", part)
    return seen


def test_a_bar_grows_until_the_last_state_stays(shown: list[str]) -> None:
    shares = iter([0.25, 1.0])
    done = threading.Event()
    done.set()
    assert is_notebook()
    show_in_cell(lambda: "1/4 trials (<b>)", lambda: next(shares), done)
    assert ["width: 25.0%" in shown[0], "width: 100.0%" in shown[1]] == [True, True]
    assert "1/4 trials (&lt;b&gt;)" in shown[0]


def test_a_script_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not is_notebook()

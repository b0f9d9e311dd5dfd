"""A sweep that runs in a notebook's cell shows a bar there, and elsewhere nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sweeps.terminal.cell import is_notebook, show_in_cell

ROOT = Path(__file__).resolve().parents[3]


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


# A kernel without ipywidgets, in which tqdm says that it lacks them when something imports it.
KERNEL = """
import sys, types
shell = types.ModuleType("IPython")
shell.get_ipython = lambda: types.SimpleNamespace(kernel=object())
sys.modules |= {"IPython": shell, "ipykernel.zmqshell": types.ModuleType("zmqshell")}
sys.modules["ipywidgets"] = None
"""
LEARNING = """
from sweeps.search_methods.tpe import TpeSearch
from sweeps.search_spaces.space import Space
section = TpeSearch.model_validate({"method": "tpe", "trials": 5})
section.sampler(Space({"lr": {"float": [0.0, 1.0]}}), 1)
"""
IMPORTANCES = """
from sweeps.analysis.importances import importances
from tests.sweeps.analysis.evidence_examples import evidence
space = {"optimizer": {"kind": "adam", "lr": {"float": [0.0, 1.0]}}}
trials = [{"optimizer": {"kind": "adam", "lr": at / 40}} for at in range(40)]
assert not isinstance(importances(evidence(space, trials, [float(at) for at in range(40)])), str)
"""


@pytest.mark.parametrize("code", [LEARNING, IMPORTANCES])
def test_a_cell_without_ipywidgets_is_not_warned_of_bars_that_nobody_draws(code: str) -> None:
    assert "IProgress not found" in _said("import optuna")
    assert _said(code) == ""


def _said(code: str) -> str:
    command = [sys.executable, "-c", KERNEL + code]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stderr

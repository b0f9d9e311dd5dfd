"""What makes an error of every warning does so in the user's code, not in Ray's and MLflow's."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import pytest

from sweeps.infra.strict_warnings import lenient_children, lenient_environment, lenient_warnings

WARNS = [sys.executable, "-c", "import warnings; warnings.warn('old', DeprecationWarning)"]


@pytest.mark.parametrize("filters", ["error", "e", "error::DeprecationWarning", "ignore, error"])
def test_a_child_that_warns_ends_well(monkeypatch: pytest.MonkeyPatch, filters: str) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", filters)
    assert subprocess.run(WARNS, stderr=subprocess.DEVNULL).returncode == 1
    with lenient_children():
        assert subprocess.run(WARNS, stderr=subprocess.DEVNULL).returncode == 0
    assert subprocess.run(WARNS, env=lenient_environment()).returncode == 0
    assert os.environ["PYTHONWARNINGS"] == filters


@pytest.mark.parametrize(
    ("filters", "kept"),
    [("ignore,error", "ignore"), ("default::UserWarning", "default::UserWarning"), ("", "")],
)
def test_other_filters_stay(monkeypatch: pytest.MonkeyPatch, filters: str, kept: str) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", filters)
    assert lenient_environment().get("PYTHONWARNINGS", "") == kept


def test_an_environment_without_filters_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONWARNINGS", raising=False)
    with lenient_children():
        pass
    assert "PYTHONWARNINGS" not in os.environ


def test_this_process_goes_back_to_its_filters() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with lenient_warnings():
            warnings.simplefilter("ignore")
            warnings.warn("old", DeprecationWarning, stacklevel=1)
        with pytest.raises(DeprecationWarning):
            warnings.warn("old", DeprecationWarning, stacklevel=1)

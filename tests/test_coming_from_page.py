"""docs/coming-from.md: its sweep file is valid, its keys and commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sweeps.definition.loading import check_sweep
from sweeps.definition.sweep_file import SweepFile
from sweeps.search_methods.learning import LearningSearch
from tests.test_readme import blocks, command_names

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "coming-from.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "sweep-file.md").read_text(encoding="utf-8")
HERE = [line.split("|")[2] for line in PAGE.splitlines() if line.startswith("| ")]
DOTTED = sorted(set(re.findall(r"`((?:\w+\.)+\w+)`", " ".join(HERE))) - {"results.winner"})


def test_the_sweep_file_is_valid(tmp_path: Path) -> None:
    (tmp_path / "digits.yaml").write_text(blocks("yaml", PAGE)[0])
    sweep, _ = check_sweep(tmp_path / "digits.yaml")
    assert isinstance(sweep.file.search, LearningSearch)
    assert sweep.file.budget.time_s == 600


@pytest.mark.parametrize("place", [one for one in DOTTED if one.split(".")[0] not in ("results",)])
def test_each_key_is_in_the_reference(place: str) -> None:
    section, *_, key = place.split(".")
    assert section in {*SweepFile.model_fields, "regularization"} | {"report", "space"}
    assert place == "report.html" or f"| `{key}` |" in REFERENCE or f"`{key}:" in REFERENCE


def test_each_command_is_one() -> None:
    named = set(re.findall(r"`(?:sweeps )([a-z]+)[ `]", PAGE))
    assert named <= command_names()
    assert len(named) > 6

"""Each sweep of the gallery runs as it is, and the page lists it."""

from __future__ import annotations

from pathlib import Path

import pytest

import sweeps

ROOT = Path(__file__).resolve().parents[2]
GALLERY = sorted((ROOT / "search_spaces" / "gallery").glob("*.yaml"))
ENDINGS = {"completed", "pruned", "early_stopped"}
each = pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)


@each
def test_a_sweep_of_the_gallery_has_a_winner(path: Path, tmp_path: Path) -> None:
    results = sweeps.run(path, runs=tmp_path, runner="local", tracking_uri="none")
    assert results.winner is not None
    assert {str(trial.outcome) for trial in results.record.trials} <= ENDINGS


@each
def test_the_page_lists_a_sweep_of_the_gallery(path: Path) -> None:
    assert f"(../search_spaces/gallery/{path.name})" in (ROOT / "docs" / "gallery.md").read_text()

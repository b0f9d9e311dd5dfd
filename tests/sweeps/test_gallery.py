"""Each sweep of the gallery runs as it is, in one process, and the page lists it.

One of each kind runs on Ray, too: a net with functions of one's own, a loop, and a program.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.findings.results import Results

ROOT = Path(__file__).resolve().parents[2]
GALLERY = sorted((ROOT / "search_spaces" / "gallery").glob("*.yaml"))
ENDINGS = {"completed", "pruned", "early_stopped"}
# Whom ASHA prunes hangs on the order of arrival, so that both runners train all to their ends.
WHOLE = ("stopping={scheduler: none}", "search.trials=2")
each = pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)


@each
def test_a_sweep_of_the_gallery_has_a_winner(path: Path, tmp_path: Path) -> None:
    results = sweeps.run(path, runs=tmp_path, runner="local", tracking_uri="none")
    assert results.winner is not None
    assert {str(trial.outcome) for trial in results.record.trials} <= ENDINGS


@each
def test_the_page_lists_a_sweep_of_the_gallery(path: Path) -> None:
    assert f"(../search_spaces/gallery/{path.name})" in (ROOT / "docs" / "gallery.md").read_text()


def told(results: Results) -> dict[str, Any]:
    """Return all that was measured, of the test rows too, and what became of each trial."""
    rows = results.epochs().drop(columns="epoch_s").sort_values(["trial", "epoch"])
    return {
        "rows": rows.to_dict("records"),
        "outcomes": [str(trial.outcome) for trial in results.record.trials],
        "test": [opening.metrics for opening in results.openings],
    }


@pytest.mark.ray
@pytest.mark.parametrize("name", ["own_loss", "segmentation", "gan", "program"])
def test_ray_gives_a_sweep_of_the_gallery_the_same_rows(name: str, tmp_path: Path) -> None:
    path = ROOT / "search_spaces" / "gallery" / f"{name}.yaml"
    local, on_ray = (
        sweeps.run(
            path, overrides=WHOLE, runs=tmp_path / runner, runner=runner, tracking_uri="none"
        )
        for runner in ("local", "ray")
    )
    assert told(on_ray) == told(local)

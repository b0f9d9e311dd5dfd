"""Who reads a sweep writes nothing into its folder; a copy without empty folders is whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import sweeps
from sweeps.watch.storage_feed import StorageFeed
from tests.sweeps.drivers import EVERY_EPOCH
from tests.sweeps.sweep_files import space, write_sweep

NAMES = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)"
ROWS = f"{NAMES}\n5.1,3.5,1.4,0.2\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep with a final, of which nothing is left in `checkpoints`."""
    folder = tmp_path_factory.mktemp("whole")
    path = write_sweep(
        folder,
        search="{method: random, trials: 2}",
        stopping=EVERY_EPOCH,
        space=space(epochs=3),
        final="{top_k: 1, seeds: 2}",
    )
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none").path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """As git and rsync's --prune-empty-dirs copy it: without empty folders."""
    run = Path(shutil.copytree(whole, tmp_path / "runs" / "blobs"))
    for folder in ("checkpoints", "final/checkpoints", "final/refit/checkpoints"):
        (run / folder).rmdir()
    return run


def state(run: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (run, *run.rglob("*"))}


def test_who_reads_a_sweep_writes_nothing(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    before = state(copy)
    results = sweeps.open_run(copy)
    assert (results.is_finished, results.lost_net, len(results.epochs())) == (True, "", 6)
    sweeps.predict(copy, tmp_path / "rows.csv")
    sweeps.write_report(copy, out=tmp_path / "report.html")
    assert [one["state"] for one in StorageFeed(copy.parent, str).summaries()] == ["ended"]
    assert state(copy) == before


def test_a_copy_without_its_empty_folders_goes_on(copy: Path) -> None:
    after = sweeps.extend(copy, 1, runner="local", tracking_uri="none")
    assert after.record.outcomes == {"completed": 3}
    sweeps.final(copy, again=True, runner="local", tracking_uri="none")
    assert len(sweeps.open_run(copy).openings) == 2


def test_a_copy_whose_every_place_of_workers_is_gone_is_read(copy: Path) -> None:
    (copy / "ledger.jsonl").unlink()
    shutil.rmtree(copy / "weights")
    assert len(sweeps.open_run(copy).record.unfinished) == 2

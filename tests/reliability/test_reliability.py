"""The campaign finds what is wrong, and its smallest round survives."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import sweeps
from sweeps.findings.results import Results
from tests.reliability import __main__ as campaign
from tests.reliability.comparison import (
    leftovers,
    lost_trials,
    other_values,
    repeated_epochs,
    tracking_faults,
)
from tests.reliability.kills import kill_at_random
from tests.reliability.page import Found, page
from tests.reliability.stories import STORIES
from tests.sweeps.sweep_files import space, write_sweep

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)


def swept(folder: Path, seed: str) -> Results:
    folder.mkdir()
    path = write_sweep(
        folder, seed=seed, search="{method: random, trials: 2}", space=space(epochs=3)
    )
    uri = f"sqlite:///{folder / 'runs' / 'mlflow.db'}"
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri=uri)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return swept(tmp_path_factory.mktemp("whole") / "one", "3")


@pytest.fixture
def broken(whole: Results, tmp_path: Path) -> Results:
    """A copy of the sweep and of its record in MLflow, to be changed."""
    shutil.copytree(whole.path.parent, tmp_path / "runs")
    return sweeps.open_run(tmp_path / "runs" / whole.path.name)


def change(results: Results, query: str) -> None:
    with closing(sqlite3.connect(results.path.parent / "mlflow.db")) as connection, connection:
        connection.execute(query)


def test_what_is_equal_counts_nothing(whole: Results, broken: Results) -> None:
    assert lost_trials(whole, broken) == 0
    assert repeated_epochs(broken) == 0
    assert other_values(whole, broken, is_exact=True) == 0
    assert tracking_faults(broken) == 0
    assert leftovers(broken.path) == []


def test_another_sweep_is_told_by_its_values(whole: Results, tmp_path: Path) -> None:
    other = swept(tmp_path / "other", "4")
    assert other_values(whole, other, is_exact=True) == 7
    assert other_values(whole, other, is_exact=False) == 6


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("delete from metrics where key = 'dev/loss' and step = 2", 2),
        ("update metrics set value = value + 1e-9 where key = 'dev/loss' and step = 1", 4),
        ("insert into metrics select key, value, timestamp + 1, run_uuid, step, is_nan from "
         "metrics where key = 'lr' and step = 1", 2),
        ("update runs set status = 'RUNNING'", 3),
    ],
    ids=["missing", "changed", "twice", "open"],
)  # fmt: skip
def test_what_mlflow_has_otherwise_is_counted(broken: Results, query: str, faults: int) -> None:
    change(broken, query)
    assert tracking_faults(broken) == faults


def test_a_file_that_a_kill_left_is_found(broken: Results) -> None:
    (broken.path / "weights" / ".one.tmp").touch()
    assert leftovers(broken.path) == ["weights/.one.tmp"]


def test_the_page_has_a_row_of_each_and_what_went_wrong() -> None:
    text = page([Found("kills", faults=3, rounds=2, survived=1, notes=["lost"])], 60.0, 7)
    assert "| kills | 3 | 2 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |" in text
    assert "- kills: lost" in text
    assert "seed 7, in 1 min" in text


def test_a_part_that_breaks_off_is_told_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks() -> Found:
        raise OSError("Ray did not start\nbecause")

    parts = {"nets ray": breaks, "data": lambda: Found("data", rounds=5, survived=5)}
    monkeypatch.setattr(campaign, "_in_process", lambda *_: parts)
    monkeypatch.setattr(campaign, "_apart", lambda *_: {})
    assert campaign.main(["--out", str(tmp_path / "page.md")]) == 1
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "- nets ray: broke off: OSError: Ray did not start\n" in text
    assert "| data | 0 | 5 | 5 |" in text


@pytest.fixture
def short_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.cluster
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["plain", "final", "ray plain"])
def test_a_sweep_survives_kills_at_random_instants(short_folder: Path, name: str) -> None:
    (story,) = (one for one in STORIES if one.name == name)
    found = kill_at_random(story, short_folder / "campaign", rounds=1, seed=0)
    assert found.notes == []
    assert found.survived == found.rounds == 1

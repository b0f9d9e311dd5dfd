"""The net that a sweep ended with is deleted or damaged: all say so, and `retry` brings it back."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import sweeps
from sweeps.errors import RunFolderError
from sweeps.models.training.weights import load_weights
from sweeps.record.net_files import net_files
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from tests.sweeps.drivers import run_command
from tests.sweeps.sweep_files import space, write_sweep

ROWS = "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep of three trials."""
    folder = tmp_path_factory.mktemp("net")
    path = write_sweep(folder, search="{method: random, trials: 3}", space=space(epochs=4))
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none").path


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "runs" / "blobs"))


def weights_of(run: Path) -> Path:
    folder = RunFolder(run)
    files = net_files(folder, read_record(folder))
    assert files is not None
    return files.weights


def delete(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "deleted": (delete, "is missing"),
    "cut": (cut, "was damaged"),
    "zeros": (zero, "was damaged"),
    "a bit": (flip_a_bit, "was damaged"),
}
damaged = pytest.mark.parametrize(("damage", "word"), DAMAGES.values(), ids=DAMAGES)


@damaged
def test_show_report_and_resume_warn_of_a_lost_net_and_end_with_3(
    run: Path, damage: Callable[[Path], None], word: str
) -> None:
    path = weights_of(run)
    damage(path)
    for command in (["show"], ["report"], ["resume", "--local", "--no-mlflow"]):
        code, said = run_command(command[0], run, *command[1:])
        assert code == 3, command
        assert f"warning: {path} {word}" in said
        assert re.search(r"all results remain valid\. .*train trial \d again: .* retry ", said)


@damaged
def test_predict_refuses_a_lost_net(run: Path, damage: Callable[[Path], None], word: str) -> None:
    path = weights_of(run)
    damage(path)
    rows = run.parent / "rows.csv"
    rows.write_text(ROWS)
    with pytest.raises(RunFolderError, match=f"{re.escape(str(path))} {word}"):
        sweeps.predict(run, rows)


def test_sync_records_all_but_a_model_that_cannot_be_loaded(run: Path) -> None:
    zero(weights_of(run))
    code, said = run_command("sync", run, MLFLOW_TRACKING_URI=f"sqlite:///{run.parent}/mlflow.db")
    assert (code, "was damaged: its checksum" in said) == (3, True)
    with closing(sqlite3.connect(run.parent / "mlflow.db")) as store, store:
        [models] = store.execute("select count(*) from logged_models").fetchone()
        [runs] = store.execute("select count(*) from runs where status = 'FINISHED'").fetchone()
    assert (models, runs) == (0, 4)


@damaged
def test_retry_trains_the_best_trial_again_and_its_net_is_the_same(
    whole: Path, run: Path, damage: Callable[[Path], None], word: str
) -> None:
    damage(weights_of(run))
    retried = sweeps.retry(run, runner="local", tracking_uri="none")
    assert retried.lost_net == ""
    assert weights_of(run).read_bytes() == weights_of(whole).read_bytes()
    before = sweeps.open_run(whole).epochs().drop(columns="epoch_s")
    assert retried.epochs().drop(columns="epoch_s").equals(before)


def test_a_folder_without_checksums_is_read_and_its_lost_net_is_noticed(run: Path) -> None:
    path = weights_of(run)
    tensors, _ = load_weights(path)
    assert tensors
    record = read_record(RunFolder(run))
    assert record.best is not None
    record.best.weights_sum = record.preprocessing_sum = ""
    files = net_files(RunFolder(run), record)
    assert files is not None
    assert files.problem() == ""
    path.unlink()
    assert files.problem().endswith("is missing")


def test_lost_preprocessing_is_a_lost_net(run: Path) -> None:
    (run / "preprocessing.json").write_text("[]")
    assert "preprocessing.json was damaged" in sweeps.open_run(run).lost_net
    assert sweeps.retry(run, runner="local", tracking_uri="none").lost_net == ""


def test_a_lost_net_of_a_final_names_the_way_to_another(tmp_path: Path) -> None:
    path = write_sweep(
        tmp_path,
        search="{method: random, trials: 2}",
        space=space(epochs=3),
        final="{top_k: 1, seeds: 2}",
    )
    run = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none").path
    flip_a_bit(weights_of(run))
    code, said = run_command("show", run)
    assert (code, "final --again" in said or "--again" in said) == (3, True)

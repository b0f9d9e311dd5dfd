"""What a Follower makes of a run folder in any tracker: MLflow, and one of JSON lines."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mlflow import MlflowClient

import sweeps
from sweeps.errors import TrackingError
from sweeps.findings.results import Results, epoch_rows
from sweeps.record.run_folder import RunFolder
from sweeps.tracking.follower import Closing, Follower
from sweeps.tracking.mlflow.tracker import MlflowTracker
from sweeps.tracking.tracker import OpenTracker
from tests.sweeps.sweep_files import space, write_sweep
from tests.sweeps.tracking.lines_tracker import LinesTracker

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)

SWEEP_TRIALS, FINAL_TRIALS, EPOCHS = 3, 4, 4
CLOSING = Closing(lambda folder: {0: "no finding", 1: "variance"}, lambda folder: folder.plan)


@dataclass
class Seen:
    """What a tracker has of one sweep or stage, under the name of its folder.

    Attributes:
        inside: The id of the sweep whose stage it is.
        points: (trial, epoch, dev_loss), in order.
        outcomes: (trial, outcome), in order.
        diagnoses: (trial, words), in order.
    """

    inside: str | None = None
    points: list[tuple[int, int, float]] = field(default_factory=list)
    outcomes: list[tuple[int, str]] = field(default_factory=list)
    diagnoses: list[tuple[int, str]] = field(default_factory=list)


def seen_in_lines(uri: str, sweep: str) -> Seen:
    lines = [json.loads(line) for line in (Path(uri) / f"{sweep}.jsonl").read_text().splitlines()]
    return Seen(
        lines[0]["inside"],
        sorted((one["trial"], one["epoch"], one["dev_loss"]) for one in lines if "epoch" in one),
        sorted((one["trial"], one["outcome"]) for one in lines if "outcome" in one),
        sorted((one["trial"], one["diagnosis"]) for one in lines if "diagnosis" in one),
    )


def seen_in_mlflow(uri: str, sweep: str) -> Seen:
    client = MlflowClient(tracking_uri=uri)
    everything = [one.experiment_id for one in client.search_experiments()]
    runs = client.search_runs(everything, f"tags.`sweeps.sweep` = '{sweep}'")
    trials = {run.data.tags["sweeps.trial"]: run for run in runs if "sweeps.trial" in run.data.tags}
    (own,) = (run for run in runs if "sweeps.trial" not in run.data.tags)
    assert len(runs) == len(trials) + 1
    parent = own.data.tags.get("mlflow.parentRunId")
    tags = [(int(trial), run.data.tags) for trial, run in sorted(trials.items())]
    return Seen(
        client.get_run(parent).data.tags["sweeps.sweep"] if parent else None,
        sorted(
            (int(trial), point.step, point.value)
            for trial, run in trials.items()
            for point in client.get_metric_history(run.info.run_id, "dev/loss")
        ),
        [(trial, own_tags["outcome"]) for trial, own_tags in tags],
        [(trial, own_tags["diagnosis"]) for trial, own_tags in tags if "diagnosis" in own_tags],
    )


class Kind(NamedTuple):
    """A tracker under contract: how it is opened, its URI in a folder, and how it is read back."""

    open: OpenTracker
    uri: Callable[[Path], str]
    seen: Callable[[str, str], Seen]


KINDS = {
    "lines": Kind(LinesTracker, str, seen_in_lines),
    "mlflow": Kind(MlflowTracker, lambda path: f"sqlite:///{path / 'mlflow.db'}", seen_in_mlflow),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A sweep with a final, recorded on disk alone."""
    folder = tmp_path_factory.mktemp("finished")
    path = write_sweep(
        folder,
        search=f"{{method: random, trials: {SWEEP_TRIALS}}}",
        space=space("{kind: linear}", epochs=EPOCHS),
        final="{top_k: 2, seeds: 2, refit: false}",
    )
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def parts(results: Results) -> list[RunFolder]:
    return [results.folder, RunFolder(results.path / "final")]


def id_of(folder: RunFolder) -> str:
    return folder.read_description().id


def expected(folder: RunFolder, inside: str | None) -> Seen:
    """Return what the ledger says."""
    points = sorted(
        (trial, int(row["epoch"]), row["dev_loss"]) for trial, row in epoch_rows(folder)
    )
    trials = sorted({trial for trial, _, _ in points})
    return Seen(inside, points, [(trial, "completed") for trial in trials])


def recorded(kind: Kind, results: Results, folder: Path) -> list[Seen]:
    return [kind.seen(kind.uri(folder), id_of(part)) for part in parts(results)]


def follower_of(kind: Kind, results: Results, folder: Path) -> Follower:
    return Follower(results.folder, kind.uri(folder), kind.open)


def write_all(follower: Follower) -> None:
    follower.read()
    follower.write(is_over=True, everything=True)


def test_a_sweep_and_its_final_are_recorded_as_the_ledgers_have_them(
    kind: Kind, finished: Results, tmp_path: Path
) -> None:
    write_all(follower_of(kind, finished, tmp_path))
    sweep, final = parts(finished)
    assert recorded(kind, finished, tmp_path) == [
        expected(sweep, None), expected(final, id_of(sweep)),
    ]  # fmt: skip
    assert len(expected(sweep, None).points) == SWEEP_TRIALS * EPOCHS
    assert len(expected(final, None).points) == FINAL_TRIALS * EPOCHS


def test_what_is_recorded_by_another_process_too_is_there_once(
    kind: Kind, finished: Results, tmp_path: Path
) -> None:
    write_all(follower_of(kind, finished, tmp_path))
    before = recorded(kind, finished, tmp_path)
    again = follower_of(kind, finished, tmp_path)
    write_all(again)
    assert again.recorded == SWEEP_TRIALS
    assert recorded(kind, finished, tmp_path) == before


def test_what_is_recorded_as_a_sweep_runs_is_what_is_recorded_at_its_end(
    kind: Kind, finished: Results, tmp_path: Path
) -> None:
    lines = finished.folder.ledger.read_bytes().splitlines(keepends=True)
    copy = tmp_path / "copy"
    shutil.copytree(finished.path, copy)
    (copy / "ledger.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]))
    follower = Follower(RunFolder(copy), kind.uri(tmp_path), kind.open)
    follower.read()
    follower.write(is_over=False, everything=True)
    assert follower.recorded < SWEEP_TRIALS
    (copy / "ledger.jsonl").write_bytes(b"".join(lines))
    write_all(follower)
    sweep = parts(finished)[0]
    assert recorded(kind, finished, tmp_path)[0] == expected(sweep, None)


@pytest.mark.parametrize("name", ["record_trials", "record_sweep", "record_model"])
def test_what_a_tracker_could_not_take_is_sent_when_it_answers_again(
    kind: Kind, name: str, finished: Results, tmp_path: Path
) -> None:
    follower = follower_of(kind, finished, tmp_path)
    follower.read()
    setattr(follower.tracker(), name, away)
    with pytest.raises(TrackingError, match="went away"):
        follower.write(is_over=True, everything=True)
    follower.write(is_over=True, everything=True)
    sweep, final = parts(finished)
    assert recorded(kind, finished, tmp_path) == [
        expected(sweep, None), expected(final, id_of(sweep)),
    ]  # fmt: skip


def away(*arguments: Any) -> None:
    raise TrackingError("the tracker went away")


def test_diagnoses_and_the_report_are_put_beside_it(
    kind: Kind, finished: Results, tmp_path: Path
) -> None:
    follower = follower_of(kind, finished, tmp_path)
    write_all(follower)
    follower.log_closing(CLOSING)
    follower.log_closing(CLOSING)
    assert recorded(kind, finished, tmp_path)[0].diagnoses == [
        (0, "no finding"),
        (1, "variance"),
    ]

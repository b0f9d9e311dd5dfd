"""Weights on disk are those of the ranking's best, whatever the order in which trials end."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sweeps
from sweeps.definition.planning import PlannedTrial
from sweeps.findings.results import Results
from sweeps.models.scoring.objective import Objective
from sweeps.models.training.weights import load_weights
from sweeps.record.kept_weights import KeptWeights, weights_name
from sweeps.record.sweep_record import SweepRecord
from sweeps.storage.files import FolderFiles
from tests.sweeps.drivers import counted_sweep, driver, epochs_trained, wait_for
from tests.sweeps.sweep_files import space, write_sweep

HYPERBAND = "{scheduler: hyperband, reduction_factor: 3}"
ASHA = "{scheduler: asha, grace_epochs: 1, reduction_factor: 3}"


def on_disk(folder: Path) -> set[int]:
    return {int(path.stem.partition("-")[0]) for path in folder.glob("*.safetensors")}


def best(results: Results, number: int) -> set[int]:
    return {trial.trial.index for trial in results.record.ranked()[:number]}


@given(
    losses=st.lists(st.floats(0, 1, width=16), min_size=1, max_size=12),
    limit=st.integers(1, 5),
    break_after=st.integers(0, 12),
    data=st.data(),
)
def test_what_is_left_is_the_best_of_all_that_ended(
    losses: list[float], limit: int, break_after: int, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(losses))))
    plan = [PlannedTrial(index, f"{index:012x}", index, {}) for index in range(len(losses))]
    record = SweepRecord(plan, Objective("dev_loss", "min"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = KeptWeights(FolderFiles(folder), record, limit)
        for done, index in enumerate(order):
            row = {"epoch": 1, "dev_loss": losses[index]}
            (folder / weights_name(index, 1)).touch()
            record.apply({"event": "report", "t": 0, "trial": index, "epochs": [row]})
            outcome = {"outcome": "completed", "reason": ""}
            record.apply({"event": "outcome", "t": 0, "trial": index, **outcome})
            if done == break_after:  # a kill between the outcome and the deletion, then a resume
                kept = KeptWeights(FolderFiles(folder), record, limit)
            else:
                kept.ended(record.trials[index])
        by_loss = sorted(range(len(losses)), key=lambda index: (losses[index], index))
        assert on_disk(folder) == set(by_loss[:limit])


def test_weights_without_their_report_are_deleted_and_those_of_the_best_epoch_stay(
    tmp_path: Path,
) -> None:
    record = SweepRecord([PlannedTrial(0, "0" * 12, 0, {})], Objective("dev_loss", "min"))
    rows = [{"epoch": 1, "dev_loss": 0.5}, {"epoch": 2, "dev_loss": 0.9}]
    record.apply({"event": "report", "t": 0, "trial": 0, "epochs": rows})
    for trial, epoch in ((0, 1), (0, 7), (1, 1)):
        (tmp_path / weights_name(trial, epoch)).touch()
    KeptWeights(FolderFiles(tmp_path), record, None)
    assert [path.name for path in tmp_path.iterdir()] == ["000000-0001.safetensors"]


class EndsMeanwhile(FolderFiles):
    """Files that are listed while trial 0 ends, as the best of all."""

    def names(self) -> list[str]:
        found = super().names()
        row = {"epoch": 1, "dev_loss": 0.1}
        RECORD[0].apply({"event": "report", "t": 0, "trial": 0, "epochs": [row]})
        RECORD[0].apply(
            {"event": "outcome", "t": 0, "trial": 0, "outcome": "completed", "reason": ""}
        )
        return found


RECORD: list[SweepRecord] = []


def test_a_trial_that_ends_while_others_are_tidied_keeps_its_weights(tmp_path: Path) -> None:
    plan = [PlannedTrial(index, f"{index:012x}", index, {}) for index in range(2)]
    record = SweepRecord(plan, Objective("dev_loss", "min"))
    row = {"epoch": 1, "dev_loss": 0.5}
    record.apply({"event": "report", "t": 0, "trial": 1, "epochs": [row]})
    record.apply({"event": "outcome", "t": 0, "trial": 1, "outcome": "completed", "reason": ""})
    RECORD[:] = [record]
    kept = KeptWeights(FolderFiles(tmp_path), record, 1, is_eager=False)
    (tmp_path / weights_name(0, 1)).touch()
    kept.files = EndsMeanwhile(tmp_path)
    assert kept.garbage(is_running=True) == []


@pytest.mark.ray
def test_what_came_too_late_for_the_budget_is_not_in_the_weights(tmp_path: Path) -> None:
    # So slow a descent that each epoch is the best so far, and the stop comes between two reports.
    path = write_sweep(
        tmp_path,
        search="{method: random, trials: 2}",
        space=space(optimizer="{kind: adam, lr: {float: [1.0e-5, 1.0e-4]}}", epochs=100_000),
        budget="{target: 100.0}",
        stopping="{scheduler: median, grace_epochs: 99999}",
    )
    results = sweeps.run(path, runs=tmp_path, tracking_uri="none")
    assert results.record.unfinished
    assert results.record.best is not None
    [*others, last] = (load_weights(one)[1] for one in results.folder.weights.iterdir())
    found = {about["trial"]: about["metrics"] for about in (*others, last)}
    ranked = results.record.ranked()
    assert found == {one.trial.index: _without_seconds(one.best) for one in ranked}


def _without_seconds(best: Any) -> dict[str, Any]:
    """What the weights hold of an epoch: how long it took is not of the net."""
    return {name: value for name, value in best.items() if name != "epoch_s"}


@pytest.mark.parametrize(
    ("runner", "stopping"),
    [
        *[("local", stopping) for stopping in ("{scheduler: none}", ASHA, HYPERBAND)],
        pytest.param("ray", HYPERBAND, marks=pytest.mark.ray),  # its trials pause, too
    ],
)
def test_a_sweep_keeps_the_weights_of_its_best(tmp_path: Path, runner: str, stopping: str) -> None:
    path = write_sweep(tmp_path, stopping=stopping, checkpoints="{keep_weights: 2}")
    results = sweeps.run(path, runs=tmp_path, runner=runner, tracking_uri="none")  # type: ignore[arg-type]
    assert len(results.record.ranked()) == 6
    assert on_disk(results.folder.weights) == best(results, 2)
    assert list(results.folder.checkpoints.iterdir()) == []


def test_more_trials_keep_the_best_of_all(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, checkpoints="{keep_weights: 2}")
    first = sweeps.run(path, runs=tmp_path, runner="local", tracking_uri="none")
    more = sweeps.extend(first.folder.path, 12, runner="local", tracking_uri="none")
    assert on_disk(more.folder.weights) == best(more, 2)


def test_stages_keep_all_of_theirs(tmp_path: Path) -> None:
    final = "{top_k: 2, seeds: 2, refit: false}"
    path = write_sweep(tmp_path, checkpoints="{keep_weights: 1}", final=final)
    results = sweeps.run(path, runs=tmp_path, runner="local", tracking_uri="none")
    assert on_disk(results.folder.weights) == best(results, 1)
    assert on_disk(results.folder.path / "final" / "weights") == {0, 1, 2, 3}


def test_a_failed_trial_keeps_its_weights_until_it_was_tried_again(tmp_path: Path) -> None:
    body = (
        "        if self.number == 1:\n"
        "            if not (HERE / 'mended').exists() and self.calls > 8:\n"
        "                raise RuntimeError('broken')\n"
        "            if self.calls <= 8: out = out * 0\n"
    )
    path = counted_sweep(
        tmp_path, "retried", body, trials=3, epoch_s=0.0,
        checkpoints="{keep_weights: 1}", trial="{retries: 0}",
    )  # fmt: skip
    first = sweeps.run(path, runs=tmp_path, runner="local", tracking_uri="none")
    assert str(first.record.trials[1].outcome) == "failed"
    assert on_disk(first.folder.weights) == best(first, 1) | {1}
    (tmp_path / "mended").touch()
    after = sweeps.retry(first.folder.path, runner="local", tracking_uri="none")
    assert [str(trial.outcome) for trial in after.record.trials] == ["completed"] * 3
    assert on_disk(after.folder.weights) == best(after, 1)


def test_a_killed_sweep_with_few_checkpoints_repeats_no_more_than_it_says(tmp_path: Path) -> None:
    trials, epochs, every = 3, 12, 5
    sparse = {"checkpoints": f"{{every: {every}, keep_weights: 1}}"}
    size = {"trials": trials, "epochs": epochs}
    path = counted_sweep(tmp_path, "kept_sparsely", waits_at=epochs + 9, **size, **sparse)
    with driver("run", path, "--runs", tmp_path / "runs", "--local") as one:
        wait_for(lambda: len(epochs_trained(tmp_path)) >= epochs + 9)
        one.process.kill()
        one.process.wait()
    (tmp_path / "go").touch()
    run = tmp_path / "runs" / "blobs"
    before = len(epochs_trained(tmp_path))
    resumed = sweeps.resume(run, runner="local", tracking_uri="none")
    repeated = len(epochs_trained(tmp_path)) - trials * epochs
    assert before < trials * epochs
    # The last checkpoint was made after epoch 5, the kill came within epoch 9.
    assert 0 < repeated <= every + 1
    other = tmp_path / "unbroken"
    other.mkdir()
    path = counted_sweep(other, "kept_unbroken", **size)
    whole = sweeps.run(path, runs=other, runner="local", tracking_uri="none")
    curves = [one.epochs().drop(columns="epoch_s").to_dict("records") for one in (resumed, whole)]
    assert curves[0] == curves[1]
    assert on_disk(resumed.folder.weights) == best(whole, 1)

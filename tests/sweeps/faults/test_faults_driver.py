"""A driver that is killed at any moment costs at most one report of each running trial."""

from __future__ import annotations

import random
import signal
from collections import Counter
from pathlib import Path

import pytest

import sweeps
from sweeps.findings.results import Results
from tests.sweeps.drivers import counted_sweep, driver, epochs_trained, events, wait_for

TRIALS, EPOCHS = 6, 9


def curves(results: Results) -> list[dict[str, float]]:
    frame = results.epochs().drop(columns="epoch_s").sort_values(["trial", "epoch"])
    return frame.to_dict("records")


def endings(results: Results) -> list[str]:
    return [str(trial.outcome) for trial in results.record.trials]


def unbroken(folder: Path, module: str, **sections: str) -> Results:
    folder.mkdir()
    path = counted_sweep(folder, module, **sections)
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def killed_run(folder: Path, path: Path, after_epochs: int, *options: str) -> Path:
    """Start a sweep, and kill its driver once so many epochs were trained."""
    before = len(epochs_trained(folder))
    with driver("run", path, "--runs", folder / "runs", *options) as one:
        wait_for(lambda: len(epochs_trained(folder)) - before >= after_epochs)
        one.signal(signal.SIGKILL)
        one.process.wait()
        wait_for(lambda: not one.left_running())
    (folder / "go").touch()
    return folder / "runs" / "blobs"


def finished(run: Path) -> set[int]:
    return {event["trial"] for event in events(run, "outcome")}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_local_driver_killed_at_a_random_moment_loses_nothing(tmp_path: Path, seed: int) -> None:
    moment = random.Random(seed).randint(1, TRIALS * EPOCHS - 2)
    path = counted_sweep(tmp_path, f"killed_{seed}", waits_at=moment)
    run = killed_run(tmp_path, path, moment, "--local")
    done = finished(run)
    trained = Counter(epochs_trained(tmp_path))
    resumed = sweeps.resume(run, runner="local", tracking_uri="none")
    after = Counter(epochs_trained(tmp_path))
    whole = unbroken(tmp_path / "unbroken", f"unbroken_{seed}")
    assert {number: after[number] - trained[number] for number in done} == dict.fromkeys(done, 0)
    assert after.total() <= TRIALS * EPOCHS + 1
    assert curves(resumed) == curves(whole)
    assert endings(resumed) == endings(whole) == ["completed"] * TRIALS


@pytest.mark.ray
@pytest.mark.parametrize("seed", [3])
def test_a_driver_of_ray_killed_at_a_random_moment_loses_nothing(tmp_path: Path, seed: int) -> None:
    moment, two = random.Random(seed).randint(1, TRIALS * EPOCHS - 8), "{cpu: 1, workers: 2}"
    path = counted_sweep(tmp_path, f"ray_killed_{seed}", waits_at=moment, resources=two)
    run = killed_run(tmp_path, path, moment)
    done, trained = finished(run), Counter(epochs_trained(tmp_path))
    resumed = sweeps.resume(run, tracking_uri="none")
    after = Counter(epochs_trained(tmp_path))
    whole = unbroken(tmp_path / "unbroken", f"ray_unbroken_{seed}")
    assert {number: after[number] - trained[number] for number in done} == dict.fromkeys(done, 0)
    assert after.total() <= TRIALS * EPOCHS + 2
    assert curves(resumed) == curves(whole)
    assert endings(resumed) == endings(whole)

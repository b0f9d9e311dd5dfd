"""The simulated clock does what sweeps of the product do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sweeps.schedulers.none import NoScheduler
from tests.evidence.asha import curves_of
from tests.evidence.clock import play
from tests.evidence.trained import Wanted, train

NONE = "{scheduler: none}"
ASHA = "{scheduler: asha, grace_epochs: 1, reduction_factor: 3}"


@pytest.mark.parametrize("scheduler", [NONE, ASHA], ids=str)
def test_under_the_simulated_clock_one_worker_does_what_a_local_sweep_does(
    scheduler: str, tmp_path: Path
) -> None:
    trials = "search={method: random, trials: 12}"
    changes = ("data.source=iris", trials, "space.training.epochs=9")
    whole = curves_of(train(Wanted("asha", "whole", changes), tmp_path))
    swept = train(Wanted("asha", "swept", (*changes, f"stopping={scheduler}")), tmp_path)
    played = play(swept.folder.read_sweep().stopping, whole, 1, objective=-1)
    lengths = np.bincount(played.trials.astype(int)).tolist()
    assert lengths == [trial.epochs for trial in swept.record.trials]
    assert np.all(np.diff(played.times) > 0)


def test_no_scheduler_on_eight_workers_takes_an_eighth_of_the_time() -> None:
    curves = np.arange(48.0, 0, -1).reshape(16, 3)
    section = NoScheduler(scheduler="none")
    assert play(section, curves, 1, objective=-1).reached(1) == pytest.approx(16)
    assert play(section, curves, 8, objective=-1).reached(1) == pytest.approx(2)

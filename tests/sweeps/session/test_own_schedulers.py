"""Every scheduler decides on own loops and programs alike, in both runners, or is refused.

A scheduler that is added needs a row in `PRUNES`, or in `COPIES`: see test_own_population.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from sweeps.findings.results import Results
from sweeps.schedulers.stopping import Stopping
from tests.sweeps.drivers import events, run_command
from tests.sweeps.programs import program_sweep
from tests.sweeps.session.test_own_training import curves, outcomes, own_sweep, run

PRUNES = {
    "asha": "{scheduler: asha, grace_epochs: 1, reduction_factor: 2}",
    "hyperband": "{scheduler: hyperband, reduction_factor: 3}",
    "median": "{scheduler: median, min_samples: 1}",
    "bandit": "{scheduler: bandit, slack: 0.01}",
}
COPIES = {"pbt": "{scheduler: pbt, interval_epochs: 2}"}
EPOCHS = 4
# Programs wait for the end that a scheduler has for them: their lines alone do not end them.
_WAITS = "for epoch in range(1, EPOCHS + 1):\n    report(epoch)\nsignal.pause()\n"


def generator(folder: Path, **sections: str) -> Path:
    return own_sweep(folder, "two_nets", EPOCHS, **sections)


def training_class(folder: Path, **sections: str) -> Path:
    return own_sweep(folder, "Bandit", EPOCHS, **sections)


def program(folder: Path, **sections: str) -> Path:
    return program_sweep(folder, _WAITS, f"epochs: {EPOCHS}, grace_s: 0.1", **sections)


Sweep = Callable[..., Path]
each_form = pytest.mark.parametrize("form", [generator, training_class, program])


def decisions(results: Results) -> list[dict[str, Any]]:
    """What the scheduler did, and what it saw.

    Paused trials go on in either order, and HyperBand pauses all but the last that comes to a rung,
    which it may stop at once: the others it stops then, without a decision of theirs.
    """
    kept = ["trial", "epoch", "action", "seen"]
    found = [{key: one[key] for key in kept} for one in events(results.path, "decision")]
    for one in found:
        if "band" in one["seen"]:
            del one["action"]
    return sorted(found, key=lambda one: (one["trial"], one["epoch"]))


def test_each_scheduler_has_a_row_here() -> None:
    sections = get_args(get_args(Stopping)[0])
    names = {get_args(one.model_fields["scheduler"].annotation)[0] for one in sections}
    assert names == {"none", *PRUNES, *COPIES}


@each_form
@pytest.mark.parametrize("name", PRUNES)
def test_what_it_prunes_is_a_part_of_the_whole(tmp_path: Path, form: Sweep, name: str) -> None:
    whole = curves(run(form(tmp_path / "whole")))
    pruned = run(form(tmp_path / "pruned", stopping=PRUNES[name]))
    assert outcomes(pruned).count("pruned") > 0
    assert {"pruned", "completed"} == set(outcomes(pruned))
    assert [row for row in whole if row in curves(pruned)] == curves(pruned)


@pytest.mark.ray
@pytest.mark.parametrize("form", [generator, program])
@pytest.mark.parametrize("name", PRUNES)
def test_both_runners_decide_alike(tmp_path: Path, form: Sweep, name: str) -> None:
    # One worker: with more, whom a scheduler sees first hangs on who is faster.
    path = form(tmp_path, stopping=PRUNES[name], resources="{workers: 1}")
    local, ray = run(path, "local"), run(path, "ray")
    assert curves(local) == curves(ray)
    assert outcomes(local) == outcomes(ray)
    assert decisions(local) == decisions(ray)


def test_a_population_of_programs_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = program(tmp_path, stopping=COPIES["pbt"])
    code, said = run_command("run", path, "--runs", tmp_path / "runs", "--local")
    assert code == 2
    assert "stopping.scheduler: a program runs on while a population waits" in said
    assert "use `scheduler: asha`, or make its loop your own training" in said
    assert not (tmp_path / "runs").exists()

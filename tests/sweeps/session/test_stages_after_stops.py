"""What follows a search, or a stage, that was stopped: refused, withheld or gone on with."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from rich.console import Console

import sweeps
from sweeps.errors import RequestError
from sweeps.findings.results import Results
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.terminal.tables import print_answer
from tests.sweeps.drivers import counted_sweep, epochs_trained, events
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)

FINAL = "{top_k: 1, seeds: 2}"
ON_DISK: dict[str, Any] = {"runner": "local", "tracking_uri": "none"}
FIRST_FAILS = "        if self.number < 2: raise RuntimeError('broken on purpose')\n"


def run(path: Path) -> Results:
    return sweeps.run(path, runs=path.parent / "runs", **ON_DISK)


def answer(results: Results) -> str:
    screen = StringIO()
    print_answer(results, Console(width=160, file=screen))
    return screen.getvalue()


def stopped_by_failures(folder: Path, module: str, trials: int = 4) -> Results:
    """Return a search of which the first two of `trials` fail, and one failure is allowed."""
    target = own_net(folder, module, FIRST_FAILS)
    order = (2, 0, 1, 3)
    models = ", ".join(f"{{model: {custom_model(target, number)}}}" for number in order[:trials])
    path = write_sweep(
        folder,
        search=f"{{method: manual, configurations: [{models}]}}",
        space=space(custom_model(target), "{kind: adam, lr: 0.05}"),
        trial="{retries: 0}",
        budget="{max_failures: 1}",
        final=FINAL,
    )
    return run(path)


def as_a_kill_leaves_it_when_made(stage: Path) -> None:
    """Delete all of a stage but what makes it."""
    as_made = {"plan.jsonl", "sweep.json"}
    for file in [one for one in stage.rglob("*") if one.is_file() and one.name not in as_made]:
        file.unlink()


def forget_the_final(run: Path) -> None:
    """Leave the ledger as a kill does before a winner is frozen."""
    before, _, _ = (run / "ledger.jsonl").read_text().partition('{"event":"final"')
    (run / "ledger.jsonl").write_text(before)


def forget_the_end(run_folder: Path) -> None:
    """Leave a ledger as a kill does before the last trial has ended."""
    ledger = run_folder / "ledger.jsonl"
    lines = ledger.read_text().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if '"event":"outcome"' in line)
    ledger.write_text("".join(lines[:last]))


def net_that_fails_once_seen(folder: Path, module: str) -> tuple[str, Path]:
    """Return the target of a net that fails while a file exists, and that file."""
    body = "        if self.training and SEEN.exists(): raise RuntimeError('not again')"
    target, file = own_net(folder, module, body), folder / f"{module}.py"
    seen = folder / f"{module}.seen"
    file.write_text(file.read_text().replace("HERE =", f"SEEN = Path({str(seen)!r})\nHERE ="))
    return target, seen


def test_too_many_failures_withhold_the_final_until_more_are_allowed(tmp_path: Path) -> None:
    results = stopped_by_failures(tmp_path, "net_of_failures")
    assert len(results.record.unfinished) == 1
    assert results.record.best is not None
    assert not (results.path / "final").exists()
    assert str(results.record.stopped) == "2 trials failed; budget.max_failures = 1"
    text = answer(results)
    assert "retry" in text
    assert "resume" in text
    assert "--set budget.max_failures=null" in text
    again = sweeps.resume(results.path, **ON_DISK)
    assert (again.record.stopped, again.final) == (results.record.stopped, None)
    assert len(again.record.unfinished) == 1
    with pytest.raises(RequestError, match=r"2 trials failed; budget.max_failures = 1.*retry"):
        sweeps.final(results.path, **ON_DISK)
    allowed = sweeps.resume(results.path, overrides=["budget.max_failures=null"], **ON_DISK)
    assert allowed.final is not None
    assert len(allowed.openings) == 1


def test_the_last_trials_failure_withholds_the_final_too(tmp_path: Path) -> None:
    results = stopped_by_failures(tmp_path, "net_of_last_failure", trials=3)
    assert not results.record.unfinished
    assert not results.is_finished
    assert results.final is None
    again = sweeps.resume(results.path, **ON_DISK)
    assert (again.record.stopped, again.final) == (results.record.stopped, None)


def test_a_used_up_budget_has_a_final_of_the_trials_that_there_are(tmp_path: Path) -> None:
    results = run(write_sweep(tmp_path, final=FINAL, budget="{trials: 2}"))
    assert results.record.outcomes.total() == 2
    assert results.final is not None
    assert "budget.trials = 2 trials have ended" in answer(results)
    assert "The final chose among the trials that had ended by then" in answer(results)


def test_an_interrupted_final_is_to_be_resumed(tmp_path: Path) -> None:
    results = run(write_sweep(tmp_path, final=FINAL))
    forget_the_final(results.path)
    for lost in (results.path / "openings.jsonl", results.path / "final" / "final.json"):
        lost.unlink()
        with pytest.raises(RequestError, match=r"an unfinished final; resume it: .*sweeps resume"):
            sweeps.final(results.path, **ON_DISK)
    as_a_kill_leaves_it_when_made(results.path / "final")
    with pytest.raises(RequestError, match=r"an unfinished final; resume it"):
        sweeps.final(results.path, **ON_DISK)
    assert sweeps.resume(results.path, **ON_DISK).final is not None


def test_a_final_that_was_killed_while_its_folder_was_made_can_be_asked_for(tmp_path: Path) -> None:
    results = run(write_sweep(tmp_path))
    (results.path / "final" / "weights").mkdir(parents=True)
    assert sweeps.final(results.path, overrides=["final.seeds=1"], **ON_DISK).final is not None
    with pytest.raises(
        RequestError, match=r"already has a final result, and its test set has been used"
    ):
        sweeps.final(results.path, **ON_DISK)


def test_a_search_that_was_killed_has_no_final_before_it_is_resumed(tmp_path: Path) -> None:
    results = run(write_sweep(tmp_path))
    forget_the_end(results.path)
    with pytest.raises(RequestError, match=r"5 of 6 trials have ended.*sweeps resume"):
        sweeps.final(results.path, **ON_DISK)
    assert not (results.path / "final").exists()
    sweeps.resume(results.path, **ON_DISK)
    assert sweeps.final(results.path, overrides=["final.seeds=1"], **ON_DISK).final is not None


def test_a_search_that_its_budget_ended_has_a_final(tmp_path: Path) -> None:
    results = run(write_sweep(tmp_path, budget="{trials: 2}"))
    first = sweeps.final(results.path, overrides=["final.seeds=1"], **ON_DISK)
    assert first.record.stopped == results.record.stopped
    again = sweeps.final(results.path, again=True, overrides=["final.seeds=1"], **ON_DISK)
    assert again.record.outcomes.total() == 2
    assert len(again.openings) == 2


def test_a_used_up_budget_of_trials_stays_used_up(tmp_path: Path) -> None:
    path = counted_sweep(tmp_path, "net_of_budget", epochs=2, budget="{trials: 2}")
    results = run(path)
    before = epochs_trained(tmp_path)
    resumed = sweeps.resume(results.path, **ON_DISK)
    assert str(resumed.record.stopped) == "budget.trials = 2 trials have ended"
    assert epochs_trained(tmp_path) == before


def test_changed_limits_reach_the_stages_that_have_begun(tmp_path: Path) -> None:
    net, seen = net_that_fails_once_seen(tmp_path, "net_of_limits")
    path = write_sweep(
        tmp_path,
        search="{method: random, trials: 1}",
        space=space(custom_model(net), "{kind: sgd}"),
        final=FINAL,
    )
    results = run(path)
    final = RunFolder(results.path / "final")
    forget_the_final(results.path)
    as_a_kill_leaves_it_when_made(final.path)
    (results.path / "openings.jsonl").unlink()
    seen.touch()
    changed = ["trial.retries=0", "resources.cpu=2"]
    sweeps.resume(results.path, overrides=changed, **ON_DISK)
    assert [len(trial.failures) for trial in read_record(final).trials] == [1, 1]
    assert final.read_sweep().resources.cpu == 2
    assert final.read_sweep().final is None
    assert len(events(final.path, "failure")) == 2


def test_repeats_that_all_failed_are_said_and_can_be_retried(tmp_path: Path) -> None:
    net, seen = net_that_fails_once_seen(tmp_path, "net_of_repeats")
    path = write_sweep(
        tmp_path,
        search="{method: random, trials: 1}",
        space=space(custom_model(net), "{kind: sgd}"),
        trial="{retries: 0}",
    )
    results = run(path)
    seen.touch()
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    after = sweeps.final(
        results.path, overrides=["final.seeds=2"], runner="local", tracking_uri="none"
    )
    why = "no repeat had a finite objective (2 failed; the first: failed once; last error: "
    assert f"no model was logged and the test set is unused: {why}" in answer(after)
    assert "sweeps retry" in answer(after)
    with pytest.raises(RequestError, match=r"without a winner: no repeat .*sweeps retry"):
        sweeps.final(results.path, **ON_DISK)
    sweeps.sync(results.path, tracking_uri=uri)
    [parent] = MlflowClient(uri).search_runs(["1"], "tags.mlflow.runName = 'blobs'")
    assert why in parent.data.tags["mlflow.note.content"]
    seen.unlink()
    retried = sweeps.retry(results.path, **ON_DISK)
    assert retried.final is not None
    assert len(retried.final.winner.values) == 2
    assert len(events(results.path / "final", "reopened")) == 2
    with pytest.raises(RequestError, match="no failed trials to retry"):
        sweeps.retry(results.path, **ON_DISK)

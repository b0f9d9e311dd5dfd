"""A trial that kills, hangs or breaks its worker costs itself alone."""

from __future__ import annotations

import signal
import time
from collections import Counter
from pathlib import Path

import pytest

import sweeps
from sweeps.findings.results import Results
from tests.sweeps.drivers import (
    counted_sweep,
    driver,
    epochs_trained,
    events,
    is_alive,
    wait_for,
)
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

KILLED_ONCE = """        if self.training and self.number == 1 and self.calls > 7:
            if not (HERE / 'killed').exists():
                (HERE / 'killed').touch()
                os.kill(os.getpid(), signal.SIGKILL)
"""
ALWAYS_KILLED = """
        if self.training and self.number == 1: os.kill(os.getpid(), signal.SIGKILL)
"""
# Limits of trials are long beside what a trial takes, so that the innocent are within theirs on a
# busy machine, too; what hangs, hangs until it is killed.
HANGS = """        if self.training and self.number == 1: time.sleep(3600)
        if self.training and self.number == 2:
            import re; re.match('(a+)+$', 'a' * 60 + 'b')
"""
FREEZES = """        if self.training and self.number == 1 and self.calls > 3:
            (HERE / 'frozen').write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)
"""
KILL_THEN_RAISE = """        if self.training and self.number == 1:
            if not (HERE / 'killed').exists():
                (HERE / 'killed').touch()
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError('broken')
"""


def run(path: Path, runner: str = "ray") -> Results:
    runs = path.parent / "runs"
    return sweeps.run(path, runs=runs, runner=runner, tracking_uri="none")  # type: ignore[arg-type]


def endings(results: Results) -> list[str]:
    return [str(trial.outcome) for trial in results.record.trials]


@pytest.mark.ray
def test_a_killed_worker_costs_the_work_since_the_last_report(tmp_path: Path) -> None:
    results = run(counted_sweep(tmp_path, "killed_once", KILLED_ONCE, trials=3))
    assert endings(results) == ["completed"] * 3
    assert max(Counter(epochs_trained(tmp_path)).values()) <= 9 + 1
    assert [event["trial"] for event in events(results.path, "failure")] == [1]
    assert results.epochs().groupby("trial")["epoch"].apply(list).tolist() == [[*range(1, 10)]] * 3


@pytest.mark.ray
def test_a_worker_that_always_dies_fails_its_trial_after_the_retries(tmp_path: Path) -> None:
    path = counted_sweep(tmp_path, "killed_always", ALWAYS_KILLED, trials=3, trial="{retries: 1}")
    results = run(path)
    assert endings(results) == ["completed", "failed", "completed"]
    assert Counter(epochs_trained(tmp_path))[1] == 2
    assert "failed 2 times; last error: WorkerDied: The actor" in results.record.trials[1].reason


@pytest.mark.ray
def test_errors_and_kills_share_one_number_of_retries(tmp_path: Path) -> None:
    path = counted_sweep(tmp_path, "kill_raise", KILL_THEN_RAISE, trials=2, trial="{retries: 2}")
    results = run(path)
    assert endings(results) == ["completed", "failed"]
    assert Counter(epochs_trained(tmp_path))[1] == 3
    assert results.record.trials[1].reason == (
        "failed 3 times, the last two times with the same error, so it was not tried again; "
        "last error: RuntimeError: broken"
    )


@pytest.mark.ray
def test_hung_trials_are_killed_with_their_place_and_their_slots_are_used_again(
    tmp_path: Path,
) -> None:
    path = counted_sweep(tmp_path, "hangs", HANGS, trials=5, epochs=2, trial="{timeout_s: 15}")
    results = run(path)  # which would not end where one were not killed
    assert endings(results) == ["completed", "failed", "failed", "completed", "completed"]
    assert 'hangs.py", line' in results.record.trials[1].reason
    assert "re/" in results.record.trials[2].reason
    assert Counter(epochs_trained(tmp_path)) == {0: 2, 1: 1, 2: 1, 3: 2, 4: 2}


@pytest.mark.ray
def test_a_frozen_worker_is_killed_from_outside_and_its_slot_is_used_again(tmp_path: Path) -> None:
    path = counted_sweep(
        tmp_path, "freezes", FREEZES, trials=5, trial="{timeout_s: 15}", checkpoints="{every: 1}"
    )
    results = run(path)
    assert endings(results) == ["completed", "failed", *["completed"] * 3]
    assert results.record.trials[1].reason.startswith("hung: killed past trial.timeout_s, at an ")
    assert "its process was frozen" in results.record.trials[1].reason
    assert len(results.record.trials[1].failures) == 1
    frozen = int((tmp_path / "frozen").read_text())
    wait_for(lambda: not is_alive(frozen))
    assert [*results.folder.checkpoints.glob("*.late")] == []


@pytest.mark.ray
@pytest.mark.timeout(400)
def test_a_driver_that_was_frozen_itself_kills_no_worker(tmp_path: Path) -> None:
    path = counted_sweep(tmp_path, "waits", trials=2, trial="{timeout_s: 10}", waits_at=2)
    with driver("run", path, "--runs", tmp_path / "runs") as one:
        wait_for(lambda: len(epochs_trained(tmp_path)) == 2)
        one.signal(signal.SIGSTOP)
        (tmp_path / "go").touch()
        time.sleep(17)  # what is asked longer ago than the limit and 5 s is killed
        one.signal(signal.SIGCONT)
        code, said = one.wait()
    assert code == 0, said
    assert len(events(tmp_path / "runs" / "blobs", "failure")) == 0


@pytest.mark.parametrize(
    ("module", "line", "words", "failed_attempts"),
    [
        ("raises", "raise OSError('in forward')", "(OSError: in forward at raises.py:", 2),
        ("late", "if self.calls > 9: raise ValueError('later')", "ValueError: later", 2),
        ("narrow", "out = out[:, :1]", "not to (2, 1)", 0),
        ("exits", "if self.training: raise SystemExit(3)", "SystemExit: 3", 2),
    ],
)
def test_an_error_in_a_net_fails_its_trial_alone(
    tmp_path: Path, module: str, line: str, words: str, failed_attempts: int
) -> None:
    target = own_net(tmp_path, module, f"        if self.number == 1:\n            {line}\n")
    models = f"{{choice: [{custom_model(target, 1)}, {custom_model(target, 0)}]}}"
    path = write_sweep(
        tmp_path,
        search="{method: grid}",
        trial="{retries: 1}",
        space=space(models, "{kind: adam, lr: 0.01}"),
    )
    results = run(path, "local")
    assert endings(results) == ["failed", "completed"]
    assert words in results.record.trials[0].reason
    assert len(results.record.trials[0].failures) == failed_attempts


def test_an_error_in_a_constructor_fails_its_trial_alone(tmp_path: Path) -> None:
    target = own_net(tmp_path, "no_net", "")
    (tmp_path / "no_net.py").write_text(
        (tmp_path / "no_net.py").read_text() + "\ndef build(**options):\n    raise KeyError(7)\n"
    )
    models = f"{{choice: [{custom_model(target, 1)}, {{kind: linear}}]}}"
    text = space(models, "{kind: adam, lr: 0.01}")
    results = run(write_sweep(tmp_path, search="{method: grid}", space=text), "local")
    assert endings(results) == ["failed", "completed"]
    assert "KeyError" in results.record.trials[0].reason
    assert len(results.record.trials[0].failures) == 3

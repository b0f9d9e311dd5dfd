"""A program that does what it should not is told so once, with its reason, and leaves nothing."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from sweeps.models.errors import OwnTrainingError
from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.process.child_program import ChildProgram, ProgramEnd
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.objective import Objective
from sweeps.models.training import program_run
from sweeps.models.training.program_run import ProgramPlace
from sweeps.models.training.training import Training
from tests.sweeps.drivers import wait_for

LOSS = Objective("dev_loss", "min", {"loss": MetricOptions(goal="min")})
HEAD = """import json, os, sys, time
def report(line):
    with open(os.environ["SWEEPS_METRICS"], "a") as file:
        file.write(line if isinstance(line, str) else json.dumps(line) + "\\n")
def row(epoch, loss=0.5):
    report({"epoch": epoch, "loss": loss})
def taken(epoch):
    while not os.path.exists(f"taken{epoch}"):
        time.sleep(0.01)
"""


@contextmanager
def program(folder: Path, code: str, timeout_s: float | None = None, **keys: Any) -> Iterator[Any]:
    """A training of 3 epochs by a script, which is ended with the block."""
    (folder / "train.py").write_text(HEAD + code)
    training = {"kind": "program", "command": "python -S -I train.py", "epochs": 3, **keys}
    place = ProgramPlace(folder / "own", folder, timeout_s=timeout_s)
    config = OwnTrialConfig.model_validate({"training": training})
    made = Training(config, (), LOSS, 7, place)
    try:
        yield made
    finally:
        made.close()


def curve(training: Training, folder: Path | None = None) -> list[dict[str, float]]:
    """Train to the end; the program is told of each epoch that was taken up, in a folder."""
    while training.outcome is None:
        training.train_epoch()
        if folder is not None:
            (folder / f"taken{training.epoch}").touch()
    return [{k: v for k, v in row.items() if k != "epoch_s"} for row in training.history]


FAULTS = {
    "exit code": (
        "row(1); sys.exit('no room')",
        "ended with exit code 1 after 1 of 3 epochs: no",
    ),
    "killed": ("row(1); os.kill(os.getpid(), 9)", "ended with SIGKILL, which it was sent, after 1"),
    "fails at its end": ("row(1); row(2); row(3); sys.exit(4)", "exit code 4 after 3 of 3 epochs"),
    "ends early": ("row(1); print('bored')", "ended after 1 of 3 epochs (bored)"),
    "half a line": (
        'report(\'{"epoch": 1, "lo\')',
        "ended in the middle of a line of metrics: '{\"epo",
    ),
    "no JSON": ("report('loss 3\\n')", "must be one JSON object a line, got 'loss 3'"),
    "no object": ("report([1])", "must be one JSON object a line, got '[1]'"),
    "no epoch": ("report({'loss': 1})", "must have an `epoch`, a whole number from 1; has none"),
    "epoch 0": ("row(0)", "must have an `epoch`, a whole number from 1; got 0"),
    "an epoch twice": ("row(1); row(1)", "must report each epoch once; epoch 1 came twice"),
    "an epoch left out": ("row(1); row(3)", "must report every epoch; 3 came after 1"),
    "a late begin": ("row(2)", "must report every epoch from 1; it began with 2"),
    "an extra metric": (
        "report({'epoch': 1, 'loss': 1, 'acc': 2})",
        "epoch 1 reports 'acc',",
    ),
    "no metric": ("report({'epoch': 1})", "every line must report the objective, dev_loss"),
    "a list in lists": (
        "report('[' * 200_000 + '\\n')",
        "must be one JSON object a line, got '[[[",
    ),
    "no UTF-8": (
        """open(os.environ["SWEEPS_METRICS"], "ab").write(b'{"\\xff": 1}\\n')""",
        "must be one JSON object a line, got '{\"\ufffd\": 1}'",
    ),
    "a number too large": ("row(1, 10**400)", "'loss' must be a number that a float can hold"),
    "one metric by two names": (
        "report({'epoch': 1, 'loss': 1, 'dev_loss': 2})",
        "epoch 1 reports loss as 'loss' and as 'dev_loss'. Report it once",
    ),
    "a metric of the test": (
        "report({'epoch': 1, 'loss': 1, 'test_loss': 2})",
        "epoch 1 reports 'test_loss', which `metrics` of the sweep file does not have: loss. The "
        "test rows are evaluated once, in `final`",
    ),
    "lines written over": (
        """for e in (1, 2, 3):
    with open(os.environ["SWEEPS_METRICS"], "w") as file:
        file.write(json.dumps({"epoch": e, "loss": 0.5}) + "\\n")
    if e == 1: taken(e)""",
        "overwrote the metrics that it had reported. Append to the file: open(..., 'a')",
    ),
    "a file that is gone": (
        "row(1); taken(1); os.remove(os.environ['SWEEPS_METRICS']); time.sleep(60)",
        "the file that it reports to must not be changed or deleted: FileNotFoundError",
    ),
    "a folder that is gone": (
        "import shutil; row(1); taken(1); shutil.rmtree('own'); time.sleep(60)",
        "the file that it reports to must not be changed or deleted: FileNotFoundError",
    ),
    "a signal without a name": ("row(1); os.kill(os.getpid(), 40)", "signal 40, which it was sent"),
    "a text": ("row(1, 'low')", "the metric 'loss' must be a number, not a str"),
}


@pytest.mark.parametrize(("code", "said"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_said(tmp_path: Path, code: str, said: str) -> None:
    at_once = {"grace_s": 0.1}
    with program(tmp_path, code, **at_once) as training, pytest.raises(OwnTrainingError) as caught:
        curve(training, tmp_path)
    assert said in str(caught.value)
    assert str(caught.value).startswith("training.command: ")


def test_a_program_that_fails_is_shown_with_the_end_of_what_it_printed(tmp_path: Path) -> None:
    code = "print('x' * 5_000_000)\nfor n in range(30): print('line', n)\n1 / 0"
    with program(tmp_path, code) as training, pytest.raises(OwnTrainingError) as caught:
        training.train_epoch()
    first, *tail = str(caught.value).splitlines()
    assert "ended with exit code 1 after 0 of 3 epochs: ZeroDivisionError" in first
    assert len(tail) == 20
    assert not caught.value.is_permanent  # another attempt may help


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    with (
        program(tmp_path, "", command="no-such-program --now") as training,
        pytest.raises(OwnTrainingError, match="cannot start the program: FileNotFoundError") as it,
    ):
        training.train_epoch()
    assert it.value.is_permanent


def test_a_program_that_never_reports_is_ended_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import signal; signal.signal(15, signal.SIG_IGN)\nrow(1)\nwhile True: time.sleep(0.01)"
    with program(tmp_path, code, 3600, grace_s=0.1) as training:
        training.train_epoch()
        an_hour_later = SimpleNamespace(monotonic=lambda: time.monotonic() + 3600)
        monkeypatch.setattr(program_run, "time", an_hour_later)
        with pytest.raises(OwnTrainingError, match=r"timeout_s = 3600 s, and 1 of 3 epochs"):
            training.train_epoch()


def test_of_much_that_is_printed_the_begin_and_the_end_are_kept(tmp_path: Path) -> None:
    code = "print('first'); " + "print('x' * 999_999); " * 9 + "row(1); sys.exit('last')"
    with program(tmp_path, code) as training, pytest.raises(OwnTrainingError) as caught:
        curve(training)
    log = (tmp_path / "own/output.log").read_text()
    assert log.split("\n")[1:2] + log.split("\n")[-2:] == ["first", "last", ""]
    assert len(log) < 5_000_000
    assert "ended with exit code 1 after 1 of 3 epochs: last" in str(caught.value)


def test_lines_count_when_they_have_their_end(tmp_path: Path) -> None:
    code = """report('{"epoch": 1, '); time.sleep(0.1); report('"loss": 1}\\n\\n')
report('{"epoch": 2, "loss": NaN}\\n'); time.sleep(60)"""
    with program(tmp_path, code, grace_s=0.1) as training:
        curve(training)
    assert training.outcome == "diverged"
    assert training.history[0]["dev_loss"] == 1


def test_a_program_that_closes_its_output_goes_on(tmp_path: Path) -> None:
    code = "os.closerange(0, 3)\nfor e in (1, 2, 3): row(e, 1 / e)"
    with program(tmp_path, code) as training:
        assert [one["dev_loss"] for one in curve(training)] == [1, 1 / 2, 1 / 3]


def test_a_last_line_may_lack_its_end_and_metrics_have_a_part(tmp_path: Path) -> None:
    code = """report({"epoch": 1, "loss": 3, "train_loss": 2}); report({"epoch": 2, "train_loss": 1,
"dev_loss": 2}); report('{"epoch": 3, "dev_loss": 1, "train_loss": 0}')"""
    with program(tmp_path, code) as training:
        assert curve(training) == [
            {"epoch": epoch, "dev_loss": 4 - epoch, "train_loss": 3 - epoch} for epoch in (1, 2, 3)
        ]


AGAIN = """
again = os.path.exists(os.environ["SWEEPS_CHECKPOINTS"] + "/e")
open(os.environ["SWEEPS_CHECKPOINTS"] + "/e", "w").close()
"""


def twice(folder: Path, code: str, **keys: Any) -> list[dict[str, float]]:
    """The curve of a program that was stopped in its second epoch and started again."""
    with program(folder, AGAIN + code, grace_s=0.1, **keys) as training:
        training.train_epoch()
        training.train_epoch()
    with program(folder, AGAIN + code, grace_s=0.1, **keys) as training:
        return curve(training)


EQUAL = "for e in (1, 2, 3): row(e, 1 / e)\nif not again: time.sleep(60)"
OTHER = "for e in (1, 2, 3): row(e, 1 / e + again)\nif not again: time.sleep(60)"
GOES_ON = "for e in ((3,) if again else (1, 2)): row(e, 1 / e)\nif not again: time.sleep(60)"


@pytest.mark.parametrize("code", [EQUAL, GOES_ON], ids=["begins anew", "goes on"])
def test_a_program_that_is_started_again_has_the_curve_of_one_that_was_not(
    tmp_path: Path, code: str
) -> None:
    assert [row["dev_loss"] for row in twice(tmp_path, code)] == [1, 1 / 2, 1 / 3]


def test_epochs_that_are_repeated_have_equal_numbers_or_are_left_as_they_were(
    tmp_path: Path,
) -> None:
    with pytest.raises(
        OwnTrainingError, match=r"the same numbers again; in epoch 1, dev_loss was 1"
    ):
        twice(tmp_path, OTHER)
    (tmp_path / "first").mkdir()
    found = twice(tmp_path / "first", OTHER, repeated_epochs="keep_first")
    assert [row["dev_loss"] for row in found] == [1, 1 / 2, 1 / 3]


def test_a_program_that_saved_more_than_it_reported_begins_again(tmp_path: Path) -> None:
    code = "for e in ((5,) if again else (1, 2)): row(e)\ntime.sleep(60)"
    with pytest.raises(OwnTrainingError, match="its checkpoints were deleted") as caught:
        twice(tmp_path, code)
    assert not caught.value.is_permanent
    assert not (tmp_path / "own" / "checkpoints").exists()


def test_values_are_words_whatever_they_hold(tmp_path: Path) -> None:
    code = (
        "assert sys.argv[1:] == ['a b; $HOME \"', '--n=1e-05', '--on=true', '7'], sys.argv\nrow(1)"
    )
    options = {"text": 'a b; $HOME "', "n": 1e-5, "on": True}
    command = "python -S -I train.py {text} {args} {seed}"
    with program(tmp_path, code, command=command, options=options) as training:
        training.train_epoch()
    assert json.loads((tmp_path / "own" / "parameters.json").read_text()) == options


def test_python_is_the_one_that_runs_the_sweep(tmp_path: Path) -> None:
    with program(tmp_path, "report({'epoch': 1, 'loss': len(sys.executable)})") as training:
        assert training.train_epoch()["dev_loss"] == len(str(Path(sys.executable).parent)) + 7


def test_a_process_that_leaves_the_program_s_group_is_ended_too(tmp_path: Path) -> None:
    code = "setsid sleep 600 & sleep 600 & setsid sh -c 'sleep 600; :' & echo begun; wait"
    mark = {"PATH": "/usr/bin:/bin", "CHILD_OF": str(tmp_path)}
    child = ChildProgram(["sh", "-c", code], tmp_path, mark, tmp_path / "log", 0)
    wait_for(lambda: len(marked(tmp_path)) == 6)  # with its supervisor and sh
    child.stop()
    assert child.wait(0) == ProgramEnd(None)
    assert marked(tmp_path) == []


def marked(folder: Path) -> list[int]:
    """The processes with the mark in their environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("CHILD_OF") == str(folder):
                found.append(process.pid)
    return found


def test_a_process_with_more_than_1024_open_files_starts_programs(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("fewer files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        with program(tmp_path, "for e in (1, 2, 3): row(e); taken(e)") as training:
            assert len(curve(training, tmp_path)) == 3
    finally:
        for one in held:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

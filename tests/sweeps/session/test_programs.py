"""A sweep of programs, from its file to its record, broken off and whole."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

import sweeps
from sweeps.errors import RunFolderError
from sweeps.findings.results import Results
from sweeps.rehearsal import program_rehearsal
from sweeps.report.report import write_report
from sweeps.session.inputs import keep_inputs
from sweeps.terminal.tables import next_steps
from tests.sweeps.drivers import EVERY_EPOCH, driver, events, run_command, wait_for
from tests.sweeps.programs import COMMAND, program_sweep

ASHA = "{scheduler: asha, grace_epochs: 1, reduction_factor: 2}"
HYPERBAND = "{scheduler: hyperband, reduction_factor: 3}"
RUNNERS = ["local", pytest.param("ray", marks=pytest.mark.ray)]
ONE = "{method: random, trials: 1}"
# Programs that hang after epoch 2 while there is a file `hang`: they go on from what they saved, or
# begin anew.
GOES_ON = """if os.path.exists("hang"):  # and what they started goes its own way
    subprocess.Popen(["sleep", "600"], start_new_session=True)
first = int(open(SAVED).read()) + 1 if os.path.exists(SAVED) else 1
for epoch in range(first, EPOCHS + 1):
    report(epoch)
    open(SAVED, "w").write(str(epoch))
    while epoch == 2 and os.path.exists("hang"):
        time.sleep(0.01)
"""
BEGINS_ANEW = GOES_ON.replace("os.path.exists(SAVED)", "False")


def run(path: Path, runner: Any = "local") -> Results:
    runs = path.parent / f"runs-{runner}"
    return sweeps.run(path, runs=runs, runner=runner, tracking_uri="none")


def curves(results: Results) -> list[dict[str, float]]:
    frame = results.epochs().drop(columns="epoch_s").sort_values(["trial", "epoch"])
    return frame.to_dict("records")


def outcomes(results: Results) -> list[str]:
    return [str(trial.outcome) for trial in results.record.trials]


def expected(results: Results) -> list[dict[str, float]]:
    """What the script computes, from the plan alone."""
    return [
        {
            "trial": one.trial.index,
            "epoch": epoch,
            "dev_loss": abs(one.trial.configuration["training"]["options"]["lr"] - 0.1)
            + one.trial.seed % 2**31 % 7 / 100
            + 1 / epoch,
        }
        for one in results.record.trials
        for epoch in range(1, 5)
    ]


def processes_of(folder: Path) -> list[psutil.Process]:
    """The processes that run with a trial's folder of this test."""

    def mentions(process: psutil.Process) -> bool:
        try:
            return str(folder) in process.environ().get("SWEEPS_METRICS", "")
        except psutil.Error:
            return False

    return [one for one in psutil.process_iter() if mentions(one)]


def test_a_sweep_of_programs_records_what_they_report(tmp_path: Path) -> None:
    results = run(program_sweep(tmp_path))
    assert outcomes(results) == ["completed"] * 6
    assert curves(results) == expected(results)
    assert results.winner is not None
    report = (results.path / "report.html").read_text()
    assert "python -S -I train.py {lr} {seed}" in report
    assert "not enforced: the program reads its data itself" in report


@pytest.mark.parametrize("stopping", [ASHA, HYPERBAND], ids=["asha", "hyperband"])
def test_a_scheduler_prunes_programs(tmp_path: Path, stopping: str) -> None:
    code = "for epoch in range(1, EPOCHS + 1):\n    report(epoch)\ntime.sleep(600)\n"
    path = program_sweep(tmp_path, code, "epochs: 4, grace_s: 0.1", stopping=stopping)
    results = run(path)
    assert "pruned" in outcomes(results)
    assert [row for row in expected(results) if row in curves(results)] == curves(results)
    assert not processes_of(tmp_path)


def test_a_pruned_program_is_asked_to_end_and_then_made_to(tmp_path: Path) -> None:
    code = """signal.signal(signal.SIGTERM, lambda *_: print("asked to end", flush=True))
subprocess.Popen(["sleep", "600"], start_new_session=True)
report(1)
while True:
    time.sleep(0.01)
"""
    training = "epochs: 1, grace_s: 0.2"
    results = run(program_sweep(tmp_path, code, training, search=ONE))
    assert outcomes(results) == ["completed"]
    assert "asked to end" in (results.path / "programs/000000/output.log").read_text()
    assert not processes_of(tmp_path)


@pytest.mark.parametrize(
    ("code", "runner"),
    [
        pytest.param(GOES_ON, "local", id="goes on"),
        pytest.param(BEGINS_ANEW, "local", id="begins anew"),
        pytest.param(GOES_ON, "ray", id="goes on, on Ray", marks=pytest.mark.ray),
    ],
)
def test_a_killed_sweep_leaves_no_program_and_goes_on(
    tmp_path: Path, code: str, runner: Any
) -> None:
    path = program_sweep(tmp_path, code, stopping=EVERY_EPOCH)
    (tmp_path / "hang").touch()
    folder = tmp_path / "runs" / "killed"
    flags = ["--local"] if runner == "local" else []
    with driver("run", path, "--runs", tmp_path / "runs", "--id", "killed", *flags) as process:
        wait_for(lambda: len(events(folder, "report")) > 1)
        assert processes_of(folder)
        process.signal(signal.SIGKILL)
        process.process.wait()
        wait_for(lambda: not processes_of(folder))
    (tmp_path / "hang").unlink()
    resumed = sweeps.resume(folder, runner=runner, tracking_uri="none")
    assert curves(resumed) == expected(resumed)
    assert outcomes(resumed) == ["completed"] * 6


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_stop_does_not_wait_for_the_next_epoch_of_a_program(tmp_path: Path, runner: Any) -> None:
    path = program_sweep(tmp_path, GOES_ON, search=ONE, stopping=EVERY_EPOCH)
    (tmp_path / "hang").touch()
    folder = tmp_path / "runs" / "stopped"
    flags = ["--local"] if runner == "local" else []
    with driver("run", path, "--runs", tmp_path / "runs", "--id", "stopped", *flags) as process:
        wait_for(lambda: (folder / "programs/000000/checkpoints/epoch").exists())
        process.signal(signal.SIGTERM)
        _, printed = process.wait()
    assert "interrupted by SIGTERM" in printed
    wait_for(lambda: not processes_of(folder))
    (tmp_path / "hang").unlink()
    resumed = sweeps.resume(folder, runner="local", tracking_uri="none")
    assert curves(resumed) == expected(resumed)


CHECKED = "{sanity_check: error}"
UNSEEDED = "for epoch in range(1, EPOCHS + 1):\n    report(epoch, loss=time.time())\n"
# The second start in one folder goes on from nothing, with other numbers.
FORGETFUL = (
    "again = os.path.exists(SAVED)\nopen(SAVED, 'w').close()\n"
    "for epoch in range(1, EPOCHS + 1):\n    report(epoch, loss=epoch + again)\n"
)
BROKEN = "sys.exit('no data here')\n"


def test_a_program_that_repeats_passes_before_the_first_trial(tmp_path: Path) -> None:
    code, printed = run_command("plan", program_sweep(tmp_path, trial=CHECKED))
    assert code == 0, printed
    results = run(program_sweep(tmp_path, trial=CHECKED))
    assert json.loads((results.path / "sweep.json").read_text())["sanity"] == []


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(
    ("program", "told"),
    [
        (UNSEEDED, "two runs of the program from one seed differ in epoch 1"),
        (FORGETFUL, "must report the same numbers again"),
    ],
)
def test_a_program_that_does_not_repeat_is_told_before_the_first_trial(
    tmp_path: Path, program: str, told: str, command: str
) -> None:
    path = program_sweep(tmp_path, program, trial=CHECKED)
    more = ("--runs", tmp_path / "runs", "--local") if command == "run" else ()
    code, printed = run_command(command, path, *more)
    assert code == 2
    assert "space.training.command: " in printed
    assert told in printed
    assert "sanity_check: warn" in printed
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("training", ["epochs: 4", "epochs: 4, repeated_epochs: keep_first"])
def test_a_program_that_is_not_to_repeat_runs_with_what_was_found_in_its_record(
    tmp_path: Path, training: str
) -> None:
    check = "{sanity_check: warn}" if training == "epochs: 4" else CHECKED
    results = run(program_sweep(tmp_path, UNSEEDED, training, trial=check))
    notes = json.loads((results.path / "sweep.json").read_text())["sanity"]
    assert ["differ in epoch 1" in note for note in notes] == [True] * (check != CHECKED)


def test_a_program_that_fails_is_left_to_its_trials(tmp_path: Path) -> None:
    results = run(program_sweep(tmp_path, BROKEN, trial=CHECKED))
    (note,) = json.loads((results.path / "sweep.json").read_text())["sanity"]
    assert "was not completed" in note
    assert "no data here" in note


def test_a_program_that_takes_long_is_left_to_its_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program_rehearsal, "_LIMIT_S", 0.0)
    results = run(program_sweep(tmp_path, trial=CHECKED))
    (note,) = json.loads((results.path / "sweep.json").read_text())["sanity"]
    assert "took more than 0 s" in note
    assert [str(one.outcome) for one in results.record.trials] == ["completed"] * 6


def test_a_final_trains_a_program_under_fresh_seeds_and_tests_nothing(tmp_path: Path) -> None:
    results = run(program_sweep(tmp_path, final="{top_k: 2, seeds: 3}"))
    assert results.final is not None
    winner = results.final.winner
    lr = results.record.trials[winner.trial].trial.configuration["training"]["options"]["lr"]
    seeds = [value - abs(lr - 0.1) - 0.25 for value in winner.values]
    assert all(round(100 * one, 9) in range(7) for one in seeds)
    assert len(set(seeds)) > 1
    assert not results.openings
    assert "final/programs/" in results.final.model.note
    assert "only the program has its test rows" in (results.path / "report.html").read_text()
    code, printed = run_command("final", results.path)
    assert code == 1
    assert "already has a final result; --again keeps it and runs a new one" in printed


def test_a_program_goes_with_its_sweep_to_where_its_folder_is_not(tmp_path: Path) -> None:
    code = "import more.part\nadded = float(open('rows/added.txt').read())\nreport(1, loss=added)\n"
    path = program_sweep(tmp_path / "here", code, "epochs: 1, command: './train.py {lr} {seed}'")
    script = path.parent / "train.py"
    script.write_text(f"#!{sys.executable} -SsE\n{script.read_text()}")
    script.chmod(0o755)
    for name, text in {"more/part.py": "", "rows/added.txt": "7.5"}.items():
        (path.parent / name).parent.mkdir()
        (path.parent / name).write_text(text)
    first = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    keep_inputs(first.folder)
    path.parent.rename(tmp_path / "elsewhere")
    more = sweeps.extend(first.path, trials=2, runner="local", tracking_uri="none")
    assert outcomes(more) == ["completed"] * 8
    assert {row["dev_loss"] for row in curves(more)} == {7.5}


TESTED = """if sys.argv[-1] == "--test":
    open(os.environ["SWEEPS_METRICS"], "a").write('{"test_loss": ' + open(SAVED).read() + "}\\n")
    sys.exit()
for epoch in range(1, EPOCHS + 1):
    report(epoch)
    open(SAVED, "w").write(str(loss(epoch)))
"""
TEST_COMMAND = f"epochs: 4, command: '{COMMAND}', test_command: '{COMMAND} --test'"


def test_a_test_command_measures_what_the_final_s_program_saved(tmp_path: Path) -> None:
    results = run(program_sweep(tmp_path, TESTED, TEST_COMMAND, final="{top_k: 2, seeds: 3}"))
    assert results.final is not None
    [opening] = results.openings
    assert opening.metrics["test_loss"].value in results.final.winner.values
    assert opening.metrics["test_loss"].low is None
    page = (results.path / "report.html").read_text()
    assert "not enforced: the program reads its data itself" in page
    assert "On its own test data (used once): test_loss 0." in " ".join(page.split())
    assert len(list(results.path.glob("final/programs/*/test_output.log"))) == 1


def test_a_test_command_that_fails_is_mended_and_goes_on(tmp_path: Path) -> None:
    broken = TESTED.replace("sys.exit()", "sys.exit('no such file')")
    path = program_sweep(tmp_path, broken, TEST_COMMAND, search=ONE, final="{top_k: 1, seeds: 2}")
    with pytest.raises(RunFolderError, match="ended with exit code 1") as caught:
        run(path)
    assert "no such file" in str(caught.value)
    script = tmp_path / "train.py"
    script.write_text(script.read_text().replace("sys.exit('no such file')", "sys.exit()"))
    folder = tmp_path / "runs-local" / "blobs"
    resumed = sweeps.resume(folder, runner="local", tracking_uri="none", accept_code=True)
    assert [one.metrics.keys() for one in resumed.openings] == [{"test_loss"}]


def test_nobody_is_promised_a_test_of_a_program(tmp_path: Path) -> None:
    results = run(program_sweep(tmp_path, search="{method: random, trials: 2}"))
    assert any(line.startswith("Confirm the best:  ") for line in next_steps(results))
    page = " ".join(write_report(results.folder, tmp_path / "report.html").read_text().split())
    assert "retrains the best with fresh seeds; only the program has its test rows." in page
    assert "1 parameter was varied" in page
    assert "The test set has not been used" not in page


def test_a_resume_is_held_to_the_program_s_files(tmp_path: Path) -> None:
    (tmp_path / "part.py").write_text("")
    results = run(program_sweep(tmp_path, f"import part\n{'report(1)'}\n", "epochs: 1"))
    assert results.record.code is not None
    assert results.record.code.keys() == {"train.py", "part.py"}
    assert (results.path / "code" / "train.py").exists()

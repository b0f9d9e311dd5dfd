"""Commands for a cluster's jobs: what cannot be sent is said first; ids may be typed as paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sweeps.cli.commands import main
from sweeps.infra.jobs import Job
from sweeps.service import submission
from sweeps.service.submission import Submitted
from tests.free_port import free_port
from tests.sweeps.sweep_files import write_sweep

EXIT_SETTINGS, EXIT_CLUSTER = 2, 9


@pytest.mark.parametrize("command", ["submit", "logs"])
@pytest.mark.parametrize("address", ["", "auto", "head:6379"])
def test_without_a_jobs_address_it_is_said_and_nothing_else(
    command: str,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    what = str(write_sweep(tmp_path)) if command == "submit" else "digits"
    assert main([command, what]) == EXIT_SETTINGS
    said = capsys.readouterr().err
    rule = (
        "RAY_ADDRESS is not set" if not address else f"RAY_ADDRESS={address} is not a Jobs address"
    )
    assert said.startswith(f"error: {rule}")
    assert "for example http://127.0.0.1:8265" in said


def test_stop_of_a_cluster_that_does_not_answer_claims_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", f"http://127.0.0.1:{free_port()}")
    assert main(["stop", "digits"]) == EXIT_CLUSTER
    said = capsys.readouterr().err
    assert "stopping" not in said
    assert "is being recorded" not in said


@pytest.mark.parametrize("typed", ["digits", "digits/", "./digits", "runs/digits/"])
@pytest.mark.parametrize("before", [True, False])
def test_a_sweep_may_be_typed_as_a_path(
    typed: str, before: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no folder of that name
    jobs_are(monkeypatch)
    sent: list[Any] = []

    def send(command: str, sweep: str, arguments: Sequence[str] = ()) -> Submitted:
        sent.append((command, sweep, list(arguments)))
        return Submitted(sweep, "raysubmit_1", 0)

    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:8265")
    monkeypatch.setattr(submission, "send", send)
    options = ["--trials", "2"]
    words = [typed, *options] if before else [*options, typed]
    assert main(["extend", *words]) == 0
    assert sent == [("extend", "digits", options)]


@pytest.mark.parametrize("typed", ["digits", "digits/", "runs/digits"])
def test_the_sweep_whose_job_is_stopped_may_be_typed_as_a_path(
    typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def stop(sweep: str, say: Callable[[str], None]) -> Job:
        asked.append(sweep)
        return Job("raysubmit_1", "STOPPED", "", {}, 0.0)

    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:8265")
    monkeypatch.setattr(submission, "stop", stop)
    assert main(["stop", typed]) == 0
    assert asked == ["digits"]


@pytest.fixture
def seen_storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The storage of a cluster, which this machine sees, with a sweep called `digits-1`."""
    made = tmp_path / "storage" / "digits-1"
    made.mkdir(parents=True)
    (made / "plan.jsonl").touch()
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:8265")
    monkeypatch.setenv("SWEEPS_STORAGE", str(made.parent))
    return made.parent


@pytest.fixture
def no_job_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a job was started")

    monkeypatch.setattr(submission, "send", refuse)
    monkeypatch.setattr(submission, "ask", refuse)


def jobs_are(monkeypatch: pytest.MonkeyPatch, *jobs: Job) -> None:
    monkeypatch.setattr(submission, "running_job", lambda sweep: next(iter(jobs), None))


@pytest.mark.parametrize("command", ["resume", "retry", "final", "extend --trials 2"])
@pytest.mark.usefixtures("seen_storage", "no_job_is_started")
def test_no_job_is_started_for_a_sweep_that_never_was(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs_are(monkeypatch)
    name, *options = command.split()
    assert main([name, "digits-9", *options]) == 1
    said = capsys.readouterr().err
    assert "there is no run folder" in said
    assert "has digits-1" in said


@pytest.mark.parametrize("command", ["status", "show", "report", "suggest", "pause"])
@pytest.mark.usefixtures("seen_storage", "no_job_is_started")
def test_a_question_about_a_sweep_that_never_was_is_answered_here(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs_are(monkeypatch)
    assert main([command, "digits-9"]) == 1
    assert capsys.readouterr().err.startswith("error: there is no run folder")


@pytest.mark.usefixtures("seen_storage", "no_job_is_started")
def test_what_is_in_the_storage_is_known_while_the_cluster_is_down(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", f"http://127.0.0.1:{free_port()}")
    assert main(["status", "digits-9"]) == 1
    assert capsys.readouterr().err.startswith("error: there is no run folder")


@pytest.mark.parametrize(("command", "code"), [("status", 0), ("show", 1), ("resume", 1)])
@pytest.mark.usefixtures("seen_storage", "no_job_is_started")
def test_a_sweep_whose_job_is_starting_is_no_mistake(
    command: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs_are(monkeypatch, Job("raysubmit_7", "PENDING", "", {"sweep": "digits-2"}, 0.0))
    assert main([command, "digits-2"]) == code
    told = capsys.readouterr()
    assert "digits-2: its job raysubmit_7 is PENDING, and has not created its run folder yet" in (
        told.err if code else told.out
    )


@pytest.mark.parametrize("is_running", [True, False])
def test_trials_are_added_to_a_running_job_by_asking_it_and_else_by_a_job(
    is_running: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Any] = []

    def ask(words: Sequence[str]) -> tuple[int, str]:
        done.append(list(words))
        return 0, ""

    def send(command: str, sweep: str, arguments: Sequence[str] = ()) -> Submitted:
        done.append([command, sweep, *arguments])
        return Submitted(sweep, "raysubmit_1", 0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:8265")
    monkeypatch.delenv("SWEEPS_STORAGE", raising=False)
    monkeypatch.setattr(submission, "ask", ask)
    monkeypatch.setattr(submission, "send", send)
    job = Job("raysubmit_7", "RUNNING", "", {"sweep": "digits-2"}, 0.0)
    jobs_are(monkeypatch, *([job] if is_running else []))
    assert main(["extend", "digits-2", "--trials", "3"]) == 0
    asked = ["extend", "digits-2", "--trials", "3"]
    assert done == [[*asked, "--only-ask"] if is_running else asked]


@pytest.mark.parametrize(
    ("answer", "code"), [("digits-2 continues in its job", 0), ("error: x", 1)]
)
def test_a_paused_job_goes_on_for_who_does_not_see_its_storage(
    answer: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Sequence[str]] = []

    def ask(words: Sequence[str]) -> tuple[int, str]:
        asked.append(words)
        return code, f"{answer}\n"

    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:8265")
    monkeypatch.delenv("SWEEPS_STORAGE", raising=False)
    monkeypatch.setattr(submission, "ask", ask)
    jobs_are(monkeypatch, Job("raysubmit_7", "RUNNING", "", {"sweep": "digits-2"}, 0.0))
    assert main(["resume", "runs/digits-2"]) == code
    assert asked == [["resume", "digits-2", "--only-ask"]]
    assert capsys.readouterr().out == f"{answer}\n"

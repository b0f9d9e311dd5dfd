"""Commands about sweeps that run as jobs of a cluster, and about those of a whole storage."""

from __future__ import annotations

import argparse
import base64
import gzip
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sweeps.cli.output import write_out
from sweeps.cli.shared import add_set, adds_trials
from sweeps.errors import ClusterError, MissingExtraError, RequestError, SettingsError, StorageError
from sweeps.infra import command_line
from sweeps.session.environment import (
    checked_settings,
    default_runs,
    find_run,
    known_runs,
    pull_runs,
)

__all__ = ["add_cluster_commands", "ask_cluster", "send_to_cluster"]


def add_cluster_commands(commands: Any) -> None:
    """Add submit, logs, stop, pause, status and list."""
    text = "check a sweep file and submit it as a job to the cluster at RAY_ADDRESS"
    command = commands.add_parser("submit", help=text, description=text)
    command.add_argument("file", type=Path)
    add_set(command)
    command.set_defaults(command=_submit)
    text = "show the log of a sweep's job on the cluster"
    command = commands.add_parser("logs", help=text, description=text)
    command.add_argument("sweep", nargs="?", type=_id_of, help="its id; default: the latest job")
    command.add_argument(
        "-f", "--follow", action="store_true", help="keep printing until the job ends"
    )
    command.set_defaults(command=_logs)
    text = "stop a sweep running in another shell or on a cluster; `resume` continues it"
    command = commands.add_parser("stop", help=text, description=text)
    command.add_argument("sweep", type=Path, help="its run folder or id")
    text = "stop only this trial, for good; it is recorded as stopped_by_hand"
    command.add_argument("--trial", type=int, metavar="N", help=text)
    command.set_defaults(command=_stop)
    text = "pause a running sweep: its workers end, its process waits; `resume` continues it there"
    command = commands.add_parser("pause", help=text, description=text)
    command.add_argument("run", type=Path, help="its run folder or id")
    command.set_defaults(command=_pause, runs_on_cluster=True)
    text = "show the progress of a sweep, read from its run folder"
    command = commands.add_parser("status", help=text, description=text)
    command.add_argument("run", type=Path)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(command=_status, runs_on_cluster=True)
    text = "list the sweeps in a storage with their progress"
    command = commands.add_parser("list", help=text, description=text)
    command.add_argument("--runs", type=Path, help="default: SWEEPS_STORAGE, or runs")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(command=_list, runs_on_cluster=True)


def send_to_cluster(
    parsed: argparse.Namespace, arguments: Sequence[str], submits_job: str | None
) -> int | None:
    """Have a job do a command where RAY_ADDRESS is a Jobs address; returns the exit code, or None.

    Args:
        arguments: The command line after the command's name.
        submits_job: The command's name; None for one that is never sent.
    """
    if submits_job is None or parsed.local or checked_settings().jobs_address is None:
        return None
    is_seen = _is_seen(parsed.run)
    if not is_seen and _is_storage_seen():
        _answer_without_folder(parsed.run, is_status=False)
    asked = _ask_running_job(parsed, submits_job, is_seen=is_seen)
    if asked is not None:
        return asked
    from sweeps.service.submission import send

    rest = list(arguments)
    # As it was typed: `digits/` is the path `digits`.
    del rest[[Path(word) for word in rest].index(parsed.run)]
    _print_submitted(send(submits_job, parsed.run.name, rest))
    return 0


def _ask_running_job(parsed: argparse.Namespace, submits_job: str, *, is_seen: bool) -> int | None:
    """Have the job that has a sweep go on or add trials; returns its code, None without one."""
    is_asked = submits_job == "extend" or (submits_job == "resume" and not parsed.set)
    if not is_asked:
        return None
    if is_seen:
        return _ask_in_folder(find_run(parsed.run), getattr(parsed, "trials", None))
    from sweeps.service import submission

    sweep = _id_of(parsed.run)
    if submission.running_job(sweep) is None:
        return None
    trials = ["--trials", str(parsed.trials)] if submits_job == "extend" else []
    code, text = submission.ask([submits_job, sweep, *trials, "--only-ask"])
    sys.stdout.write(text)
    return code


def _ask_in_folder(run: Path, trials: int | None) -> int | None:
    from sweeps.service.stopping import end_pause

    if trials is not None:
        return 0 if adds_trials(run, trials) else None
    if end_pause(run):
        print(f"{run} continues in its job")
        return 0
    return None


def ask_cluster(parsed: argparse.Namespace, arguments: Sequence[str]) -> int | None:
    """Have a job of the cluster answer what cannot be read here; returns the exit code, or None.

    Args:
        arguments: The whole command line.
    """
    if not getattr(parsed, "runs_on_cluster", False) or checked_settings().jobs_address is None:
        return None
    if _is_seen_here(parsed):
        return None
    if "run" in parsed and _is_storage_seen():
        return _answer_without_folder(parsed.run, is_status=arguments[0] == "status")
    from sweeps.service.submission import ask

    note = "the storage cannot be read from here; running the command as a job of the cluster"
    print(note, file=sys.stderr)
    if arguments[0] != "report":
        words = [_id_of(w) if Path(w) == getattr(parsed, "run", None) else w for w in arguments]
        code, text = ask(words)
        sys.stdout.write(text)
        return code
    name = parsed.run.name
    code, text = ask(["report", name, "--out", "answer.html"], "gzip -c answer.html | base64")
    if code:
        sys.stderr.write(text)
        return code
    out = parsed.out or Path(f"{name}.report.html")
    write_out(out, gzip.decompress(base64.b64decode(text.partition("answer.html\n")[2])))
    print(f"written to {out}")
    return 0


def _answer_without_folder(run: Path, *, is_status: bool) -> int:
    """Say whether a sweep without a run folder was submitted just now; else raise RequestError."""
    from sweeps.record.run_folder import RunFolder
    from sweeps.service import submission

    try:
        job = submission.running_job(_id_of(run))
    except ClusterError:  # it is down: what is there is known all the same
        job = None
    if job is None:
        RunFolder.open(find_run(run))  # refuses
        return 0
    text = (
        f"{_id_of(run)}: its job {job.id} is {job.status}, and has not created its run folder yet"
    )
    if not is_status:
        follow = command_line.command("logs", "-f", _id_of(run))
        raise RequestError(f"{text}; follow it: {follow}")
    print(text)
    return 0


def _is_seen_here(parsed: argparse.Namespace) -> bool:
    if "run" in parsed:
        return _is_seen(parsed.run)
    return _is_storage_seen(parsed.runs)


def _is_storage_seen(runs: Path | None = None) -> bool:
    try:
        is_named = runs is not None or checked_settings().storage_at is not None
        return is_named and pull_runs(runs or default_runs()).is_dir()
    except (StorageError, MissingExtraError):  # an object store that this machine may not read
        return False


def _is_seen(run: Path) -> bool:
    try:
        return find_run(run).is_dir()
    except (StorageError, MissingExtraError):
        return False


def _id_of(text: str | Path) -> str:
    """Return a sweep's id, which may be typed as the path of its run folder."""
    return Path(text).name


def _need_jobs_address(way_out: str = "") -> None:
    """Raise SettingsError where RAY_ADDRESS names no cluster that has jobs."""
    settings = checked_settings()
    if settings.jobs_address is None:
        address = settings.ray_address
        rule = " is not set" if address is None else f"={address} is not a Jobs address"
        raise SettingsError(
            f"RAY_ADDRESS{rule}: set it to the Jobs address of the "
            f"cluster, for example http://127.0.0.1:8265{way_out}"
        )


def _submit(parsed: argparse.Namespace) -> int:
    from sweeps.service.submission import submit

    _need_jobs_address()
    _print_submitted(submit(parsed.file, parsed.set))
    return 0


def _print_submitted(done: Any) -> None:
    print(done.sweep)
    watch = command_line.command("logs", "-f", done.sweep)
    shipped = f"{done.size / 2**20:.1f} MB uploaded, job {done.job}"
    print(f"submitted ({shipped}); follow it: {watch}", file=sys.stderr)


def _logs(parsed: argparse.Namespace) -> int:
    from sweeps.service.submission import logs

    _need_jobs_address()
    for text in logs(parsed.sweep, follow=parsed.follow):
        sys.stdout.write(text)
        sys.stdout.flush()
    return 0


def _stop(parsed: argparse.Namespace) -> int:
    if parsed.trial is not None:
        return _stop_trial(parsed.sweep, parsed.trial)
    if checked_settings().jobs_address is not None:
        return _stop_job(_id_of(parsed.sweep))
    from sweeps.service.stopping import stop_sweep

    run = find_run(parsed.sweep)
    record = stop_sweep(run)
    again = command_line.command("resume", run)
    print(
        f"{run} has ended" if record.stopped is None else f"{run} is stopped; {again} continues it"
    )
    return 0


def _pause(parsed: argparse.Namespace) -> int:
    from sweeps.service.stopping import pause_sweep

    record = pause_sweep(parsed.run)
    again = command_line.command("resume", parsed.run)
    print(
        f"{parsed.run} has ended"
        if record.stopped is None
        else f"{parsed.run} is paused; {again} continues it"
    )
    return 0


def _stop_job(sweep: str) -> int:
    from sweeps.service.submission import stop

    job = stop(sweep, partial(print, file=sys.stderr, flush=True))
    again = command_line.command("resume", sweep)
    print(f"{sweep}: its job is {job.status}; {again} continues it")
    return 0


def _stop_trial(sweep: Path, index: int) -> int:
    from sweeps.service.stopping import stop_trial

    if checked_settings().jobs_address is None or _is_seen(sweep):
        print(stop_trial(find_run(sweep), index))
        return 0
    from sweeps.service.submission import ask

    code, text = ask(["stop", _id_of(sweep), "--trial", str(index)])
    sys.stdout.write(text)
    return code


def _status(parsed: argparse.Namespace) -> int:
    from sweeps.terminal.overview import print_status

    print_status(parsed.run, as_json=parsed.json)
    return 0


def _list(parsed: argparse.Namespace) -> int:
    from sweeps.terminal.overview import print_list

    print_list(known_runs(parsed.runs), as_json=parsed.json)
    return 0

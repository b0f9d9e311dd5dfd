"""Sweeps as jobs of a Ray cluster: sent from anywhere that reaches its Jobs address."""

from __future__ import annotations

import secrets
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sweeps.definition.loading import check_sweep
from sweeps.errors import ClusterError, SettingsError, require_extra
from sweeps.infra import command_line
from sweeps.infra.jobs import Job, Jobs, JobsError
from sweeps.infra.package import PackageError, code_files, stage
from sweeps.infra.settings import InfraSettings, has_password
from sweeps.service.descriptions import COMMIT, git_commit
from sweeps.session.environment import checked_settings
from sweeps.session.inputs import (
    data_beside,
    needs_modules,
    own_code,
    refuse_what_stays_here,
)
from sweeps.terminal.console import PIPE_WIDTH

__all__ = ["Submitted", "ask", "logs", "running_job", "send", "stop", "submit"]

_FOLDER = "sweep"
# Ray kills a driver that needs longer to stop; all but its last reports would be safe even then.
_STOP_S = "60"


@dataclass(frozen=True)
class Submitted:
    """A sweep, or a command about one, on its way.

    Attributes:
        sweep: The sweep's id: the name of its run folder in the cluster's storage.
        job: Ray's id of the job.
        size: Bytes that were shipped.
    """

    sweep: str
    job: str
    size: int


def submit(path: str | Path, overrides: Sequence[str] = ()) -> Submitted:
    """Check a sweep file, and start it as a job of the cluster whose Jobs address is RAY_ADDRESS.

    Raises:
        SweepFileError: The file cannot be run; nothing is sent.
        SettingsError: RAY_ADDRESS is not a Jobs address, or a setting holds a secret.
        ClusterError: The cluster does not answer or refuses, or there is too much to ship.
    """
    path = Path(path)
    sweep, planned = check_sweep(path, overrides)
    sweep_id = f"{sweep.file.name}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    base = sweep.base_dir.resolve()
    refuse_what_stays_here(sweep.file.data, base)
    beside = {path.resolve(): Path(path.name), **data_beside(sweep.file.data, base)}
    if needs_modules(sweep.file, planned):
        beside |= own_code(sweep.module_folders(), sweep.file)
    extra = {file: _FOLDER / name for file, name in beside.items()}
    arguments = [f"{_FOLDER}/{path.name}", "--id", sweep_id]
    for text in overrides:
        arguments += ["--set", text]
    commit = git_commit(sweep.base_dir)
    return _send("run", sweep_id, arguments, extra, {} if commit is None else {COMMIT: commit})


def send(command: str, sweep: str, arguments: Sequence[str] = ()) -> Submitted:
    """Start a command about a sweep that was submitted before: resume, extend, retry or final.

    Raises:
        SettingsError, ClusterError: As `submit`; or it runs just now.
    """
    running = running_job(sweep)
    if running is not None:
        raise ClusterError(
            f"{sweep} is running as job {running.id}; follow it: "
            f"{command_line.command('logs', '-f', sweep)}; or stop it first: "
            f"{command_line.command('stop', sweep)}"
        )
    return _send(command, sweep, [sweep, *arguments], {})


def running_job(sweep: str) -> Job | None:
    """Return the job in which a sweep runs, or is about to; raises as `submit`."""
    with _jobs() as jobs:
        return next((job for job in jobs.list(sweep=sweep) if not job.is_over), None)


def ask(words: Sequence[str], then: str = "true") -> tuple[int, str]:
    """Run a command that only reads as a job; returns its exit code and what it printed.

    For a machine that does not see the storage of the cluster.

    Args:
        words: The command and its arguments.
        then: A shell command line that follows where it succeeds.

    Raises:
        SettingsError, ClusterError: As `submit`.
    """
    mark = secrets.token_hex(8)
    line = f"{shlex.join(['python', '-m', 'sweeps', *words])} && {then}"
    settings = checked_settings()
    with _jobs() as jobs, tempfile.TemporaryDirectory(prefix="sweeps-") as folder:
        stage(code_files(), Path(folder))
        entrypoint = f"echo {mark}; {{ {line}; }}; echo {mark} $?"
        width = {"COLUMNS": str(shutil.get_terminal_size((PIPE_WIDTH, 0)).columns)}
        variables = _variables(settings) | width
        job = jobs.submit(entrypoint, Path(folder), variables, question=words[0])
        text = "".join(jobs.follow(job))
    # Ray announces the job in the same log, now and then after its first line.
    text = "".join(line for line in text.splitlines(keepends=True) if f"echo {mark};" not in line)
    begun, _, rest = text.rpartition(f"\n{mark} ")
    if not begun or not rest.strip().isdecimal():
        raise ClusterError(
            f"job {job} ended without an answer; its log ends with: {text[-300:].strip()}"
        )
    return int(rest), begun.partition(f"{mark}\n")[2] + "\n"


def logs(sweep: str | None, *, follow: bool) -> Iterator[str]:
    """Yield what the latest job of a sweep, or of all, printed.

    Args:
        follow: Go on with what it prints until it is over.

    Raises:
        ClusterError: There is no such job, or one that was followed did not end well.
    """
    with _jobs() as jobs:
        job = _latest(jobs, sweep)
        if not follow:
            yield jobs.logs(job.id)
            return
        yield from jobs.follow(job.id)
        job = jobs.status(job.id)
        if job.status != "SUCCEEDED":
            raise ClusterError(f"job {job.id} is {job.status}: {job.message or 'no details'}")


def stop(sweep: str, say: Callable[[str], None], wait_s: float = 90.0) -> Job:
    """Stop the running job of a sweep, wait until it has ended, and return it.

    Args:
        say: Is told that the job was asked: that may take long.

    Raises:
        ClusterError: No job of the sweep runs.
    """
    with _jobs() as jobs:
        job = _latest(jobs, sweep)
        if job.is_over:
            raise ClusterError(f"{sweep} is not running: its job {job.id} is {job.status}")
        jobs.stop(job.id)
        say(
            f"asked the cluster to stop {sweep}: its driver may need a minute to record what was "
            f"trained"
        )
        until = time.monotonic() + wait_s
        while not job.is_over and time.monotonic() < until:
            time.sleep(0.5)
            job = jobs.status(job.id)
        return job


def _send(
    command: str,
    sweep: str,
    arguments: Sequence[str],
    extra: dict[Path, Path],
    more: Mapping[str, str] = MappingProxyType({}),
) -> Submitted:
    variables = {**_variables(checked_settings()), **more}
    with _jobs() as jobs, tempfile.TemporaryDirectory(prefix="sweeps-") as folder:
        size = stage(code_files() | extra, Path(folder))
        entrypoint = shlex.join(["python", "-m", "sweeps", command, *arguments])
        job = jobs.submit(entrypoint, Path(folder), variables, sweep=sweep, command=command)
    return Submitted(sweep, job, size)


def _variables(settings: InfraSettings) -> dict[str, str]:
    """Return the settings that go along; secrets never do, as the Jobs API shows them."""
    variables = {"RAY_JOB_STOP_WAIT_TIME_S": _STOP_S}
    if settings.nodes_wait_s:
        variables["SWEEPS_NODES_WAIT_S"] = f"{settings.nodes_wait_s:g}"
    if settings.storage is not None or settings.bucket is not None:
        variables["SWEEPS_STORAGE"] = settings.bucket or str(settings.storage)
    if settings.tracking_uri is not None:
        if has_password(settings.tracking_uri):
            raise SettingsError(
                "MLFLOW_TRACKING_URI holds a password, which Ray's Jobs API would show: remove it, "
                "and give the nodes MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            )
        variables["MLFLOW_TRACKING_URI"] = settings.tracking_uri
    return variables


@contextmanager
def _jobs() -> Iterator[Jobs]:
    """Give the Jobs API that RAY_ADDRESS names; its errors become ours."""
    settings = checked_settings()
    if settings.jobs_address is None:
        is_now = f"is {settings.ray_address}" if settings.ray_address else "is not set"
        raise SettingsError(
            f"RAY_ADDRESS {is_now}, which is not a Jobs address: set it to that of the cluster, "
            f"for example http://127.0.0.1:8265; a sweep without one stops at Ctrl-C where it runs"
        )
    require_extra("cluster", "a cluster's Jobs address")
    try:
        yield Jobs(settings.jobs_address)
    except (JobsError, PackageError) as err:
        raise ClusterError(str(err)) from err


def _latest(jobs: Jobs, sweep: str | None) -> Job:
    found = jobs.list() if sweep is None else jobs.list(sweep=sweep)
    found = [job for job in found if "sweep" in job.metadata]
    if not found:
        which = "" if sweep is None else f" {sweep!r}"
        raise ClusterError(
            f"the cluster has no job of a sweep{which}; all ids: {command_line.command('list')}"
        )
    return next((job for job in found if not job.is_over), found[0])

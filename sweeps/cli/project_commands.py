"""Commands around a project: start one, look at its record, start a cluster to try it on."""

from __future__ import annotations

import argparse
import shlex
import sys
from contextlib import chdir
from functools import partial
from pathlib import Path
from typing import Any

from sweeps.errors import ClusterError, require_extra
from sweeps.infra.command_line import command
from sweeps.infra.mlflow_ui import UI_PORT
from sweeps.session.environment import checked_settings

__all__ = ["add_project_commands"]


def add_project_commands(commands: Any) -> None:
    """Add init, import, ui, watch and cluster."""
    text = "create a ready-to-run project: a sweep file, a net, data and a Makefile"
    init = commands.add_parser("init", help=text, description=text)
    init.add_argument("folder", type=Path, nargs="?", default=Path(), help="default: this folder")
    init.set_defaults(command=_init)
    text = "convert W&B's sweep.yaml, or Katib's Experiment, to a sweep file"
    importing = commands.add_parser("import", help=text, description=text)
    importing.add_argument("file", type=Path)
    text = "default: FILE-imported.yaml, beside it"
    importing.add_argument("--out", type=Path, help=text)
    importing.set_defaults(command=_import)
    text = "open the MLflow UI for recorded sweeps"
    ui = commands.add_parser("ui", help=text, description=text)
    ui.add_argument("--runs", type=Path, help="default: SWEEPS_STORAGE, or runs")
    ui.add_argument("--port", type=_port, default=UI_PORT)
    ui.set_defaults(command=_ui)
    text = "serve a live dashboard of running and finished sweeps"
    watch = commands.add_parser("watch", help=text, description=text)
    watch.add_argument("run", type=Path, nargs="?", help="default: a list to choose from")
    watch.add_argument(
        "--runs", type=Path, help="folder of run folders to list; default: SWEEPS_STORAGE, or runs"
    )
    watch.add_argument("--port", type=_port, help="default: any free port")
    watch.set_defaults(command=_watch)
    text = "start or stop a test cluster on this machine: Ray, PostgreSQL and MLflow"
    cluster = commands.add_parser("cluster", help=text, description=text)
    _add_cluster_actions(cluster.add_subparsers(required=True, metavar="up|down"))


def _add_cluster_actions(actions: Any) -> None:
    from sweeps.infra.local import DEFAULT_FOLDER

    up = actions.add_parser("up", help="start the servers")
    down = actions.add_parser("down", help="stop the servers that `up` started")
    for action in (up, down):
        text = "folder of its token, logs and storage; default: .cluster"
        action.add_argument("--folder", type=Path, default=Path(DEFAULT_FOLDER), help=text)
    up.add_argument("--port", type=_port, default=6379, help="port of Ray; default: 6379")
    up.add_argument(
        "--dashboard", type=_port, default=8265, help="port of the Jobs API; default: 8265"
    )
    up.add_argument("--mlflow", type=_port, default=5000, help="port of MLflow; default: 5000")
    up.add_argument(
        "--postgres", type=_port, default=5432, help="port of PostgreSQL; default: 5432"
    )
    up.add_argument("--no-mlflow", action="store_true", help="start neither MLflow nor PostgreSQL")
    up.add_argument("--workers", type=int, default=2, help="worker nodes; default: 2")
    up.add_argument("--cpus", type=int, default=1, help="CPU cores of each node")
    text = "also delete what MLflow recorded, and its passwords; run folders are kept"
    down.add_argument("--purge", action="store_true", help=text)
    up.set_defaults(command=_cluster_up)
    down.set_defaults(command=_cluster_down)


def _port(text: str) -> int:
    """Return a port, or end the command as argparse does."""
    if text.isdecimal() and 0 < int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a port (1 to 65535), got {text!r}")


def _init(parsed: argparse.Namespace) -> int:
    from sweeps.service.new_project import write_project

    folder: Path = parsed.folder
    for path in write_project(folder):
        print(path)
    print("\nNext:", file=sys.stderr)
    steps = [] if folder.resolve() == Path.cwd() else [shlex.join(["cd", str(folder)])]
    with chdir(folder):
        steps += [command("run", "sweep.yaml"), command("ui")]
    print("\n".join(f"  {step}" for step in steps), file=sys.stderr)
    return 0


def _import(parsed: argparse.Namespace) -> int:
    from sweeps.service.importing import import_file

    source: Path = parsed.file
    made = import_file(source, parsed.out or source.with_name(f"{source.stem}-imported.yaml"))
    for note in made.notes:
        print(note, file=sys.stderr)
    print(made.path)
    print(f"\nNext:\n  {command('validate', str(made.path))}", file=sys.stderr)
    return 0


def _ui(parsed: argparse.Namespace) -> int:
    from sweeps.infra.mlflow_ui import open_ui

    return open_ui(checked_settings(), parsed.runs, parsed.port)


def _watch(parsed: argparse.Namespace) -> int:
    require_extra("report", "a page with figures")
    from sweeps.service.watching import watch

    return watch(parsed.run, parsed.runs, parsed.port)


def _cluster_up(parsed: argparse.Namespace) -> int:
    require_extra("server", "a cluster on this machine")
    from sweeps.infra.local.cluster import LocalCluster
    from sweeps.infra.local.processes import ProcessError

    cluster = LocalCluster(parsed.folder, partial(print, file=sys.stderr, flush=True))
    try:
        cluster.up(
            port=parsed.port,
            dashboard=parsed.dashboard,
            workers=parsed.workers,
            cpus=parsed.cpus,
            mlflow=None if parsed.no_mlflow else parsed.mlflow,
            postgres=None if parsed.no_mlflow else parsed.postgres,
        )
    except ProcessError as err:
        raise ClusterError(str(err)) from err
    except KeyboardInterrupt:
        print(f"{cluster.stop_command} stops what was started", file=sys.stderr)
        raise
    cluster.write_variables()
    print(f"The cluster is up. Use it from this shell:  . {parsed.folder}/env")
    print(f"Then:  {command('submit', 'FILE')}   (stop it with: {cluster.stop_command})")
    return 0


def _cluster_down(parsed: argparse.Namespace) -> int:
    require_extra("server", "a cluster on this machine")
    from sweeps.infra.local.cluster import LocalCluster
    from sweeps.infra.local.processes import ProcessError

    cluster = LocalCluster(parsed.folder, partial(print, file=sys.stderr, flush=True))
    named = cluster.names_in_shell()
    try:
        stopped = cluster.down()
    except ProcessError as err:
        raise ClusterError(str(err)) from err
    print(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")
    if parsed.purge:
        print(f"deleted {', '.join(map(str, cluster.purge())) or 'nothing'}")
    if named:
        print(
            f"This shell still points to it; to train on this machine again:  unset "
            f"{' '.join(named)}"
        )
    return 0

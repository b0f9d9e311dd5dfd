"""Shows sweeps on a page of this machine, while they run and afterwards."""

from __future__ import annotations

import secrets
import socket
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

from sweeps.errors import RequestError
from sweeps.infra.command_line import command
from sweeps.infra.mlflow_ui import UI_PORT
from sweeps.record.run_folder import RunFolder
from sweeps.session.environment import default_tracking_uri, known_runs, pull_run

__all__ = ["mlflow_page", "watch"]


def watch(run: Path | None, runs: Path | None, port: int | None) -> int:
    """Serve a sweep's page, or the list of a storage's, until Ctrl-C.

    Args:
        run: A run folder; None serves the list.
        runs: The folder of run folders, for the list; None takes that of the settings.
        port: None takes one that is free.

    Raises:
        RequestError: There is no such sweep or folder, or the port is taken.
        RunFolderError: The run folder was damaged.
    """
    from sweeps.watch.server import application, listen, serve
    from sweeps.watch.storage_feed import StorageFeed

    folder = _folder_of(run, runs)
    token = secrets.token_urlsafe(24)
    listening = listen(port)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/{token}/"
    page = "" if run is None else f"sweep/{quote(run.resolve().name)}/"
    print(f"{address}{page}  (only for you; Ctrl-C to stop)", flush=True)
    try:
        uri = default_tracking_uri(folder)
        pages = partial(mlflow_page, uri) if uri != "none" else None
        serve(application(StorageFeed(folder, pull_run), token, pages), listening)
    except KeyboardInterrupt:  # which uvicorn raises again when it has closed
        pass
    finally:
        listening.close()
    return 0


def mlflow_page(uri: str, folder: RunFolder, trial: int | None) -> str:
    """Return the address of a trial's page in MLflow, or of the sweep's.

    Raises:
        RequestError: It is not recorded there, or nothing serves MLflow's pages here.
        TrackingError: MLflow does not answer.
    """
    from sweeps.tracking.follower import run_page

    page = run_page(folder, uri, trial)
    if page is None:
        what = "this sweep" if trial is None else f"trial {trial}"
        again = command("sync", folder.path)
        raise RequestError(f"MLflow has no record of {what} yet; complete it: {again}")
    if uri.startswith(("http://", "https://")):
        parts = urlsplit(uri)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/") + page
    with socket.socket() as one:
        if one.connect_ex(("127.0.0.1", UI_PORT)):
            raise RequestError(
                f"the MLflow UI is not running on port {UI_PORT}: start it with {command('ui')} "
                f"and try again"
            )
    return f"http://127.0.0.1:{UI_PORT}{page}"


def _folder_of(run: Path | None, runs: Path | None) -> Path:
    """Return the folder of run folders, once what is asked for is known to be there."""
    if run is not None:
        return RunFolder.open(run).path.parent
    return known_runs(runs)

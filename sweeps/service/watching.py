"""Shows sweeps on a page of this machine, while they run and afterwards."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import quote

from sweeps.record.run_folder import RunFolder
from sweeps.session.environment import known_runs, pull_run

__all__ = ["watch"]


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
    print(f"{address}{page}  (for you alone; Ctrl-C ends it)", flush=True)
    try:
        serve(application(StorageFeed(folder, pull_run), token), listening)
    except KeyboardInterrupt:  # which uvicorn raises again when it has closed
        pass
    finally:
        listening.close()
    return 0


def _folder_of(run: Path | None, runs: Path | None) -> Path:
    """Return the folder of run folders, once what is asked for is known to be there."""
    if run is not None:
        return RunFolder.open(run).path.parent
    return known_runs(runs)

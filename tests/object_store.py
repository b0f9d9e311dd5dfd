"""A real S3 server on a free loopback port, for tests that keep runs in an object store."""

from __future__ import annotations

import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

from pyarrow.fs import S3FileSystem

from tests.free_port import free_port

__all__ = ["ACCOUNT", "ObjectStore", "started_store"]

ACCOUNT = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests"}


class ObjectStore:
    """A bucket called `runs`; `uri` is what SWEEPS_STORAGE says."""

    def __init__(self, port: int) -> None:
        self._where = f"127.0.0.1:{port}"
        self.uri = f"s3://runs/team?endpoint_override={self._where}&scheme=http&region=us-east-1"
        self.files = S3FileSystem(
            access_key=ACCOUNT["AWS_ACCESS_KEY_ID"],
            secret_key=ACCOUNT["AWS_SECRET_ACCESS_KEY"],
            endpoint_override=self._where,
            scheme="http",
            region="us-east-1",
            allow_bucket_creation=True,
        )

    def answers(self) -> bool:
        """Return whether the server is up."""
        try:
            urllib.request.urlopen(f"http://{self._where}/moto-api/", timeout=5).close()
        except (URLError, OSError):
            return False
        return True

    def has(self, name: str, content: bytes) -> bool:
        """Return whether a file of the sweeps' address has this content now."""
        try:
            with self.files.open_input_file(f"runs/team/{name}") as file:
                return bytes(file.read()) == content
        except FileNotFoundError:
            return False

    def names(self, folder: str) -> set[str]:
        """Return the files below a folder of the sweeps' address."""
        from pyarrow.fs import FileSelector, FileType

        path = f"runs/team/{folder}"
        wanted = FileSelector(path, recursive=True, allow_not_found=True)
        found = self.files.get_file_info(wanted)
        return {one.path[len(path) + 1 :] for one in found if one.type == FileType.File}


@contextmanager
def started_store(folder: Path) -> Iterator[ObjectStore]:
    """Start a server with an empty bucket, and stop it after the block."""
    from tests.sweeps.drivers import wait_for

    port = free_port()
    store = ObjectStore(port)
    with (folder / "store.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.object_store", str(port)],
            cwd=Path(__file__).resolve().parents[1],
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(store.answers)
        store.files.create_dir("runs")
        yield store
    finally:
        process.kill()
        process.wait()


def _serve(port: int) -> None:
    """Serve until killed; as S3 does, a conditional write is tested and done in one."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    app, one_at_a_time = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def serial(environ: Any, start_response: Any) -> Iterable[bytes]:
        with one_at_a_time:
            answer: Iterable[bytes] = app(environ, start_response)
        return answer

    run_simple("127.0.0.1", port, serial, threaded=True)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))

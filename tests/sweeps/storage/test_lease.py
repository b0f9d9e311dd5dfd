"""Of any number of drivers one holds a sweep in an object store, whatever they do at once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from sweeps.errors import RunFolderError
from sweeps.storage import lease
from sweeps.storage.conditional import ConditionalFile, OvertakenError
from sweeps.storage.files import MARKER, BucketFiles
from sweeps.storage.lease import LEASE, Lease
from tests.object_store import ACCOUNT, ObjectStore
from tests.sweeps.drivers import wait_for

ROOT = Path(__file__).resolve().parents[3]
RACERS = 6
# Takes a sweep at a sign that all wait for, and says who holds it then, or why it is refused.
RACER = """
import sys
from pathlib import Path
from sweeps.errors import RunFolderError
from sweeps.storage import lease
from sweeps.storage.mirror import mirrored, pull
folder, sign, lease._LEASE_S = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
pull(folder)
sign.with_name(f"ready-{folder.parent.name}").touch()
while not sign.exists():
    pass
try:
    with mirrored(folder):
        print("won", flush=True)
        sys.stdin.read()
except RunFolderError as err:
    print(f"refused: {err}", flush=True)
"""


@pytest.fixture
def bucket(store: ObjectStore, tmp_path: Path) -> BucketFiles:
    return BucketFiles(store.uri).below(tmp_path.name, "digits")


def held_elsewhere(bucket: BucketFiles) -> None:
    about = {"holder": "elsewhere:1:2", "is_held": True}
    bucket.write(LEASE, json.dumps(about).encode())


def race(folder: Path, bucket: BucketFiles, lease_s: float) -> list[str]:
    """Return the first line of each of many drivers that take one sweep in one moment."""
    folder.mkdir()
    sign = folder / "go"
    address = bucket.uri.replace("/digits", "", 1)
    racers = []
    for number in range(RACERS):
        copy = folder / f"copy-{number}" / "digits"
        copy.mkdir(parents=True)
        (copy.parent / MARKER).write_text(address)
        words = [sys.executable, "-c", RACER, str(copy), str(sign), str(lease_s)]
        racers.append(
            subprocess.Popen(
                words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
            )
        )
    wait_for(lambda: len(list(folder.glob("ready-*"))) == RACERS)
    sign.touch()
    lines = [one.stdout.readline().strip() for one in racers if one.stdout is not None]
    for one in racers:
        one.communicate(timeout=60)
    return lines


@pytest.mark.parametrize("attempt", range(3))
def test_one_of_many_drivers_that_begin_at_once_holds_the_sweep(
    tmp_path: Path, bucket: BucketFiles, attempt: int
) -> None:
    lines = race(tmp_path / "race", bucket, 60.0)
    assert lines.count("won") == 1, lines
    refused = [line for line in lines if line != "won"]
    assert len(refused) == RACERS - 1
    assert all(line.startswith("refused: s3://") for line in refused), refused


def test_a_lease_that_is_over_is_taken_by_one_driver_alone(
    tmp_path: Path, bucket: BucketFiles
) -> None:
    held_elsewhere(bucket)
    bucket.write("ledger.jsonl", b"")
    lines = race(tmp_path / "race", bucket, -5.0)
    assert lines.count("won") == 1, lines


def test_a_driver_that_lost_its_lease_can_neither_renew_nor_release_it(
    bucket: BucketFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Lease(bucket)
    mine.take("")
    held_elsewhere(bucket)
    before = bucket.read(LEASE)
    monkeypatch.setattr(lease, "_RENEW_S", -1.0)
    for act in (mine.renew, mine.release, mine.refuse_taken):
        with pytest.raises(RunFolderError, match="taken over by elsewhere:1:2"):
            act()
    assert bucket.read(LEASE) == before


def test_a_lease_whose_file_was_deleted_is_lost(
    bucket: BucketFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Lease(bucket)
    mine.take("")
    bucket.delete(LEASE)
    monkeypatch.setattr(lease, "_RENEW_S", -1.0)
    with pytest.raises(RunFolderError, match="is gone"):
        mine.renew()


def test_two_threads_of_a_driver_may_renew_at_once(
    bucket: BucketFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Lease(bucket)
    mine.take("")
    monkeypatch.setattr(lease, "_RENEW_S", -1.0)
    failed: list[BaseException] = []

    def renew() -> None:
        try:
            mine.renew()
        except RunFolderError as err:
            failed.append(err)

    threads = [threading.Thread(target=renew) for _ in range(8)]
    [one.start() for one in threads]
    [one.join() for one in threads]
    assert failed == []


def test_a_version_is_written_upon_the_one_that_was_read(bucket: BucketFiles) -> None:
    one, other = ConditionalFile(bucket, "file"), ConditionalFile(bucket, "file")
    assert one.read() is None
    first = one.write(b"1", None)
    with pytest.raises(OvertakenError):
        other.write(b"2", None)
    second = other.write(b"2", other.read())
    with pytest.raises(OvertakenError):
        one.write(b"3", first)
    assert one.read() == second
    assert 0 <= one.age_s() < 60
    assert set(bucket.names()) == {"file"}


def test_a_write_whose_answer_was_lost_is_known_as_ones_own(bucket: BucketFiles) -> None:
    one = ConditionalFile(bucket, "file")
    first = one.write(b"1", None)
    second = one.write(b"2", first)
    assert one.write(b"2", first) == second  # as it is when the client tries again


class _Careless(BaseHTTPRequestHandler):
    """Passes requests on without their conditions, as a store that does not know them."""

    to: ClassVar[str]

    def pass_on(self) -> None:
        """Answer as the store does."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kept = {k: v for k, v in self.headers.items() if not k.lower().startswith("if-")}
        request = Request(self.to + self.path, body or None, kept, method=self.command)
        try:
            answer = urlopen(request, timeout=30)
        except HTTPError as err:
            answer = err
        content = answer.read()
        self.send_response(answer.status or 500)
        for name, value in answer.headers.items():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def careless(store: ObjectStore) -> Iterator[str]:
    where = store.uri.partition("endpoint_override=")[2].partition("&")[0]
    methods = {f"do_{verb}": _Careless.pass_on for verb in ("GET", "PUT", "HEAD", "DELETE", "POST")}
    handler = type("Handler", (_Careless,), {"to": f"http://{where}", **methods})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield store.uri.replace(where, f"127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


def test_a_store_that_ignores_conditions_is_refused(store: ObjectStore, tmp_path: Path) -> None:
    with careless(store) as uri:
        mine = Lease(BucketFiles(uri).below(tmp_path.name))
        with pytest.raises(RunFolderError, match="ignores the condition of a conditional write"):
            mine.take("")


@pytest.mark.parametrize("profile", ["default", "team"])
def test_keys_are_read_from_awss_file_of_credentials(
    bucket: BucketFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    for name in ACCOUNT:
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    file.write_text(f"[{profile}]\naws_access_key_id = tests\naws_secret_access_key = te%sts\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", profile)
    assert ConditionalFile(bucket, "file").write(b"1", None).content == b"1"


def test_a_holder_whose_renewal_was_written_and_not_answered_still_holds_it(
    bucket: BucketFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Lease(bucket)
    mine.take(None)
    write = ConditionalFile.write

    def unanswered(self: ConditionalFile, *words: Any) -> Any:
        write(self, *words)
        raise OSError("operation timed out")

    with monkeypatch.context() as patched:
        patched.setattr(lease, "_RENEW_S", 0.0)
        patched.setattr(ConditionalFile, "write", unanswered)
        with pytest.raises(OSError, match="timed out"):
            mine.renew()
    monkeypatch.setattr(lease, "_RENEW_S", 0.0)
    mine.renew()
    mine.refuse_taken()
    held_elsewhere(bucket)
    with pytest.raises(RunFolderError, match="taken over by elsewhere:1:2"):
        mine.renew()

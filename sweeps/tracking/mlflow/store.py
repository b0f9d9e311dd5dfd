"""The MLflow store that a URI names: opening it, and its errors in our words, without passwords."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage
from mlflow.exceptions import MlflowException

from sweeps.errors import RefusedRecordError, TrackingError
from sweeps.infra.settings import without_password
from sweeps.infra.sqlite_uri import file_of, uri_of
from sweeps.tracking.address import said_by_status
from sweeps.tracking.mlflow.runs import NOTE_TAG

__all__ = [
    "experiment_id_of",
    "map_concurrently",
    "note_experiment",
    "open_client",
    "translated_errors",
    "without_password",
]

Item = TypeVar("Item")

# A server answers others while one request waits for its database; more than this few would keep
# the people who look at its pages waiting.
_REQUESTS_AT_ONCE = 4
_LONGEST_MESSAGE = 300
# Error codes of requests that are wrong in themselves. All others may pass another time.
_WRONG_REQUEST = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
_STATUS = re.compile(r"failed with error code (\d{3}) != 200|too many (\d{3}) error responses")
_UNKNOWN_SCHEME = re.compile(r"got unsupported URI '([^']*)'")
# When the sweep was made that an experiment's tags are of, and the description that we gave it.
_LATEST_TAG, _OWN_NOTE_TAG = "mlflow.sweeps.latest", "mlflow.sweeps.note"
# What the experiment is for, in MLflow's own words.
_EXPERIMENT = {"mlflow.experimentKind": "custom_model_development"}


def open_client(uri: str) -> MlflowClient:
    """Return a client; a SQLite store is created once, under a lock, in write-ahead mode."""
    path = file_of(uri)
    if path is None:
        return MlflowClient(uri, os.environ.get("MLFLOW_REGISTRY_URI") or uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    _make_no_folders()
    with (path.parent / f".{path.name}.lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _create(path)
        client = MlflowClient(uri, os.environ.get("MLFLOW_REGISTRY_URI") or uri)
        client.search_experiments(max_results=1)
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
    return client


def _make_no_folders() -> None:
    """Keep MLflow from making the folder that an address spells: `a%2520b` for one called `a%20b`.

    It makes the folder of a SQLite file from the address as it is written, not as it is read.
    """
    from mlflow.store.db import utils as mlflow_db

    mlflow_db._make_parent_dirs_if_sqlite = lambda db_uri: None


def _create(path: Path) -> None:
    """Make a SQLite store under another name, then rename it.

    MLflow makes its tables one by one for some seconds, and a kill in between would leave a file
    that it can never open again.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    unfinished = path.with_name(f".{path.name}.new")
    for left in path.parent.glob(f"{unfinished.name}*"):
        left.unlink()
    # MLflow writes into SQL, as it is, where its `Default` experiment has its artifacts: in an
    # address all marks are quoted. Without one it would be the current folder's `mlruns`.
    store: Any = SqlAlchemyStore  # has no types
    store(uri_of(unfinished), _artifacts_beside(path)).engine.dispose()
    unfinished.replace(path)


def experiment_id_of(client: MlflowClient, name: str, uri: str) -> str:
    """Return the experiment called `name`; it is made where there is none.

    One that was deleted keeps its name for ever and takes no runs, so the next is `name-2`.
    """
    for number in itertools.count(1):
        found = _experiment(client, name if number == 1 else f"{name}-{number}", uri)
        if found.lifecycle_stage == LifecycleStage.ACTIVE:
            return str(found.experiment_id)
    raise AssertionError("a count has no end")


def _experiment(client: MlflowClient, name: str, uri: str) -> Experiment:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found
    try:
        location = _artifact_location(uri)
        made = client.create_experiment(name, artifact_location=location, tags=_EXPERIMENT)
        return client.get_experiment(made)
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return found


def note_experiment(
    client: MlflowClient, experiment_id: str, tags: Mapping[str, str], at: float
) -> None:
    """Tag an experiment with what its latest sweep found; what a person wrote there stays.

    Args:
        tags: Its description among them.
        at: When the sweep was made, in seconds since 1970: of an earlier one nothing is told.
    """
    there = client.get_experiment(experiment_id).tags
    if float(there.get(_LATEST_TAG, 0.0)) > at:
        return
    is_ours = there.get(NOTE_TAG, "") == there.get(_OWN_NOTE_TAG, "")
    told = {key: value for key, value in tags.items() if key != NOTE_TAG or is_ours}
    told |= {_LATEST_TAG: repr(at), _OWN_NOTE_TAG: told.get(NOTE_TAG, there.get(_OWN_NOTE_TAG, ""))}
    for key, value in told.items():
        if there.get(key) != value:
            client.set_experiment_tag(experiment_id, key, value)


def map_concurrently(
    uri: str, act: Callable[[Item], None], items: Iterable[Item]
) -> Iterator[Item]:
    """Call `act` with each item, and yield those done; several at a time where a server answers.

    SQLite has one writer, so there they come one after the other.

    Raises:
        TrackingError: `act` raised it; of the other items those that were not begun are left.
    """
    if file_of(uri) is not None:
        for item in items:
            act(item)
            yield item
        return
    with ThreadPoolExecutor(_REQUESTS_AT_ONCE, "mlflow") as pool:
        begun = {pool.submit(act, item): item for item in items}
        try:
            for one in as_completed(begun):
                one.result()
                yield begun[one]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def translated_errors(uri: str) -> Iterator[None]:
    """Turn what MLflow and its transports raise into TrackingError.

    Its transports (requests, SQLAlchemy, object stores) share no base class: any exception out of
    the client means that the record could not be written now. RefusedRecordError where MLflow
    says that the request is wrong.
    """
    try:
        yield
    except TrackingError:
        raise
    except Exception as err:
        lines = str(err).strip().splitlines() or [type(err).__name__]
        text = _plain(lines[0])
        for one in (uri, os.environ.get("MLFLOW_REGISTRY_URI", "")):
            text = _hide_password(text, one)
        text = text[:_LONGEST_MESSAGE]
        is_refusal = isinstance(err, MlflowException) and err.error_code in _WRONG_REQUEST
        kind = RefusedRecordError if is_refusal else TrackingError
        raise kind(f"MLflow at {without_password(uri)}: {text}") from err


def _plain(text: str) -> str:
    """Return what a person needs of MLflow's account of a failed request."""
    if (scheme := _UNKNOWN_SCHEME.search(text)) is not None:
        return f"MLflow has no store of that kind ({scheme[1]})"
    if (status := _STATUS.search(text)) is not None:
        return said_by_status(int(status[1] or status[2]))
    if "ConnectionPool(" not in text:
        return text
    if "timed out" in text:
        return "no answer in time"
    if "NameResolutionError" in text:
        return "unknown host"
    return "connection refused" if "refused" in text else text


def _hide_password(text: str, uri: str) -> str:
    """Return a message in which the password of `uri`, quoted or not, is hidden."""
    account = uri.partition("://")[2].rpartition("@")[0]
    password = account.partition(":")[2]
    if not password or uri == without_password(uri):
        return text
    return (
        text.replace(uri, without_password(uri))
        .replace(password, "***")
        .replace(unquote(password), "***")
    )


def _artifact_location(uri: str) -> str | None:
    """Beside a SQLite store; where the server wants them otherwise."""
    file = file_of(uri)
    return None if file is None else _artifacts_beside(file)


def _artifacts_beside(store: Path) -> str:
    return store.absolute().with_name("mlartifacts").as_uri()

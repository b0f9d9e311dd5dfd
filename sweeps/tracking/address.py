"""Tells quickly, without MLflow, that nothing can be recorded at an address.

Asked before the first trial, so it says what is certain and no more: what it cannot judge in a few
seconds is left to the tracker, which tries for as long as the sweep runs.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import threading
import urllib.error
import urllib.request
from http.client import HTTPException
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sweeps.infra.sqlite_uri import file_of

__all__ = ["said_by_status", "trouble_at"]

_SIGN_IN = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
_PATIENCE_S = 3.0
_SERVERS = ("http", "https")
_DATABASES = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
# Left to MLflow, some of them without `://`.
_OTHERS = ("sqlite", "databricks", "databricks-uc", "uc")
# Where MLflow takes who asks from, beside what is sent here.
_OTHER_SIGN_IN = ("MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4")
_OTHER_ACCOUNTS = ("~/.mlflow/credentials", "~/.netrc")
_SQLITE_BEGINS = b"SQLite format 3\0"
_QUESTION = "/api/2.0/mlflow/experiments/search?max_results=1"


def trouble_at(uri: str) -> str:
    """Return why nothing can be recorded at an MLflow URI, after 3 s at most; empty if unknown."""
    found: list[str] = []
    # A daemon thread, as nothing else bounds how long a name is looked up.
    asking = threading.Thread(target=lambda: found.append(_trouble(uri)), daemon=True)
    asking.start()
    asking.join(_PATIENCE_S)
    return found[0] if found else "no answer in time"


def _trouble(uri: str) -> str:
    try:
        parts = urlsplit(uri)
        scheme, host, port = parts.scheme.partition("+")[0], parts.hostname, parts.port
    except ValueError:
        return "it is not an address"
    if (file := file_of(uri)) is not None:
        return _of_file(file)
    scheme = scheme or (uri if uri in _OTHERS else "file")
    if scheme == "file":
        return _of_folder()
    if scheme in _SERVERS:
        return _of_server(uri) if host else "it names no host"
    if scheme in _DATABASES:
        return _of_database(host, port or _DATABASES[scheme]) if host else ""
    known = {*_OTHERS, *(one.name for one in entry_points(group="mlflow.tracking_store"))}
    if scheme in known:
        return ""
    return f"{scheme}:// is not an address for MLflow (http, https, sqlite, postgresql, mysql)"


def _of_file(file: Path) -> str:
    try:
        if file.exists():
            with file.open("rb") as store:
                begins = store.read(len(_SQLITE_BEGINS))
            return "" if begins in (b"", _SQLITE_BEGINS) else "that file is not a SQLite database"
        folder = next(one for one in file.parents if one.exists())
    except OSError as err:
        return f"it cannot be read: {err.strerror}"
    return "" if os.access(folder, os.W_OK) else f"{folder} cannot be written to"


def _of_folder() -> str:
    if os.environ.get("MLFLOW_ALLOW_FILE_STORE", "").lower() in ("true", "1"):
        return ""
    return "MLflow no longer keeps its records in plain folders: name a file, sqlite:///PATH.db"


def _of_database(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), timeout=_PATIENCE_S).close()
    except OSError as err:
        return _in_words(err)
    return ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, which would carry the password to an address nobody named."""

    def redirect_request(self, *asked: Any, **options: Any) -> None:
        """Have the answer taken as it is."""


def _of_server(uri: str) -> str:
    address, account = _without_account(uri)
    request = urllib.request.Request(address.rstrip("/") + _QUESTION, headers=account)
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_PATIENCE_S) as answer:
            text = answer.read(1 << 20)
    except urllib.error.HTTPError as err:
        err.close()
        return _of_answer(err.code)
    except (OSError, ValueError, HTTPException) as err:
        reason = getattr(err, "reason", err)
        return _in_words(reason) if isinstance(reason, OSError) else ""
    try:
        json.loads(text)
    except ValueError:
        return "what answers there is not an MLflow server"
    return ""


def said_by_status(code: int) -> str:
    """Return what an HTTP status of 400 and above says of a server."""
    if code == 401:
        return f"the server requires a login (401): {_SIGN_IN}"
    if code == 403:
        return "this account lacks permission (403)"
    if code == 404:
        return "what answers there is not an MLflow server (404)"
    return f"the server answers {code}"


def _of_answer(code: int) -> str:
    is_of_account = code in (401, 403)
    is_sure = code >= 500 or code == 404 or (is_of_account and not _signs_in_elsewhere())
    return said_by_status(code) if is_sure else ""


def _signs_in_elsewhere() -> bool:
    return any(os.environ.get(name) for name in _OTHER_SIGN_IN) or any(
        Path(one).expanduser().exists() for one in _OTHER_ACCOUNTS
    )


def _without_account(uri: str) -> tuple[str, dict[str, str]]:
    """Return an address without its account, and the headers that sign in as MLflow would."""
    parts = urlsplit(uri)
    account, _, host = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    user = unquote(user) or os.environ.get("MLFLOW_TRACKING_USERNAME", "")
    password = unquote(password) or os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    token = os.environ.get("MLFLOW_TRACKING_TOKEN", "")
    headers = {}
    if user and password:
        code = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {code}"
    elif token:
        headers["Authorization"] = f"Bearer {token}"
    return parts._replace(netloc=host, query="", fragment="").geturl(), headers


def _in_words(err: OSError) -> str:
    """Return what keeps a connection from being made; empty where a certificate does.

    MLflow has other certificates than this, and may take what this refuses.
    """
    if isinstance(err, socket.gaierror):
        return "unknown host"
    if isinstance(err, ConnectionRefusedError):
        return "connection refused"
    if isinstance(err, TimeoutError):
        return "no answer in time"
    is_network = type(err) is OSError or isinstance(err, ConnectionError)
    return f"{err.strerror}" if is_network and err.strerror else ""

"""A sweep's log for those who look for a fault: JSON lines in `log.jsonl`, one an occurrence.

It repeats what the ledger has in words and with identities, so that a log collector can take it in
beside those of other sweeps; nothing reads it back. The tracker has one of the same form.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sweeps.definition.sweep_file import SweepFile
from sweeps.infra.settings import without_password
from sweeps.record.run_folder import RunFolder
from sweeps.record.stops import read_stop
from sweeps.record.sweep_record import Outcome

__all__ = ["LOG_FILE", "log", "log_event", "log_settings", "logged", "logged_stage"]

LOG_FILE = "log.jsonl"
_LOGGER = logging.getLogger("sweeps")


@contextmanager
def logged(folder: RunFolder, file: str = LOG_FILE) -> Iterator[None]:
    """Append what is logged by `sweeps` to a file of the folder until the block is left.

    An error that leaves the block is logged, too.
    """
    handler = _BestEffortFileHandler(folder.path / file, encoding="utf-8", delay=True)
    handler.setFormatter(_JsonLines(folder.name, folder.read_description().id))
    level = _LOGGER.level
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    try:
        yield
    except BaseException as err:
        _LOGGER.error("%s: %s", type(err).__name__, err)
        raise
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(level)
        handler.close()


@contextmanager
def logged_stage(stage: str) -> Iterator[None]:
    """Have what is logged carry the name of a stage, whose trials count from 0 again."""

    def mark(record: logging.LogRecord) -> bool:
        record.stage = stage
        return True

    _LOGGER.addFilter(mark)
    try:
        yield
    finally:
        _LOGGER.removeFilter(mark)


def log(level: int, text: str) -> None:
    """Log what is in no event of the ledger; `level` is one of Python's logging."""
    _LOGGER.log(level, "%s", text)


def log_settings(file: SweepFile, tracking_uri: str | None) -> None:
    """Log what decides how a session runs, without secrets."""
    sections = {name: getattr(file, name) for name in ("budget", "resources", "trial")}
    said = {name: one.model_dump(mode="json", exclude_none=True) for name, one in sections.items()}
    texts = [f"{name} {json.dumps(one)}" for name, one in said.items()]
    uri = "none" if tracking_uri is None else without_password(tracking_uri).partition("?")[0]
    log(logging.INFO, f"settings: MLflow {uri}; {'; '.join(texts)}")


def log_event(event: Mapping[str, Any]) -> None:
    """Log an event of the ledger; reports, starts and decisions are only there."""
    level, text = _in_words(event)
    if text:
        _LOGGER.log(level, "%s", text, extra={"trial": event.get("trial")})


def _in_words(event: Mapping[str, Any]) -> tuple[int, str]:
    match event["event"]:
        case "session":
            versions = ", ".join(f"{name} {text}" for name, text in event["versions"].items())
            nodes = ", ".join(str(node["name"]) for node in event["nodes"])
            where = f"{event['runner']} on {nodes}" if nodes else event["runner"]
            more = f" of {event['wanted']}" if "wanted" in event else ""
            trials = f"{event['trials']}{more} trials"
            return logging.INFO, f"{event['action']}: {trials}, {where}; {versions}"
        case "exhausted":
            rule = "all configurations of the space were tried"
            return logging.INFO, f"{event['trials']} trials in all: {rule}"
        case "failure":
            return logging.WARNING, _failure(event)
        case "outcome":
            is_bad = event["outcome"] == Outcome.FAILED
            reason = f": {event['reason']}" if event["reason"] else ""
            return logging.ERROR if is_bad else logging.INFO, f"{event['outcome']}{reason}"
        case "copied":
            return (
                logging.INFO,
                f"continues as a copy of trial {event['source']} after epoch {event['epoch']}",
            )
        case "shared":
            return logging.INFO, event["text"] or "has the nodes that it can use"
        case "nodes":
            return logging.WARNING if event["lost"] else logging.INFO, _of_nodes(event)
        case "reopened":
            return logging.INFO, "to be tried again"
        case "end":
            stop = read_stop(event)
            return logging.INFO, f"the session is over: {stop or 'nothing is left'}"
    return logging.DEBUG, ""


def _of_nodes(event: Mapping[str, Any]) -> str:
    then = "has left the cluster; its trials continue on other nodes"
    said = [f"node {name} {then}" for name in event["lost"]]
    return "; ".join([*said, *(f"node {name} has joined the cluster" for name in event["joined"])])


def _failure(event: Mapping[str, Any]) -> str:
    error = event["error"].splitlines()[0]
    if event.get("of_node"):
        told = (
            "its node was lost, or cannot train: it continues on another node, with all of its "
            "retries"
        )
        return f"{told} ({error})"
    return f"an attempt failed: {error}"


class _JsonLines(logging.Formatter):
    def __init__(self, sweep: str, identity: str) -> None:
        super().__init__()
        self._about = {"sweep": sweep, "id": identity}

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "level": record.levelname.lower(), **self._about}
        marks = {name: getattr(record, name, None) for name in ("stage", "trial")}
        about = {name: mark for name, mark in marks.items() if mark is not None}
        return json.dumps({**line, **about, "message": record.getMessage()})


class _BestEffortFileHandler(logging.FileHandler):
    """Gives up what cannot be written: a log costs no sweep."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # of opening; others go to handleError
            super().emit(record)

    def close(self) -> None:
        with suppress(OSError):  # of what a full disk has not taken
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Do nothing, where logging would print."""

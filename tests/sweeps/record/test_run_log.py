"""The log has what happened to which trial, one JSON object a line, and costs no sweep."""

from __future__ import annotations

import json
import logging
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.errors import StorageError
from sweeps.record.run_folder import RunFolder
from sweeps.record.run_log import LOG_FILE, log_event, log_settings, logged
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep


def lines_of(folder: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder.path / LOG_FILE).read_text().splitlines()]


def test_what_happened_to_which_trial_is_logged(tmp_path: Path) -> None:
    target = own_net(
        tmp_path, "logged_net", "        if self.number == 1: raise ValueError('no')\n"
    )
    models = f"{{choice: [{custom_model(target, 0)}, {custom_model(target, 1)}]}}"
    path = write_sweep(
        tmp_path,
        search="{method: grid}",
        trial="{retries: 1}",
        space=space(models, "{kind: adam, lr: 0.01}"),
    )
    results = sweeps.run(path, runs=tmp_path, runner="local", tracking_uri="none")
    lines = lines_of(results.folder)
    assert {(line["sweep"], line["id"]) for line in lines} == {
        ("blobs", results.folder.read_description().id)
    }
    assert all(datetime.fromisoformat(line["time"]).tzinfo is not None for line in lines)
    assert "2 trials, local" in lines[0]["message"]
    assert "torch 2." in lines[0]["message"]
    by_trial = [(line.get("trial"), line["level"], line["message"]) for line in lines[1:]]
    assert (0, "info", "completed") in by_trial
    attempts = [one for one in by_trial if one[:2] == (1, "warning")]
    assert len(attempts) == 2
    assert all(text.startswith("an attempt failed: NetError") for _, _, text in attempts)
    assert [one[:2] for one in by_trial if one[2].startswith("failed: ")] == [(1, "error")]
    assert by_trial[-1] == (None, "info", "the session is over: nothing is left")


def test_an_error_that_ends_a_session_is_logged(tmp_path: Path) -> None:
    results = sweeps.run(write_sweep(tmp_path), runs=tmp_path, runner="local", tracking_uri="none")
    with pytest.raises(StorageError), logged(results.folder):
        raise StorageError("the disk is full")
    last = lines_of(results.folder)[-1]
    assert (last["level"], last["message"]) == ("error", "StorageError: the disk is full")
    assert logging.getLogger("sweeps").handlers == []


def test_the_trials_of_a_stage_are_told_from_those_of_the_search(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, final="{top_k: 1, seeds: 2}")
    results = sweeps.run(path, runs=tmp_path, runner="local", tracking_uri="none")
    ended = [line for line in lines_of(results.folder) if line["message"] == "completed"]
    assert Counter(line.get("stage") for line in ended) == {None: 6, "final": 2, "final/refit": 1}
    assert len({(line.get("stage"), line["trial"]) for line in ended}) == 9


def test_a_session_begins_with_its_settings_and_says_when_it_was_asked_to_stop(
    tmp_path: Path,
) -> None:
    path = write_sweep(tmp_path, budget="{trials: 2}")
    uri = "http://ann:s3cret@127.0.0.1:9"
    results = sweeps.run(path, runs=tmp_path, runner="local", tracking_uri="none")
    with logged(results.folder):
        log_settings(results.folder.read_sweep(), uri)
    text = (results.folder.path / LOG_FILE).read_text()
    assert "s3cret" not in text
    messages = [line["message"] for line in lines_of(results.folder)]
    settings = [text for text in messages if text.startswith("settings: ")]
    assert len(settings) == 2
    assert "MLflow none" in settings[0]
    assert '; budget {"trials": 2}; ' in settings[0]
    assert "MLflow http://ann:***@127.0.0.1:9" in settings[1]
    stops = [text for text in messages if text.startswith("stopping: ")]
    assert stops == ["stopping: budget.trials = 2 trials have ended"]


def test_a_full_disk_costs_the_log_alone(tmp_path: Path) -> None:
    results = sweeps.run(write_sweep(tmp_path), runs=tmp_path, runner="local", tracking_uri="none")
    (results.folder.path / LOG_FILE).unlink()
    (results.folder.path / LOG_FILE).symlink_to("/dev/full")
    more = sweeps.extend(results.folder.path, 1, runner="local", tracking_uri="none")
    assert more.is_finished
    assert len(more.record.trials) == 7


def test_a_log_that_cannot_be_written_costs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = sweeps.run(write_sweep(tmp_path), runs=tmp_path, runner="local", tracking_uri="none")
    (results.folder.path / LOG_FILE).unlink()
    (results.folder.path / LOG_FILE).mkdir()
    more = sweeps.extend(results.folder.path, 1, runner="local", tracking_uri="none")
    assert len(more.record.trials) == 7
    assert "log.jsonl" not in capsys.readouterr().err


def test_a_lost_node_is_said_in_words_and_that_no_retry_is_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failure = {"event": "failure", "trial": 2, "of_node": True}
    nodes = {"event": "nodes", "lost": ["worker-1"], "joined": ["worker-3"]}
    with caplog.at_level(logging.INFO, logger="sweeps"):
        log_event({**failure, "error": "WorkerDied: its node has died\nat some place"})
        log_event({**failure, "of_node": False, "error": "ValueError: bad"})
        log_event(nodes)
    assert [record.getMessage() for record in caplog.records] == [
        "its node was lost, or cannot train: it continues on another node, with all of its retries "
        "(WorkerDied: its node has died)",
        "an attempt failed: ValueError: bad",
        "node worker-1 has left the cluster; its trials continue on other nodes; "
        "node worker-3 has joined the cluster",
    ]

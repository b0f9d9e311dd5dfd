"""A page is told what the record has, each line once, and only where the record changed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.errors import RunFolderError
from sweeps.findings.results import Results
from sweeps.record.run_folder import RunFolder
from sweeps.tracking.follower import Follower
from sweeps.watch.feed import Feed
from tests.sweeps.sweep_files import write_sweep

OLD = Path(__file__).resolve().parents[2] / "data" / "format_1"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("watch")
    path = write_sweep(folder, search="{method: random, trials: 8}", stopping="{scheduler: asha}")
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def cut_at(results: Results, folder: Path, line: int) -> Feed:
    """Return the feed of a copy whose ledger ends after so many lines."""
    shutil.copytree(results.path, folder)
    ledger = folder / "ledger.jsonl"
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:line]))
    return Feed(RunFolder.open(folder))


def grow(results: Results, feed: Feed, line: int) -> None:
    lines = results.folder.ledger.read_bytes().splitlines(keepends=True)
    feed.folder.ledger.write_bytes(b"".join(lines[:line]))


def curves_of(answers: list[dict[str, Any]]) -> dict[int, list[tuple[int, float]]]:
    """Join what several answers say of the curves, as the page does."""
    found: dict[int, list[tuple[int, float]]] = {}
    for answer in answers:
        for trial, points in answer["curves"].items():
            found[trial] = [*found.get(trial, []), *points]
    return found


def test_trials_are_those_of_the_record(results: Results) -> None:
    rows = Feed(results.folder).changes()["trials"]
    frame = results.trials().sort_values("trial")
    assert [row["trial"] for row in rows] == frame.trial.tolist()
    assert [row["outcome"] for row in rows] == frame.outcome.tolist()
    assert [row["value"] for row in rows] == frame.best_dev_loss.tolist()
    assert [row["best_epoch"] for row in rows] == frame.best_epoch.tolist()


def test_parameters_are_those_of_the_configurations(results: Results) -> None:
    answer = Feed(results.folder).changes()
    at = [one["name"] for one in answer["dimensions"]].index("optimizer.lr")
    rates = [one.trial.configuration["optimizer"]["lr"] for one in results.record.trials]
    assert [row["values"][at] for row in answer["trials"]] == rates


def test_curves_are_the_objective_of_every_epoch(results: Results) -> None:
    epochs = results.epochs()
    found = curves_of([Feed(results.folder).changes()])
    own = epochs[epochs.trial == 3]
    assert sum(map(len, found.values())) == len(epochs)
    assert [epoch for epoch, _ in found[3]] == own.epoch.tolist()
    assert [value for _, value in found[3]] == pytest.approx(own.dev_loss.tolist(), rel=1e-5)


def test_the_head_says_how_far_the_sweep_is(results: Results) -> None:
    head = Feed(results.folder).changes()["sweep"]
    assert results.winner is not None
    assert head["state"] == "ended"
    assert head["wanted"] == sum(head["outcomes"].values()) == 8
    assert (head["metric"], head["mode"]) == ("dev_loss", "min")
    assert (head["best"], head["best_value"]) == (
        results.winner["trial"],
        results.winner["best"]["dev_loss"],
    )


def test_nothing_is_told_twice(results: Results) -> None:
    feed = Feed(results.folder)
    first = feed.changes()
    again = feed.changes(first["cursor"])
    assert first["whole"]
    assert not again["whole"]
    assert (again["trials"], again["curves"], again["dimensions"]) == ([], {}, None)


def test_line_by_line_a_page_comes_to_know_the_same_as_all_at_once(
    results: Results, tmp_path: Path
) -> None:
    lines = len(results.folder.ledger.read_bytes().splitlines())
    feed = cut_at(results, tmp_path / "copy", 1)
    answers = [feed.changes()]
    for line in range(2, lines + 1):
        grow(results, feed, line)
        answers.append(feed.changes(answers[-1]["cursor"]))
    whole = Feed(results.folder).changes()
    trials = {row["trial"]: row for answer in answers for row in answer["trials"]}
    assert [answer["whole"] for answer in answers] == [True] + [False] * (lines - 1)
    assert list(trials.values()) == whole["trials"]
    assert curves_of(answers) == whole["curves"]
    assert max(len(answer["trials"]) for answer in answers[2:-1]) == 1


def test_a_folder_that_was_restored_from_a_backup_is_told_whole(
    results: Results, tmp_path: Path
) -> None:
    feed = cut_at(results, tmp_path / "copy", 12)
    before = feed.changes()
    grow(results, feed, 5)
    after = feed.changes(before["cursor"])
    assert after["whole"]
    assert len(after["trials"]) == 8


def test_trials_that_are_added_are_told(results: Results, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(results.path, folder)
    feed = Feed(RunFolder.open(folder))
    before = feed.changes()
    sweeps.extend(folder, trials=2, runner="local", tracking_uri="none")
    after = feed.changes(before["cursor"])
    assert after["sweep"]["wanted"] == len(after["trials"]) == 10


def test_several_pages_each_have_their_own_cursor(results: Results, tmp_path: Path) -> None:
    feed = cut_at(results, tmp_path / "copy", 6)
    early = feed.changes()
    grow(results, feed, 14)
    late = feed.changes()
    own = feed.changes(early["cursor"])
    assert curves_of([early, own]) == late["curves"]
    assert feed.changes(late["cursor"])["trials"] == []


@pytest.mark.parametrize("cursor", ["", "x", "1.", "1.99999", "9.1", "1.-3", "1.²", "1.1.1"])
def test_a_cursor_of_something_else_is_answered_with_everything(
    results: Results, cursor: str
) -> None:
    assert Feed(results.folder).changes(cursor)["whole"]


@pytest.mark.parametrize("name", sorted(path.name for path in OLD.iterdir() if path.is_dir()))
def test_folders_of_earlier_versions_are_shown(tmp_path: Path, name: str) -> None:
    shutil.copytree(OLD / name, tmp_path / name)
    folder = RunFolder.open(tmp_path / name)
    files = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    answer = Feed(folder).changes()
    assert len(answer["trials"]) == answer["sweep"]["wanted"]
    assert answer["sweep"]["state"] in ("ended", "interrupted")
    assert files == {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}


def test_a_failed_trial_has_its_reason(tmp_path: Path) -> None:
    shutil.copytree(OLD / "failures", tmp_path / "failures")
    rows = Feed(RunFolder.open(tmp_path / "failures")).changes()["trials"]
    failed = [row for row in rows if row["outcome"] == "failed"]
    assert len(failed) == 2
    assert all(row["reason"] for row in failed)


def test_a_sweep_that_was_left_out_of_mlflow_has_no_page_there_until_it_is_recorded(
    results: Results, tmp_path: Path
) -> None:
    feed = cut_at(results, tmp_path / "copy", 1)
    assert not feed.is_in_mlflow()
    Follower(feed.folder, "none").write_status()  # as a `sync` begins
    assert feed.is_in_mlflow()
    shutil.copytree(OLD / "finished", tmp_path / "finished")
    assert Feed(RunFolder.open(tmp_path / "finished")).is_in_mlflow()


def test_a_killed_sweep_has_no_trial_that_runs(tmp_path: Path) -> None:
    shutil.copytree(OLD / "killed", tmp_path / "killed")
    head = Feed(RunFolder.open(tmp_path / "killed")).changes()["sweep"]
    assert (head["state"], head["running"]) == ("interrupted", 0)


def test_a_damaged_ledger_is_an_error(results: Results, tmp_path: Path) -> None:
    feed = cut_at(results, tmp_path / "copy", 9)
    feed.folder.ledger.write_bytes(feed.folder.ledger.read_bytes().replace(b'"t":', b'"u":', 1))
    with pytest.raises(RunFolderError, match="line 1"):
        feed.changes()


def test_the_course_is_the_best_so_far_by_trials_and_work_up_to_now(results: Results) -> None:
    course = Feed(results.folder).course()
    ended = sorted(results.record.trials, key=lambda trial: trial.ended)
    steps = course["steps"]
    assert [count for count, _, _ in steps] == sorted({count for count, _, _ in steps})
    assert steps[-1][0] == len(ended) == 8
    for count, worked_s, best in steps:
        values = [results.record.value(one) for one in ended[:count]]
        assert best == min(one for one in values if one is not None)
        assert worked_s == pytest.approx(ended[count - 1].worked_s, abs=1e-3)
    assert course["settings"]["search.trials"] == "8"
    assert course["settings"]["objective.metric"] == "dev_loss"

"""Run folders as version 0.1.0 wrote them (ledgers of format 1): read, shown, resumed, reported.

tests/data/format_1 has one of each kind, without what is made from the others; BASE_DIR stands for
the folder of their sweep files.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import sweeps
from sweeps.errors import RequestError, RunFolderError
from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import Outcome
from sweeps.service.running import open_run
from sweeps.terminal.overview import overview_of
from sweeps.terminal.tables import print_answer
from tests.sweeps.sweep_files import space, write_sweep

KEPT = Path(__file__).resolve().parents[2] / "data" / "format_1"
ON_DISK: dict[str, Any] = {"runner": "local", "tracking_uri": "none"}
ENDED = ("finished", "folds", "halved")
STOPPED = {
    "failures": "2 trials failed; budget.max_failures = 1",
    "interrupted": "interrupted by SIGTERM",
    "killed": "",
    "target": "budget.target = 0.4 is reached",
    "time": "budget.time_s = 1 s is used up",
    "trials": "budget.trials = 2 trials have ended",
}

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
Copy = Callable[[str], Path]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Return what makes a copy of a kept run folder, whose sweep file came from `tmp_path`."""
    shutil.copy(KEPT / "slow_net.py", tmp_path)

    def made(name: str) -> Path:
        folder = Path(shutil.copytree(KEPT / name, tmp_path / "runs" / name))
        for file in folder.rglob("*.json*"):
            file.write_text(file.read_text().replace("BASE_DIR", str(tmp_path)))
        return folder

    return made


def answer(path: Path) -> str:
    screen = StringIO()
    print_answer(open_run(path), Console(width=200, file=screen))
    return screen.getvalue()


@pytest.mark.parametrize("name", ENDED)
def test_a_sweep_that_has_ended_is_ended(name: str, copy: Copy) -> None:
    path = copy(name)
    results = open_run(path)
    assert results.is_finished
    assert results.record.best is not None
    assert overview_of(RunFolder.open(path)).state == "ended"
    assert "Best of the search: trial" in answer(path) or "Final winner: trial" in answer(path)


@pytest.mark.parametrize("name", sorted(STOPPED))
def test_a_sweep_that_was_stopped_says_why(name: str, copy: Copy) -> None:
    path = copy(name)
    results = open_run(path)
    assert not results.is_finished
    assert STOPPED[name] in answer(path)
    assert overview_of(RunFolder.open(path)).state == "interrupted"


def test_what_was_found_is_read_as_it_was_written(copy: Copy) -> None:
    results = open_run(copy("finished"))
    kept = json.loads((KEPT / "finished/final/final.json").read_bytes())
    assert results.final is not None
    assert results.final.winner.trial == kept["candidates"][0]["trial"]
    assert results.openings[0].metrics["test_accuracy"].value == pytest.approx(0.8666666666666667)
    assert len(results.epochs()) == 12
    assert [trial.outcome for trial in results.record.trials] == [Outcome.COMPLETED] * 4


def test_a_halved_sweep_has_its_pruned_trials_and_their_audit(copy: Copy) -> None:
    results = open_run(copy("halved"))
    assert results.record.outcomes == {Outcome.COMPLETED: 2, Outcome.PRUNED: 4}
    assert [one.would_win for one in results.audited] == [False]


@pytest.mark.parametrize("name", [*ENDED, *sorted(STOPPED)])
def test_a_report_is_drawn(name: str, copy: Copy) -> None:
    path = copy(name)
    page = sweeps.write_report(path).read_text(encoding="utf-8")
    assert all(f"<h2>{part}</h2>" in page for part in ("In short", "All trials"))


@pytest.mark.parametrize("name", ENDED)
def test_a_resume_of_one_that_has_ended_only_restores_what_is_missing(
    name: str, copy: Copy
) -> None:
    path = copy(name)
    before = (path / "ledger.jsonl").read_bytes()
    assert sweeps.resume(path, **ON_DISK).is_finished
    assert (path / "epochs.parquet").exists()
    assert (path / "ledger.jsonl").read_bytes() == before


@pytest.mark.parametrize("name", ["interrupted", "killed"])
def test_what_was_interrupted_goes_on_where_it_stood(name: str, copy: Copy) -> None:
    path = copy(name)
    before = (path / "ledger.jsonl").read_bytes()
    results = sweeps.resume(path, **ON_DISK)
    assert results.is_finished
    assert results.record.outcomes == {Outcome.COMPLETED: 3}
    assert (
        results.epochs().groupby("trial")["epoch"].apply(list).tolist() == [[1, 2, 3, 4, 5, 6]] * 3
    )
    assert (path / "ledger.jsonl").read_bytes().startswith(before)


def test_a_sweep_whose_time_was_up_goes_on_with_more(copy: Copy) -> None:
    results = sweeps.resume(copy("time"), overrides=["budget.time_s=null"], **ON_DISK)
    assert results.record.outcomes == {Outcome.COMPLETED: 3}


def test_a_search_that_used_up_its_trials_is_over_for_its_final(copy: Copy) -> None:
    final = sweeps.final(copy("trials"), overrides=["final.seeds=1"], **ON_DISK).final
    assert final is not None


def test_a_search_with_too_many_failures_is_not_over_for_a_final(copy: Copy) -> None:
    with pytest.raises(RequestError, match="2 trials failed"):
        sweeps.final(copy("failures"), **ON_DISK)


def test_failed_trials_are_tried_again(copy: Copy) -> None:
    results = sweeps.retry(copy("failures"), **ON_DISK)
    failed = [trial for trial in results.record.trials if trial.outcome is Outcome.FAILED]
    assert [len(trial.failures) for trial in failed] == [2, 2]


def test_the_net_of_a_final_answers(copy: Copy, tmp_path: Path) -> None:
    path = copy("finished")
    rows = tmp_path / "rows.csv"
    names = json.loads((path / "preprocessing.json").read_bytes())["number_names"]
    rows.write_text(",".join(names) + "\n5.1,3.5,1.4,0.2\n")
    assert sweeps.predict(path, rows)["prediction"].tolist() == ["setosa"]


@pytest.mark.parametrize("name", [*ENDED, "interrupted", "target", "trials"])
def test_an_unchanged_file_goes_on_with_its_sweep_by_name(
    name: str, copy: Copy, tmp_path: Path
) -> None:
    path = copy(name)
    file = Path(shutil.copy(path / "sweep.yaml", tmp_path))
    results = sweeps.run(file, runs=path.parent, run_id=name, **ON_DISK)
    assert results.path == path


@pytest.mark.parametrize(
    "override", ["seed=4", "data.split.duplicates=together", "budget.trials=9"]
)
def test_a_changed_file_is_another_sweep(override: str, copy: Copy, tmp_path: Path) -> None:
    path = copy("interrupted")
    file = Path(shutil.copy(path / "sweep.yaml", tmp_path))
    with pytest.raises(RequestError, match="holds another sweep"):
        sweeps.run(file, overrides=[override], runs=path.parent, run_id=path.name, **ON_DISK)


def test_one_that_is_extended_gets_all_checksums(copy: Copy) -> None:
    path = copy("finished")
    sweeps.extend(path, 1, **ON_DISK)
    source = path / "sweep.yaml"
    source.write_text(source.read_text() + "# edited\n")
    with pytest.raises(RunFolderError, match=r"cannot read .*sweep\.yaml: it was edited since"):
        sweeps.extend(path, 1, **ON_DISK)


def aged(path: Path) -> Path:
    """A folder as an earlier version left it: without checksums and the rule of the cut."""
    about = json.loads((path / "sweep.json").read_bytes())
    for name in ("sum", "plan_sum", "source_sum"):
        del about[name]
    del about["data"]["cut"]
    (path / "sweep.json").write_text(json.dumps({**about, "format": 1}))
    return path


@pytest.mark.parametrize(
    ("written", "words"),
    [
        # 1 and 1.0 were the same classes, and what was read of them had the same digest.
        (("\n1,", "\n1.0,"), "classes written as 1.0"),
        (("1,7.5", "1,n.a."), r"row 61 holds 'n\.a\.'.* a column of numbers with other texts"),
    ],
)
def test_data_that_an_earlier_version_read_otherwise_are_said_as_such(
    written: tuple[str, str], words: str, tmp_path: Path
) -> None:
    rows = [f"{number % 2},{number / 4}" for number in range(60)]
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(["y,x", *rows, "1,7.5", ""]))
    sweep = write_sweep(
        tmp_path, data="{source: rows.csv, target: y}", budget="{trials: 1}", space=space(epochs=1)
    )
    path = aged(sweeps.run(sweep, runs=tmp_path / "runs", **ON_DISK).path)
    file.write_text(file.read_text().replace(*written))
    with pytest.raises(RunFolderError, match=words) as caught:
        sweeps.resume(path, **ON_DISK)
    assert "If the data are unchanged, an earlier version read them differently" in str(
        caught.value
    )

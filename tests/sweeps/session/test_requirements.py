"""`require`: a trial whose net is too large is rejected before it trains, and says why."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from torch import nn

import sweeps
from sweeps.definition.loading import load_sweep
from sweeps.errors import SweepFileError
from sweeps.execution.requirements import unmet
from sweeps.findings.results import Results
from sweeps.record.ledger import read_events
from sweeps.report.report import write_report
from sweeps.terminal.tables import print_answer
from tests.sweeps.sweep_files import space, write_sweep

LIMIT = 110
REQUIRE = f'["parameters <= {LIMIT}"]'


def ran(folder: Path, runner: Any = "local", **sections: str) -> Results:
    path = write_sweep(folder, space=space(epochs=2), **sections)
    return sweeps.run(path, runs=folder / "runs", runner=runner, tracking_uri="none")


def size(width: int) -> int:
    net = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 3))
    return sum(one.numel() for one in net.parameters())


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return ran(tmp_path_factory.mktemp("limited"), require=REQUIRE)


def lines(results: Results) -> list[dict[str, Any]]:
    return [json.loads(one) for one in (results.path / "trials.jsonl").read_text().splitlines()]


def test_those_that_torch_counts_above_the_limit_are_rejected_and_no_others(
    limited: Results,
) -> None:
    table = limited.trials().set_index("trial")
    sizes = table["model.hidden_units"].map(size)
    assert table["parameters"].tolist() == sizes.tolist()
    assert set(table.index[table["outcome"] == "rejected"]) == set(sizes.index[sizes > LIMIT])
    assert 0 < (sizes > LIMIT).sum() < len(sizes)


def test_a_rejected_trial_has_no_epoch_and_says_what_it_had(limited: Results) -> None:
    rejected = [one for one in lines(limited) if one["outcome"] == "rejected"]
    assert {(one["epochs"], one["best"], len(one["failures"])) for one in rejected} == {
        (0, None, 0)
    }
    for one in rejected:
        had = size(one["configuration"]["model"]["hidden_units"])
        assert one["reason"] == f"parameters = {had}, and `require` has parameters <= {LIMIT}"


def test_the_others_train_as_without_the_limit(limited: Results, tmp_path: Path) -> None:
    free = ran(tmp_path).epochs().drop(columns="epoch_s")
    kept = limited.epochs().drop(columns="epoch_s")
    same = free[free["trial"].isin(kept["trial"])].reset_index(drop=True)
    assert (
        kept.sort_values(["trial", "epoch"])
        .reset_index(drop=True)
        .equals(same.sort_values(["trial", "epoch"]).reset_index(drop=True))
    )


def test_a_resume_and_a_retry_leave_a_rejected_trial_as_it_is(limited: Results) -> None:
    before = [event for event in read_events(limited.folder.ledger) if "trial" in event]
    again = sweeps.resume(limited.path, runner="local", tracking_uri="none")
    assert again.trials().equals(limited.trials())
    assert [one for one in read_events(limited.folder.ledger) if "trial" in one] == before


def test_the_answer_and_the_report_say_why(limited: Results) -> None:
    console = Console(file=io.StringIO(), width=200)
    print_answer(limited, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    page = write_report(limited.folder, limited.path / "again.html").read_text()
    assert "rejected: parameters = " in text
    assert "What was rejected" in page
    assert f"`require` has parameters \\u003c= {LIMIT}" in page  # a table's cells are JSON


def test_where_all_are_rejected_there_is_no_winner_and_the_answer_says_why(tmp_path: Path) -> None:
    results = ran(tmp_path, require='["parameters <= 1"]', final="{top_k: 2, seeds: 2}")
    console = Console(file=io.StringIO(), width=200)
    print_answer(results, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert results.winner is None
    assert results.openings == []
    assert "all 6 trials that ended were rejected by `require`" in text


def test_operations_are_required_as_parameters_are(tmp_path: Path) -> None:
    table = ran(tmp_path, require='["flops <= 100"]').trials().set_index("trial")
    operations = 2 * (4 + 3) * table["model.hidden_units"]  # two products of matrices
    assert table["flops"].tolist() == operations.tolist()
    rejected = set(table.index[table["outcome"] == "rejected"])
    assert rejected == set(operations.index[operations > 100])
    assert 0 < len(rejected) < len(table)


def test_what_cannot_be_counted_is_rejected_with_words() -> None:
    assert unmet(["flops <= 9"], {"parameters": 5.0}).startswith("flops cannot be determined")


def test_ray_rejects_the_same_trials(limited: Results, tmp_path: Path) -> None:
    on_ray = ran(tmp_path, runner="ray", require=REQUIRE)
    assert on_ray.trials()["outcome"].tolist() == limited.trials()["outcome"].tolist()
    assert on_ray.trials()["reason"].tolist() == limited.trials()["reason"].tolist()


def test_a_refit_whose_net_has_grown_too_large_is_rejected_and_a_repeat_stays(
    tmp_path: Path,
) -> None:
    """With the dev rows come words that are new to it: more columns, and more parameters."""
    lines = [f"w{number % 20},{number % 7},{'ab'[number % 2]}" for number in range(60)]
    (tmp_path / "words.csv").write_text("\n".join(["word,size,y", *lines, ""]))
    sections = {
        "data": "{source: words.csv, target: y, split: {dev: 0.5, test: 0.1}}",
        "search": "{method: random, trials: 1}",
        "space": space("{kind: linear}", epochs=1),
        "final": "{top_k: 1, seeds: 1}",
    }
    path = write_sweep(tmp_path, **sections)
    free = sweeps.run(path, runs=tmp_path / "free", runner="local", tracking_uri="none")
    had = int(free.trials()["parameters"][0])
    assert free.final is not None
    assert free.final.model.how == "refit"
    path = write_sweep(tmp_path, require=f'["parameters <= {had}"]', **sections)
    held = sweeps.run(path, runs=tmp_path / "held", runner="local", tracking_uri="none")
    assert held.final is not None
    assert held.final.model.how == "repeat"
    assert "the refit was rejected: parameters = " in held.final.model.note


@pytest.mark.parametrize(
    ("require", "column", "words"),
    [
        ('["parametres <= 9"]', 11, "did you mean 'parameters'?"),
        ('["dev_loss <= 9"]', 11, "use them in `objective`"),
        ('["ms_per_row <= 9"]', 11, "differs by machine"),
        ('["flop <= 9"]', 11, "did you mean 'flops'?"),
        ('["model.hidden_units <= 9"]', 11, "belong in `constraints`"),
        ('["parameters"]', 11, "neither true nor false"),
        ('["1 < 2"]', 11, "does not depend on the trial"),
        ('["parameters <="]', 11, "invalid syntax"),
    ],
)
def test_a_wrong_requirement_is_answered_at_its_place(
    tmp_path: Path, require: str, column: int, words: str
) -> None:
    with pytest.raises(SweepFileError) as caught:
        load_sweep(write_sweep(tmp_path, require=require))
    (one,) = caught.value.problems
    assert (one.path, one.column) == ("require.0", column)
    assert words in f"{one.rule} ({one.hint})"


def test_own_training_has_no_size_that_could_be_required(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_text("def train(trial, lr):\n    yield {'loss': lr}\n")
    own = "{training: {kind: custom, target: 'large:train', epochs: 2, options: {lr: 1.0}}}"
    sections = {"metrics": "{loss: {}}", "search": "{method: random, trials: 1}", "space": own}
    with pytest.raises(SweepFileError, match="not known before it trains"):
        load_sweep(write_sweep(tmp_path, require=REQUIRE, **sections))

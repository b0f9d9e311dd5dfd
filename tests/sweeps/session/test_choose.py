"""`final: {choose: ...}`: the winner is the best of those that satisfy `where`, again and again."""

from __future__ import annotations

import io
from pathlib import Path
from statistics import fmean

import pytest
from rich.console import Console

import sweeps
from sweeps.definition.loading import load_sweep
from sweeps.errors import RequestError, SweepFileError
from sweeps.findings.results import Results
from sweeps.models.prediction import Predictor
from sweeps.models.scoring.objective import COUNTED
from sweeps.record.final import FinalChoice
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.report.report import write_report
from sweeps.terminal.tables import print_answer
from tests.sweeps.sweep_files import space, write_sweep

SMALL = '{top_k: 2, seeds: 2, choose: {max: dev_accuracy, where: "parameters <= 110"}}'
LEAST = '{top_k: 2, seeds: 2, choose: {min: parameters, where: "dev_loss <= LIMIT"}}'


def ran(folder: Path, final: str, **sections: str) -> Results:
    path = write_sweep(folder, space=space(epochs=2), final=final, **sections)
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def choice_of(results: Results) -> FinalChoice:
    assert results.final is not None
    return results.final


def answer(results: Results) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_answer(results, console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Results:
    only_one = "{every: 1, keep_weights: 1}"
    return ran(tmp_path_factory.mktemp("small"), SMALL, checkpoints=only_one)


def test_the_candidates_are_the_best_of_those_that_satisfy_where(small: Results) -> None:
    table = small.trials()
    allowed = table[table["parameters"] <= 110]
    best = allowed.sort_values(
        ["best_dev_accuracy", "best_dev_loss"], ascending=[False, True]
    ).head(2)
    assert {one.trial for one in choice_of(small).candidates} == set(best["trial"])
    assert len(allowed) < len(table)


def test_the_winner_has_the_best_mean_of_what_is_asked_for(small: Results) -> None:
    repeats = read_record(RunFolder(small.path / "final"))
    means = {
        one.trial: fmean(
            t.best["dev_accuracy"] for t in repeats.trials if t.best and t.trial.hash == one.hash
        )
        for one in choice_of(small).candidates
    }
    choice = choice_of(small)
    assert {one.trial: one.mean for one in choice.candidates} == pytest.approx(means)
    assert means[choice.winner.trial] == max(means.values())
    assert (choice.metric, choice.mode, choice.where) == (
        "dev_accuracy",
        "max",
        "parameters <= 110",
    )


def test_the_model_is_the_chosen_net_whatever_weights_the_search_kept(small: Results) -> None:
    choice = choice_of(small)
    Predictor.load(small.path / choice.model.weights, small.path / choice.model.preprocessing)
    [refit] = read_record(RunFolder(small.path / "final" / "refit")).trials
    chosen = small.record.trials[choice.winner.trial]
    assert [refit.sizes[one] for one in COUNTED] == [chosen.sizes[one] for one in COUNTED]
    [opening] = small.openings
    assert opening.trial == choice.winner.trial


def test_the_answer_and_the_report_say_what_was_asked(small: Results) -> None:
    words = "Chosen by dev_accuracy among trials that satisfy parameters"
    page = write_report(small.folder, small.path / "again.html").read_text()
    assert words in answer(small)
    assert words in page
    assert f"mean dev_accuracy {choice_of(small).winner.mean:.4g}" in page


def test_where_none_satisfies_there_is_no_final_and_the_test_set_stays_shut(tmp_path: Path) -> None:
    results = ran(tmp_path, SMALL.replace("110", "7"))
    table = results.trials()
    low, high = table["parameters"].min(), table["parameters"].max()
    asked = "final.choose.where, parameters <= 7"
    had = f"{asked} (parameters is between {low:g} and {high:g})"
    assert results.is_finished
    assert results.final is None
    assert results.openings == []
    assert f"none of the 6 trials with a result satisfies {had}" in answer(results)
    assert not (results.path / "final").exists()
    again = sweeps.resume(results.path, runner="local", tracking_uri="none")
    assert again.openings == []


def test_final_refuses_what_no_trial_satisfies_and_takes_another_point(tmp_path: Path) -> None:
    results = ran(tmp_path, "null")
    asked = [f"final={SMALL.replace('110', '7')}"]
    with pytest.raises(RequestError, match=r"none of the 6 trials .* parameters <= 7"):
        sweeps.final(results.path, runner="local", tracking_uri="none", overrides=asked)
    assert sweeps.open_run(results.path).openings == []
    assert results.folder.read_sweep().final is None
    other = sweeps.final(
        results.path, runner="local", tracking_uri="none", overrides=[f"final={SMALL}"]
    )
    assert choice_of(other).where == "parameters <= 110"


def test_the_smallest_net_must_reach_the_limit_again_in_the_mean_of_its_repeats(
    tmp_path: Path,
) -> None:
    searched = ran(tmp_path, "null").trials()
    limit = float(searched["best_dev_loss"].median())
    asked = [f"final={LEAST.replace('LIMIT', str(limit))}"]
    path = tmp_path / "runs" / "blobs"
    results = sweeps.final(path, runner="local", tracking_uri="none", overrides=asked)
    repeats = read_record(RunFolder(results.path / "final"))
    allowed = searched[searched["best_dev_loss"] <= limit].sort_values("parameters").head(2)
    kept = {
        one.trial.hash
        for one in repeats.trials
        if fmean(
            t.best["dev_loss"] for t in repeats.trials if t.best and t.trial.hash == one.trial.hash
        )
        <= limit
    }
    assert {one.trial.hash for one in repeats.trials} == set(allowed["hash"])
    choice = results.final
    assert {one.hash for one in choice.candidates} == kept if choice else kept == set()
    assert bool(results.openings) == bool(kept)
    assert bool(results.why_no_final) != bool(kept)


@pytest.mark.parametrize(
    ("choose", "place", "words"),
    [
        ("{where: 'parameters <= 9'}", "final.choose", "max or min"),
        ("{max: dev_accuracy, min: dev_loss}", "final.choose", "max or min"),
        ("{max: dev_acuracy}", "final.choose.max", "did you mean 'dev_accuracy'?"),
        ("{max: dev_loss}", "final.choose.max", "write min: dev_loss"),
        ("{min: parameters}", "final.choose.min", "dev_loss <= 0.5"),
        ("{max: dev_accuracy, where: 'parametres <= 9'}", "final.choose.where", "'parameters'?"),
        ("{max: dev_accuracy, where: 'dev_los <= 9'}", "final.choose.where", "'dev_loss'?"),
        ("{max: dev_accuracy, where: 'parameters'}", "final.choose.where", "neither true nor"),
        (
            "{max: dev_accuracy, where: '1 < 2'}",
            "final.choose.where",
            "does not depend on the trial",
        ),
        ("{max: dev_accuracy, where: 'parameters <'}", "final.choose.where", "invalid syntax"),
    ],
)
def test_a_wrong_point_is_answered_at_its_place(
    tmp_path: Path, choose: str, place: str, words: str
) -> None:
    with pytest.raises(SweepFileError) as caught:
        load_sweep(write_sweep(tmp_path, final=f"{{choose: {choose}}}"))
    (one,) = caught.value.problems
    assert one.path == place
    assert words in f"{one.rule} ({one.hint})"

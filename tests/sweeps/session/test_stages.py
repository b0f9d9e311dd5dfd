"""What follows a search: repeats, one frozen winner, one test; and an audit of what was pruned."""

from __future__ import annotations

import json
import signal
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy import stats
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score

import sweeps
from sweeps.errors import RequestError, SweepError, SweepFileError
from sweeps.findings.results import Results
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.prediction import Predictor
from sweeps.models.splits.splits import refit_splits, split_dataset
from sweeps.record.final import FinalChoice
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.report.report import report_sections
from sweeps.terminal.tables import print_answer
from tests.sweeps.drivers import counted_sweep, driver, epochs_trained, run_command, wait_for
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

FINAL = "{top_k: 2, seeds: 3}"
ASHA = "{scheduler: asha, grace_epochs: 1, audit: 2}"


def run(path: Path, runner: str = "local") -> Results:
    runs = path.parent / "runs"
    return sweeps.run(path, runs=runs, runner=runner, tracking_uri="none")  # type: ignore[arg-type]


def choice_of(results: Results) -> FinalChoice:
    assert results.final is not None
    return results.final


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("final")
    return run(write_sweep(folder, final=FINAL, stopping=ASHA))


def test_the_best_of_the_search_are_repeated_and_ranked_by_their_means(finished: Results) -> None:
    choice = choice_of(finished)
    ranked = finished.record.ranked()
    assert {one.trial for one in choice.candidates} == {t.trial.index for t in ranked[:2]}
    repeats = read_record(RunFolder(finished.path / "final"))
    assert len({trial.trial.seed for trial in repeats.trials}) == 6
    for one in choice.candidates:
        own = [t.best["dev_loss"] for t in repeats.trials if t.trial.hash == one.hash and t.best]
        assert list(one.values) == own
        assert one.mean == pytest.approx(np.mean(own))
        assert one.standard_error == pytest.approx(stats.sem(own))
        # Of two candidates; no loss is below 0.
        low, high = stats.t.interval(1 - 0.05 / 2, 2, np.mean(own), stats.sem(own))
        assert (one.low, one.high) == pytest.approx((max(low, 0), high))
    first, second = choice.candidates
    assert first.mean is not None
    assert second.mean is not None
    assert first.mean <= second.mean
    p_value = stats.ttest_ind(first.values, second.values, equal_var=False).pvalue
    assert choice.p_value == pytest.approx(p_value)
    assert choice.within_noise == (p_value > 0.05)


def test_the_model_was_trained_on_all_rows_but_the_test_rows(finished: Results) -> None:
    choice = choice_of(finished)
    [refit] = read_record(RunFolder(finished.path / "final" / "refit")).trials
    repeats = read_record(RunFolder(finished.path / "final"))
    epochs = [t.best_epoch for t in repeats.trials if t.trial.hash == choice.winner.hash]
    assert choice.model.how == "refit"
    assert refit.epochs == refit.best_epoch == choice.model.epochs == sorted(epochs)[1]
    data = DataConfig(source="iris")
    dataset = load_dataset(data, finished.path)
    splits = split_dataset(dataset, data, 3)
    refitted = refit_splits(dataset, data, 3)
    assert set(refitted.train.rows) == {*splits.train.rows, *splits.dev.rows}
    assert not {*refitted.train.rows} & {*splits.test.rows}
    stored = (finished.path / choice.model.preprocessing).read_text()
    assert json.loads(stored)["means"] == pytest.approx(list(refitted.preprocessing.means))


def test_the_test_figures_are_those_of_the_frozen_model_on_the_test_set(finished: Results) -> None:
    choice, [opening] = choice_of(finished), finished.openings
    data = DataConfig(source="iris")
    dataset = load_dataset(data, finished.path)
    rows = split_dataset(dataset, data, 3).test.rows
    predictor = Predictor.load(
        finished.path / choice.model.weights, finished.path / choice.model.preprocessing
    )
    answer = predictor.predict(dataset.features.take(rows))["prediction"]
    truth = np.array(dataset.target.class_names)[dataset.target.values[rows]]
    accuracy = opening.metrics["test_accuracy"]
    assert accuracy.value == pytest.approx(accuracy_score(truth, answer))
    hits = round(accuracy.value * len(rows))
    exact = binomtest(hits, len(rows)).proportion_ci(method="exact")
    assert (accuracy.low, accuracy.high) == pytest.approx((exact.low, exact.high))
    assert opening.rows == len(rows)
    assert opening.opened_at >= choice.frozen_at


def test_an_audited_trial_goes_on_where_it_was_pruned(finished: Results) -> None:
    audit = RunFolder(finished.path / "audit")
    epochs = Results(audit, read_record(audit)).epochs().drop(columns="epoch_s")
    searched = finished.epochs().drop(columns="epoch_s")
    by_hash = {t.trial.hash: t.trial.index for t in finished.record.trials}
    audited = read_record(audit).trials
    assert len(audited) == len(finished.audited) == 2
    for trial, told in zip(audited, finished.audited, strict=True):
        index = by_hash[trial.trial.hash]
        assert finished.record.trials[index].outcome == "pruned"
        before = searched[searched.trial == index].drop(columns="trial").to_numpy()
        whole = epochs[epochs.trial == trial.trial.index].drop(columns="trial").to_numpy()
        assert (whole[: len(before)] == before).all()
        assert len(whole) == 9
        assert told.trial == index
        assert trial.best is not None
        assert told.value == trial.best["dev_loss"]
        best = finished.record.best
        assert best is not None
        assert best.best is not None
        assert told.would_win is (told.value < best.best["dev_loss"])


def test_a_finished_final_is_not_run_again(finished: Results) -> None:
    before = {path: path.read_bytes() for path in finished.path.rglob("*") if path.is_file()}
    code, output = run_command("resume", finished.path, "--local")
    assert (code, "is finished: nothing to resume" in output) == (0, True)
    after = {path: path.read_bytes() for path in finished.path.rglob("*") if path.is_file()}
    assert {path.name for path in after if after[path] != before.get(path)} <= {".lock"}
    with pytest.raises(RequestError, match=r"already has a final.*--again"):
        sweeps.final(finished.path, runner="local", tracking_uri="none")


def test_the_answer_says_ranking_noise_model_test_and_audit(finished: Results) -> None:
    screen = StringIO()
    print_answer(finished, Console(width=120, file=screen))
    text = screen.getvalue()
    choice = choice_of(finished)
    assert f"Final winner: trial {choice.winner.trial}" in text
    assert "seeds): equal trials would differ this much in " in text
    assert f"train and dev rows for {choice.model.epochs} epochs:\n" in text
    assert finished.path / choice.model.weights in map(Path, text.splitlines())
    assert "sweeps final" not in text
    assert "test_accuracy" in text
    assert "(used once)" in text
    assert "Audit: of 2 pruned trials" in text
    winner = finished.record.trials[choice.winner.trial].trial.configuration
    after = text[text.index("Final winner") :]
    assert f"{winner['optimizer']['lr']:.4g}" in after


def test_show_tells_the_final_in_short_and_whole_when_asked(finished: Results) -> None:
    code, short = run_command("show", finished.path)
    whole_code, whole = run_command("show", finished.path, "--final")
    assert (code, whole_code) == (0, 0)
    choice = choice_of(finished)
    for text in (short, whole):
        assert f"Final winner: trial {choice.winner.trial}" in text
        assert "test_accuracy" in text
    assert f"show {finished.path} --final" in short
    assert "rank   trial   in the search" in whole
    assert "rank   trial   in the search" not in short
    assert len(short.splitlines()) <= len(whole.splitlines()) - 12


@pytest.mark.ray
def test_on_ray_and_in_one_process_the_final_is_the_same(tmp_path: Path) -> None:
    found = []
    for runner in ("local", "ray"):
        (tmp_path / runner).mkdir()
        results = run(write_sweep(tmp_path / runner, final="{top_k: 2, seeds: 2}"), runner)
        found.append((choice_of(results), results.openings[-1].metrics))
    (local, test), (ray, ray_test) = found
    assert local.candidates == ray.candidates
    assert (local.model.epochs, test) == (ray.model.epochs, ray_test)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_driver_killed_in_a_stage_goes_on_and_ends_the_same(tmp_path: Path, share: float) -> None:
    sections = {"final": FINAL, "trials": 3, "epochs": 4}
    whole = counted(tmp_path / "whole", f"whole_{int(10 * share)}", **sections)
    unbroken = run(whole)
    moment = int(3 * 4 + share * 2 * 3 * 4)
    module = f"killed_stage_{int(10 * share)}"
    path = counted(tmp_path / "killed", module, waits_at=moment, **sections)
    with driver("run", path, "--runs", path.parent / "runs", "--local") as one:
        wait_for(lambda: len(epochs_trained(path.parent)) == moment)
        one.signal(signal.SIGKILL)
        one.process.wait()
    (path.parent / "go").touch()
    resumed = sweeps.resume(path.parent / "runs" / "blobs", runner="local", tracking_uri="none")
    numbers = [(one.trial, one.values) for one in choice_of(resumed).candidates]
    assert numbers == [(one.trial, one.values) for one in choice_of(unbroken).candidates]
    assert [one.metrics for one in resumed.openings] == [one.metrics for one in unbroken.openings]
    # A trial without a scheduler reports at its end: its own epochs are what a kill may cost.
    assert len(epochs_trained(path.parent)) <= len(epochs_trained(whole.parent)) + 4


def counted(folder: Path, module: str, **options: Any) -> Path:
    folder.mkdir()
    return counted_sweep(folder, module, **options)


def test_ctrl_c_in_a_stage_stops_cleanly_and_says_how_to_go_on(tmp_path: Path) -> None:
    size = {"trials": 3, "epochs": 4, "waits_at": 3 * 4 + 5}
    path = counted(tmp_path / "stopped", "stopped_stage", final=FINAL, **size)
    with driver("run", path, "--runs", path.parent / "runs", "--local") as one:
        wait_for(lambda: len(epochs_trained(path.parent)) == 3 * 4 + 5)
        one.signal(signal.SIGINT)
        (path.parent / "go").touch()
        code, output = one.wait()
    assert code == 7
    assert "Continue:" in output
    assert not (path.parent / "runs" / "blobs" / "openings.jsonl").exists()
    code, output = run_command("resume", path.parent / "runs" / "blobs", "--local")
    assert (code, "Final winner:" in output) == (0, True)


def test_a_final_may_be_asked_for_after_the_search_and_again(tmp_path: Path) -> None:
    results = run(write_sweep(tmp_path))
    assert results.final is None
    asked = {"runner": "local", "tracking_uri": "none"}
    first = sweeps.final(results.path, overrides=["final.seeds=2", "final.top_k=1"], **asked)
    assert (len(choice_of(first).candidates), choice_of(first).seeds) == (1, 2)
    assert choice_of(first).within_noise is None
    again = sweeps.final(results.path, again=True, overrides=["final.seeds=1"], **asked)
    assert (results.path / "final-1" / "final.json").exists()
    assert choice_of(again).seeds == 1
    assert len(again.openings) == 2


def test_a_schedule_that_watches_the_dev_rows_leaves_the_median_repeat(tmp_path: Path) -> None:
    schedule = ", schedule: {kind: plateau}"
    results = run(write_sweep(tmp_path, final=FINAL, space=space(more=schedule)))
    choice = choice_of(results)
    assert choice.model.how == "repeat"
    assert "plateau schedule needs dev rows" in choice.model.note
    repeats = read_record(RunFolder(results.path / "final"))
    index = int(Path(choice.model.weights).stem.partition("-")[0])
    best = repeats.trials[index].best
    assert best is not None
    assert best["dev_loss"] == sorted(choice.winner.values)[1]


def test_a_search_without_a_winner_has_no_final(tmp_path: Path) -> None:
    nothing = own_net(tmp_path, "net_of_nothing", "        out = out * float('nan')")
    searched = "{method: random, trials: 1}"
    path = write_sweep(
        tmp_path, final=FINAL, search=searched, space=space(custom_model(nothing), "{kind: sgd}")
    )
    results = run(path)
    assert results.record.best is None
    assert results.final is None
    assert results.is_finished
    with pytest.raises(RequestError, match="no trial with a finite objective"):
        sweeps.final(results.path, runner="local", tracking_uri="none")


def test_a_better_trial_that_was_added_later_is_pointed_out(tmp_path: Path) -> None:
    results = run(write_sweep(tmp_path, final="{top_k: 1, seeds: 1}"))
    longer = sweeps.extend(results.path, 30, runner="local", tracking_uri="none")
    screen = StringIO()
    print_answer(longer, Console(width=120, file=screen))
    best, choice = longer.record.best, choice_of(longer)
    assert best is not None
    is_new = best.trial.index != choice.winner.trial
    assert is_new  # else the test needs more trials
    words = (
        f"The search has since found trial {best.trial.index}, which the final did not consider."
    )
    assert words in screen.getvalue()
    short = report_sections(longer.folder)[0]
    assert words in " ".join(short.text)
    chosen = longer.record.trials[choice.winner.trial].trial.configuration
    assert short.facts is not None
    assert short.facts["winner: optimizer.lr"] == str(chosen["optimizer"]["lr"])


def test_repeats_that_all_fail_end_the_sweep_without_a_final(tmp_path: Path) -> None:
    body = "        if self.training and SEEN.exists(): raise RuntimeError('not again')"
    net = own_net(tmp_path, "net_that_fails_later", body)
    module = tmp_path / "net_that_fails_later.py"
    module.write_text(
        module.read_text().replace("HERE =", "SEEN = Path(__file__ + '.seen')\nHERE =")
    )
    path = write_sweep(
        tmp_path,
        search="{method: random, trials: 1}",
        space=space(custom_model(net), "{kind: sgd}"),
        trial="{retries: 0}",
    )
    results = run(path)
    Path(f"{module}.seen").touch()
    after = sweeps.final(results.path, runner="local", tracking_uri="none")
    assert after.final is None
    assert after.is_finished


def test_a_stage_is_no_sweep_to_resume(finished: Results) -> None:
    with pytest.raises(RequestError, match=f"is the stage final of a sweep: use {finished.path}"):
        sweeps.resume(finished.path / "final", runner="local", tracking_uri="none")


def test_an_override_of_another_section_is_refused(finished: Results) -> None:
    with pytest.raises(SweepFileError, match="only final can change now"):
        sweeps.final(finished.path, again=True, overrides=["search.trials=3"], runner="local")


def test_predictions_for_a_file_are_those_of_the_final_model(
    finished: Results, tmp_path: Path
) -> None:
    names = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
    rows = tmp_path / "rows.csv"
    rows.write_text(",".join(names) + "\n5,3,1.5,0.2\n6,3,5,2\n")
    found = sweeps.predict(finished.path, rows)
    model = choice_of(finished).model
    predictor = Predictor.load(finished.path / model.weights, finished.path / model.preprocessing)
    expected = predictor.predict(np.array([[5, 3, 1.5, 0.2], [6, 3, 5, 2]]))
    assert found["prediction"].tolist() == expected["prediction"].tolist()
    assert found["probability_setosa"].tolist() == expected["probability_setosa"].tolist()
    rows.write_text("sepal length (cm)\n5\n")
    with pytest.raises(SweepError, match="columns of the training data are missing"):
        sweeps.predict(finished.path, rows)
    with pytest.raises(SweepError, match=r"must end in \.csv or \.parquet"):
        sweeps.predict(finished.path, rows.rename(tmp_path / "rows.xlsx"))
    with pytest.raises(SweepError, match=r"no such file: .*rows\.csv"):
        sweeps.predict(finished.path, rows)


def test_an_objective_and_metrics_that_were_asked_for_are_in_epochs_and_on_test_rows(
    tmp_path: Path,
) -> None:
    sections = {"objective": "{metric: dev_auc}", "metrics": "[brier, f1_weighted]"}
    results = run(write_sweep(tmp_path, final="{top_k: 1, seeds: 1}", **sections))
    best = results.record.best
    assert best is not None
    assert best.best is not None
    assert {"dev_auc", "dev_brier", "train_f1_weighted"} <= best.best.keys()
    tested = results.openings[-1].metrics
    assert {"test_auc", "test_brier", "test_f1_weighted"} <= tested.keys()
    assert 0.9 < tested["test_auc"].value <= 1


def test_a_test_metric_without_a_value_is_written_as_json_and_read_back(tmp_path: Path) -> None:
    labels = ["ab"[at % 2] if at < 60 else "a" for at in range(80)]
    parts = ["train"] * 40 + ["dev"] * 20 + ["test"] * 20
    rows = [f"{at % 7},{labels[at]},{parts[at]}" for at in range(80)]
    (tmp_path / "d.csv").write_text("\n".join(["x,y,part", *rows]))
    data = "{source: d.csv, target: y, split: {given: part}}"
    final = "{top_k: 1, seeds: 1}"
    results = run(write_sweep(tmp_path, data=data, metrics="[auc]", final=final))
    assert np.isnan(results.openings[-1].metrics["test_auc"].value)
    lines = (results.path / "openings.jsonl").read_text()
    assert '"value":"NaN"' in lines
    assert "has no value on these 20 rows" in lines

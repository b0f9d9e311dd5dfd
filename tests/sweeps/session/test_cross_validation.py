"""Folds from the sweep file to the winner: scikit-learn's numbers, one curve, one end."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sweeps
from sweeps.findings.results import Results
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import Dataset, load_dataset
from sweeps.models.prediction import Predictor
from sweeps.models.splits.preprocessing import preprocessing_from_json
from sweeps.models.splits.splits import Splits, split_folds
from sweeps.record.final import read_final, read_openings
from sweeps.record.kept_weights import best_weights
from sweeps.terminal.tables import print_answer
from tests.sweeps.drivers import counted_sweep, driver, epochs_trained, events, wait_for
from tests.sweeps.sweep_files import space, write_sweep

SEED = 3  # that of write_sweep


def cut(source: str, folds: int) -> tuple[Dataset, tuple[Splits, ...]]:
    config = DataConfig.model_validate({"source": source, "split": {"folds": folds}})
    dataset = load_dataset(config, Path())
    return dataset, split_folds(dataset, config, SEED)


def rows_of(folds: tuple[Splits, ...]) -> list[tuple[Any, Any]]:
    """The folds as scikit-learn's `cv`."""
    return [(fold.train.rows, fold.dev.rows) for fold in folds]


def run(path: Path, runner: Any = "local") -> Results:
    return sweeps.run(path, runs=path.parent / "runs", runner=runner, tracking_uri="none")


def grid_of_penalties(
    folder: Path, data: str, metric: str, optimizer: str, penalties: list[float], epochs: int
) -> Results:
    """Linear nets under full-batch gradient descent: convex, so that they all end in one place."""
    text = space("{kind: linear}", optimizer, epochs, more=f", regularization: {{l2: {penalties}}}")
    text = text.replace("l2: [", "l2: {choice: [").replace("]}", "]}}")
    path = write_sweep(
        folder,
        data=data,
        objective=f"{{metric: {metric}}}",
        search="{method: grid}",
        space=text.replace("batch_size: 32", "batch_size: full"),
    )
    return run(path)


def predictor_of(results: Results) -> Predictor:
    assert results.winner is not None
    weights = best_weights(results.folder.weights, results.record.best)
    return Predictor.load(weights, results.path / "preprocessing.json")


def test_a_grid_of_softmax_regressions_is_ranked_as_by_grid_search_cv(tmp_path: Path) -> None:
    penalties = [0.3, 0.03, 0.1]
    dataset, folds = cut("iris", 5)
    x, y, train_rows = dataset.features.flat, dataset.target.values, len(folds[0].train.rows)
    # Ours is mean loss + l2/2 |w|^2, scikit-learn's C * summed loss + 1/2 |w|^2; all folds of
    # iris have 96 train rows, so that one C stands for one l2.
    model = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-10, max_iter=10_000))
    grid = {"logisticregression__C": [1 / (train_rows * l2) for l2 in penalties]}
    scoring = ["neg_log_loss", "accuracy"]
    reference = GridSearchCV(model, grid, cv=rows_of(folds), scoring=scoring, refit="neg_log_loss")
    expected = reference.fit(x, y).cv_results_

    data = "{source: iris, split: {folds: 5}}"
    sgd = "{kind: sgd, lr: 1.0}"
    results = grid_of_penalties(tmp_path, data, "dev_loss", sgd, penalties, epochs=500)
    best = [trial.best or {} for trial in results.record.trials]

    # The slowest direction (l2 = 0.03) shrinks by 1 - 0.03 a step: 500 steps leave 2e-7 of it,
    # and float32 has 24 bits of a loss of about 0.5.
    losses = [row["dev_loss"] for row in best]
    assert losses == pytest.approx(-expected["mean_test_neg_log_loss"], abs=2e-6)
    errors = expected["std_test_neg_log_loss"] / np.sqrt(5 - 1)  # std with n, so that n - 1 is left
    assert [row["dev_loss_se"] for row in best] == pytest.approx(errors, abs=2e-6)
    # Where no row of a dev fold is at the border of two classes, accuracies are equal.
    accuracies = [row["dev_accuracy"] for row in best]
    assert accuracies == pytest.approx(expected["mean_test_accuracy"], abs=1e-6)
    ranks = [trial.trial.index for trial in results.record.ranked()]
    assert ranks == np.argsort(expected["rank_test_neg_log_loss"]).tolist() == [1, 2, 0]
    assert results.winner is not None
    assert results.winner["trial"] == reference.best_index_

    nets = cross_validate(
        reference.best_estimator_, x, y, cv=rows_of(folds), return_estimator=True
    )["estimator"]
    test = x[folds[0].test.rows]
    answers = predictor_of(results).predict(test)
    shares = np.column_stack(
        [answers[f"probability_{name}"] for name in dataset.target.class_names]
    )
    mean = np.mean([net.predict_proba(test) for net in nets], axis=0)
    np.testing.assert_allclose(shares, mean, atol=1e-5)


def test_a_grid_of_ridge_regressions_converges_to_grid_search_cv(tmp_path: Path) -> None:
    penalties = [0.01, 0.3, 1.0]
    dataset, folds = cut("diabetes", 3)
    x, y, train_rows = dataset.features.flat, dataset.target.values, len(folds[0].train.rows)
    # Ours is mean squared error + l2/2 |w|^2, Ridge's summed squared error + alpha |w|^2.
    ridge = TransformedTargetRegressor(Ridge(), transformer=StandardScaler())
    model = make_pipeline(StandardScaler(), ridge)
    name = "transformedtargetregressor__regressor__alpha"
    grid = {name: [train_rows * l2 / 2 for l2 in penalties]}
    scoring = ["neg_mean_squared_error", "r2"]
    reference = GridSearchCV(model, grid, cv=rows_of(folds), scoring=scoring, refit=scoring[0])
    expected = reference.fit(x, y).cv_results_

    data = "{source: diabetes, split: {folds: 3}}"
    sgd = "{kind: sgd, lr: 0.1, momentum: 0.9}"
    results = grid_of_penalties(tmp_path, data, "dev_mse", sgd, penalties, epochs=400)
    last = results.epochs().query("epoch == 400").sort_values("trial")
    # On the way a net passes better values than where it ends, which its best epoch keeps; it is
    # the end that is compared. 1e-4 of the value is what float32 leaves of ten summed columns.
    errors = -expected["mean_test_neg_mean_squared_error"]
    assert last["dev_mse"].to_numpy() == pytest.approx(errors, rel=1e-4)
    assert last["dev_r2"].to_numpy() == pytest.approx(expected["mean_test_r2"], abs=1e-4)
    assert int(last["dev_mse"].to_numpy().argmin()) == reference.best_index_ == 1
    assert results.winner is not None
    assert results.winner["trial"] == 1


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A sweep of two trials in folds that a column of words tells apart by their width."""
    folder = tmp_path_factory.mktemp("small")
    generator = np.random.default_rng(0)
    heights = generator.normal(20, 5, size=60).round(2)
    words = ["red", "blue"] * 29 + ["grey", "white"]  # one in the test set, one in a dev fold
    lines = [f"{h},{w},{'tall' if h > 20 else 'low'}" for h, w in zip(heights, words, strict=True)]
    (folder / "flowers.csv").write_text("\n".join(["height,colour,kind", *lines]) + "\n")
    path = write_sweep(
        folder,
        data="{source: flowers.csv, target: kind, split: {folds: 4, test: 0.1}}",
        search="{method: random, trials: 2}",
        space=space("{kind: linear}", epochs=4),
    )
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri=uri)


def test_a_run_with_folds_says_which_rows_it_held_out(small: Results) -> None:
    data = small.folder.description_values()["data"]
    split = {"dev": None, "test": 0.1, "folds": 4, "seed": None}
    assert split.items() <= data["split"].items()
    rows = {split["name"]: split["rows"] for split in data["splits"]}
    assert rows == {"fold1": 14, "fold2": 14, "fold3": 13, "fold4": 13, "test": 6}
    assert len({split["digest"] for split in data["splits"]}) == 5


def test_the_table_the_winner_and_its_file_show_the_standard_error(small: Results) -> None:
    best = small.record.best
    assert best is not None
    assert best.best is not None
    shown = f"{best.best['dev_loss']:.3f} ± {best.best['dev_loss_se']:.3f}"
    console = Console(file=io.StringIO(), width=100)
    print_answer(small, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert text.count(shown) == 2
    said = f"dev_loss = {shown} at epoch 4 of 4 (mean and standard error over 4 folds, 54 dev rows)"
    assert said in text
    winner = json.loads((small.path / "winner.json").read_text())
    assert winner["objective"] == {
        "metric": "dev_loss",
        "value": best.best["dev_loss"],
        "standard_error": best.best["dev_loss_se"],
    }


def test_mlflow_has_standard_errors_the_folds_and_a_model_that_averages(small: Results) -> None:
    code = (
        "import mlflow, pandas as pd, json\n"
        f"mlflow.set_tracking_uri('sqlite:///{small.path.parent.parent / 'mlflow.db'}')\n"
        "[parent, *trials] = sorted(mlflow.search_runs(['1'], output_format='list'),\n"
        "                           key=lambda run: 'sweeps.trial' in run.data.tags)\n"
        "[model] = mlflow.search_logged_models(experiment_ids=['1'], output_format='list')\n"
        "loaded = mlflow.pyfunc.load_model(model.model_uri)\n"
        "assert len(loaded.predict(loaded.input_example)) == 3\n"
        "rows = pd.DataFrame({'height': [30.0, 20.1, 10.0], 'colour': ['red', 'grey', 'blue']})\n"
        "print(json.dumps({'best': parent.data.metrics['best/dev_loss_se'],\n"
        "    'note': parent.data.tags['mlflow.note.content'],\n"
        "    'contexts': sorted(e.tags[0].value for e in parent.inputs.dataset_inputs),\n"
        "    'tall': loaded.predict(rows)['probability_tall'].tolist()}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert small.winner is not None
    assert found["best"] == small.winner["best"]["dev_loss_se"]
    assert " ± " in found["note"]
    assert found["contexts"] == ["fold1", "fold2", "fold3", "fold4", "test"]
    rows = {"height": [30.0, 20.1, 10.0], "colour": ["red", "grey", "blue"]}
    assert found["tall"] == predictor_of(small).predict(rows)["probability_tall"].tolist()


@pytest.mark.parametrize("refit", ["true", "false"])
def test_the_final_test_is_that_of_the_folds_average_or_of_a_net_on_all_rows(
    tmp_path: Path, refit: str
) -> None:
    path = write_sweep(
        tmp_path,
        data="{source: wine, split: {folds: 3}}",
        search="{method: random, trials: 2}",
        final=f"{{top_k: 1, seeds: 2, refit: {refit}}}",
        space=space("{kind: linear}", epochs=20),
    )
    results = run(path)
    choice = read_final(results.folder)
    [opening] = read_openings(results.folder)
    assert choice is not None
    predictor = Predictor.load(
        results.path / choice.model.weights, results.path / choice.model.preprocessing
    )
    dataset, folds = cut("wine", 3)
    test = folds[0].test.rows
    answers = predictor.predict(dataset.features.flat[test])["prediction"]
    truth = np.array(dataset.target.class_names)[dataset.target.values[test]]
    assert opening.rows == len(test)
    assert opening.metrics["test_accuracy"].value == pytest.approx(np.mean(answers == truth))
    if refit == "true":
        outside = np.concatenate([folds[0].train.rows, folds[0].dev.rows])
        means = dataset.features.flat[outside].mean(axis=0)
        assert predictor.preprocessing.means == pytest.approx(means)


def test_nets_of_folds_may_differ_in_their_inputs(small: Results) -> None:
    folds = preprocessing_from_json((small.path / "preprocessing.json").read_text())
    assert {fold.input_shape for fold in folds} == {(3,), (4,)}
    assert {fold.class_names for fold in folds} == {("low", "tall")}


def test_asha_sees_one_curve_a_trial_and_stops_all_folds_at_once(tmp_path: Path) -> None:
    path = write_sweep(
        tmp_path,
        data="{source: iris, split: {folds: 3}}",
        stopping="{scheduler: asha, grace_epochs: 1, reduction_factor: 3}",
    )
    results = run(path)
    epochs = results.epochs()
    assert not epochs.duplicated(["trial", "epoch"]).any()
    lengths = epochs.groupby("trial")["epoch"].max()
    pruned = [t.trial.index for t in results.record.trials if t.outcome == "pruned"]
    assert pruned
    assert set(lengths[pruned]) <= {1, 3}
    assert set(lengths.drop(pruned)) == {9}
    # What a rung compared is the mean, of which each row has the standard error.
    seen = {
        (e["trial"], int(r["epoch"])) for e in events(results.path, "report") for r in e["epochs"]
    }
    assert {(d["trial"], d["epoch"]) for d in events(results.path, "decision")} <= seen
    assert epochs["dev_loss_se"].gt(0).all()


@pytest.mark.ray
def test_both_runners_give_the_same_curves(tmp_path: Path) -> None:
    data = "{source: wine, split: {folds: 3}}"
    frames = []
    for runner in ("local", "ray"):
        frame = run(write_sweep(tmp_path, data=data), runner).epochs().drop(columns="epoch_s")
        frames.append(frame.sort_values(["trial", "epoch"]).to_dict("records"))
    assert frames[0] == frames[1]


def test_a_killed_sweep_with_folds_is_resumed_without_losing_an_epoch(tmp_path: Path) -> None:
    data, folds, epochs = "{source: iris, split: {folds: 3}}", 3, 4
    # In the second trial, between two nets of an epoch.
    moment = folds * epochs + 4
    path = counted_sweep(
        tmp_path, "folds_killed", trials=3, epochs=epochs, data=data, waits_at=moment
    )
    with driver("run", path, "--runs", tmp_path / "runs", "--local") as one:
        wait_for(lambda: len(epochs_trained(tmp_path)) == moment)
        one.signal(signal.SIGKILL)
        one.process.wait()
    (tmp_path / "go").touch()
    trained = len(epochs_trained(tmp_path))
    resumed = sweeps.resume(tmp_path / "runs" / "blobs", runner="local", tracking_uri="none")
    again = len(epochs_trained(tmp_path)) - 3 * folds * epochs
    assert trained < 3 * folds * epochs
    assert again <= 2 * folds  # the epoch that was under way, and one whose report was not written
    whole_path = tmp_path / "whole"
    whole_path.mkdir()
    whole = run(
        counted_sweep(whole_path, "folds_whole", trials=3, epochs=epochs, data=data, epoch_s=0)
    )
    columns = ["trial", "epoch", "train_loss", "dev_loss", "dev_loss_se", "dev_f1"]
    np.testing.assert_array_equal(
        resumed.epochs().sort_values(["trial", "epoch"])[columns],
        whole.epochs().sort_values(["trial", "epoch"])[columns],
    )

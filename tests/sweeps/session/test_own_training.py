"""A sweep of the user's own training, from its file to its record, broken off and whole."""

from __future__ import annotations

import math
import shutil
import signal
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
import torch
from mlflow import MlflowClient
from sklearn.datasets import load_iris
from torch.nn.functional import cross_entropy

import sweeps
from sweeps.errors import RequestError, RunFolderError
from sweeps.findings.results import Results
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.splits.splits import Part, refit_splits, split_dataset
from sweeps.models.training.own_trial import Rows
from sweeps.models.training.weights import load_weights
from tests.models.own_trainings import noisy_net
from tests.sweeps.drivers import EVERY_EPOCH, driver, events, run_command, wait_for
from tests.sweeps.sweep_files import write_sweep

TRAININGS = Path(__file__).resolve().parents[2] / "models" / "own_trainings.py"
OPTIONS = {
    "Bandit": "{explore: {float: [0.01, 0.9]}, arms: {int: [2, 6]}}",
    "two_nets": "{lr: {float: [1.0e-3, 1.0e-1], log: true}}",
}


def own_sweep(
    folder: Path, name: str = "steps", epochs: int = 6, module: str = "trainings", **sections: str
) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.copy(TRAININGS, folder / f"{module}.py")
    options = OPTIONS.get(name, OPTIONS["two_nets"])
    target = f"{{kind: custom, target: '{module}:{name}', epochs: {epochs}, options: {options}}}"
    only_loss = "{loss: {goal: min}}"
    metrics = only_loss if name in OPTIONS else "{loss: {goal: min}, hits: {goal: max}}"
    space = f"{{training: {target}}}"
    return write_sweep(folder, **{"metrics": metrics, "space": space, **sections})


def run(path: Path, runner: Any = "local", **options: Any) -> Results:
    runs = path.parent / f"runs-{runner}"
    return sweeps.run(path, runs=runs, runner=runner, tracking_uri="none", **options)


def curves(results: Results) -> list[dict[str, float]]:
    frame = results.epochs().drop(columns="epoch_s").sort_values(["trial", "epoch"])
    return frame.to_dict("records")


def outcomes(results: Results) -> list[str]:
    return [str(trial.outcome) for trial in results.record.trials]


@pytest.mark.parametrize("name", ["steps", "Steps", "two_nets", "Bandit"])
def test_a_sweep_of_own_training_has_a_winner_and_a_report(tmp_path: Path, name: str) -> None:
    results = run(own_sweep(tmp_path, name))
    assert outcomes(results) == ["completed"] * 6
    assert results.winner is not None
    assert results.winner["best"]["dev_loss"] == min(row["dev_loss"] for row in curves(results))
    assert "dev_loss" in (results.path / "report.html").read_text()


def test_a_sweep_without_data_is_run_planned_and_suggested(tmp_path: Path) -> None:
    path = own_sweep(tmp_path, "Bandit")
    path.write_text(path.read_text().replace("data: {source: iris}\n", ""))
    results = run(path)
    assert outcomes(results) == ["completed"] * 6
    assert "without data in the sweep" in (results.path / "report.html").read_text()
    assert "data:" not in sweeps.suggest(results.path)
    code, printed = run_command("plan", path)
    assert code == 0
    assert "6 trials" in printed
    assert "of checkpoints while trials run" in printed


def test_plan_says_what_own_training_forgets(tmp_path: Path) -> None:
    checked = {"metrics": "{loss: {goal: min}}", "trial": "{sanity_check: error}"}
    path = own_sweep(tmp_path, "forgets_its_momentum", **checked)
    code, printed = run_command("plan", path)
    assert code == 2
    assert "a trial that continues from its checkpoint differs in epoch 2" in printed
    assert "trial.keep(...)" in printed


FINAL = "{top_k: 2, seeds: 2}"


@pytest.mark.parametrize("name", ["steps", "Steps", "two_nets"])
@pytest.mark.parametrize("refit", ["true", "false"])
def test_the_final_measures_test_rows_by_the_same_evaluation(
    tmp_path: Path, name: str, refit: str
) -> None:
    final = FINAL.replace("}", f", refit: {refit}}}")
    results = run(own_sweep(tmp_path, name, final=final))
    assert results.final is not None
    assert results.final.model.how == ("refit" if refit == "true" else "repeat")
    [opening] = results.openings
    weights = results.path / results.final.model.weights
    data = DataConfig(source="iris")
    dataset = load_dataset(data, tmp_path)
    cut = refit_splits if refit == "true" else split_dataset
    test = cut(dataset, data, 3).test
    assert opening.rows == len(test.rows)
    measure = measured if name != "two_nets" else distance
    assert opening.metrics["test_loss"].value == pytest.approx(measure(weights, test), rel=1e-6)


def measured(weights: Path, test: Part) -> float:
    """The cross-entropy of a net with these weights, by torch alone."""
    tensors, _ = load_weights(weights)
    net = noisy_net(4, 3)
    net.load_state_dict({k[len("net/state/") :]: v for k, v in tensors.items() if k != "tree"})
    outputs = net.eval()(torch.from_numpy(test.x))
    return float(cross_entropy(outputs, torch.from_numpy(test.y)).detach())


def distance(weights: Path, test: Part) -> float:
    """How far what is made lies from the test rows, with the draws of the test part."""
    tensors, _ = load_weights(weights)
    torch.manual_seed(Rows("test").seed)
    made = torch.randn(len(test.x), 2) @ tensors["maker/state/weight"].T
    made += tensors["maker/state/bias"]
    return float((made.mean(0) - torch.from_numpy(test.x).mean(0)).square().sum())


def test_the_final_of_training_without_data_is_of_draws_of_its_own(tmp_path: Path) -> None:
    path = own_sweep(tmp_path, "Bandit", final=FINAL)
    path.write_text(path.read_text().replace("data: {source: iris}\n", ""))
    results = run(path)
    assert results.final is not None
    assert "no dev rows to refit on" in results.final.model.note
    [opening] = results.openings
    assert opening.rows == 0
    assert opening.metrics["test_loss"].low is None


def test_a_final_of_folds_is_the_mean_of_their_evaluations(tmp_path: Path) -> None:
    folds = "{source: iris, split: {folds: 3}}"
    results = run(own_sweep(tmp_path, data=folds, final="{top_k: 1, seeds: 2, refit: false}"))
    [opening] = results.openings
    assert opening.metrics.keys() == {"test_loss", "test_hits"}


def test_an_evaluation_that_fails_on_test_rows_is_mended_and_goes_on(tmp_path: Path) -> None:
    path = own_sweep(tmp_path, "Steps", module="failing_on_test", final=FINAL)
    module = tmp_path / "failing_on_test.py"
    code = module.read_text()
    here = "        return measured(self.net, rows)"
    fails = f"        if rows.part == 'test': raise OSError('no such disk')\n{here}"
    module.write_text(code.replace(here, fails))
    with pytest.raises(RunFolderError, match="OSError: no such disk"):
        run(path)
    assert len(open_run(path).openings) == 1
    assert not open_run(path).openings[0].metrics


def open_run(path: Path) -> Results:
    return sweeps.open_run(path.parent / "runs-local" / "blobs")


def test_own_training_without_predict_answers_no_rows(tmp_path: Path) -> None:
    results = run(own_sweep(tmp_path, "two_nets"))
    with pytest.raises(RequestError, match=r"trial.epochs\(evaluate, predict=net\)"):
        sweeps.predict(results.path, tmp_path / "rows.csv")


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")
def test_mlflow_has_the_metrics_of_own_training_and_a_model_that_answers(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    path = own_sweep(tmp_path, search="{method: random, trials: 2}", final=FINAL)
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri=uri)
    assert not results.missing_in_mlflow
    client = MlflowClient(uri)
    [parent] = client.search_runs(["1"], "tags.mlflow.runName = 'blobs'")
    assert {"test/loss", "test/hits", "final/dev_loss_mean"} <= parent.data.metrics.keys()
    [trial] = client.search_runs(["1"], "tags.mlflow.runName = 'blobs-0000'")
    assert "training.options.lr" in trial.data.params
    history = client.get_metric_history(trial.info.run_id, "dev/hits")
    assert [point.step for point in history] == [1, 2, 3, 4, 5, 6]
    rows = load_iris(as_frame=True).data
    rows.to_csv(tmp_path / "rows.csv", index=False)
    answers = sweeps.predict(results.path, tmp_path / "rows.csv")
    mlflow.set_tracking_uri(uri)
    served = mlflow.pyfunc.load_model("models:/blobs/1").predict(rows)
    pd.testing.assert_frame_equal(served, answers)
    assert (answers["prediction"] == load_iris().target_names[load_iris().target]).mean() > 0.5


def test_low_values_of_an_own_loss_have_no_floor(tmp_path: Path) -> None:
    results = run(own_sweep(tmp_path, "Bandit", final=FINAL))
    assert results.record.objective.bounds == (-math.inf, math.inf)


@pytest.mark.ray
@pytest.mark.parametrize("name", ["two_nets", "Bandit"])
def test_both_runners_give_the_same_curves(tmp_path: Path, name: str) -> None:
    path = own_sweep(tmp_path, name)
    local, ray = run(path, "local"), run(path, "ray")
    assert curves(local) == curves(ray)
    assert outcomes(local) == outcomes(ray)


@pytest.mark.parametrize(
    ("name", "runner"),
    [("steps", "local"), ("Bandit", "local"), pytest.param("Bandit", "ray", marks=pytest.mark.ray)],
)
def test_a_killed_sweep_goes_on_bit_for_bit(tmp_path: Path, name: str, runner: Any) -> None:
    path = own_sweep(tmp_path, name, epochs=40, stopping=EVERY_EPOCH)
    folder = tmp_path / "runs" / "killed"
    flags = ["--local"] if runner == "local" else []
    with driver("run", path, "--runs", tmp_path / "runs", "--id", "killed", *flags) as process:
        wait_for(lambda: len(events(folder, "report")) >= 50)
        process.signal(signal.SIGKILL)
        process.process.wait()
    resumed = sweeps.resume(folder, runner=runner, tracking_uri="none")
    assert curves(resumed) == curves(run(path))
    assert outcomes(resumed) == ["completed"] * 6


def test_folds_of_own_training_have_standard_errors(tmp_path: Path) -> None:
    results = run(own_sweep(tmp_path, data="{source: iris, split: {folds: 3}}"))
    assert {"dev_loss_se", "dev_hits_se"} <= curves(results)[0].keys()


def test_what_is_wrong_fails_a_trial_once_with_its_reason(tmp_path: Path) -> None:
    space = "{training: {kind: custom, target: 'trainings:yields_twice', epochs: 3}}"
    search, metrics = "{method: manual, configurations: [{}]}", "{loss: {goal: min}}"
    path = own_sweep(tmp_path, space=space, search=search, metrics=metrics)
    [trial] = run(path).record.trials
    assert str(trial.outcome) == "failed"
    assert "it yielded again in epoch 1" in trial.reason
    assert not trial.failures

"""A sweep over nets that embed columns of words, from its file to answers for words unseen."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import sweeps
from sweeps.findings.results import Results
from sweeps.record.final import read_final
from sweeps.record.run_folder import RunFolder
from tests.sweeps.drivers import EVERY_EPOCH, driver, events, wait_for
from tests.sweeps.execution.test_runners import curves, outcomes
from tests.sweeps.sweep_files import ADAM, write_sweep

MODEL = "{kind: mlp, hidden_units: 8, embedding: {choice: [none, fastai, 2]}}"
EMBEDDED = "{kind: mlp, hidden_units: 8, embedding: {int: [2, 4]}}"
HOMES = "{source: homes.csv, target: price, missing: mean}"
NEW = {"town": ["Ulm", "Kiel", "Rom", None], "kind": ["flat", "hut", "flat", "house"]}


def sweep_of_homes(folder: Path, model: str = MODEL, epochs: int = 6, **sections: str) -> Path:
    """Prices by a town, a kind of home and an age; one town is missing."""
    folder.mkdir(exist_ok=True)
    drawn = np.random.default_rng(0)
    towns, kinds = np.array(["Bonn", "Kiel", "Ulm"]), np.array(["flat", "house"])
    town, kind, age = drawn.integers(3, size=120), drawn.integers(2, size=120), drawn.random(120)
    frame = pd.DataFrame({"town": towns[town], "age": age, "kind": kinds[kind]})
    frame["price"] = (town - 1) * (2 * kind - 1) + age
    frame.loc[7, "town"] = None
    frame.to_csv(folder / "homes.csv", index=False)
    training = f"{{epochs: {epochs}, batch_size: 32, device: cpu}}"
    space = f"{{model: {model}, optimizer: {ADAM}, training: {training}}}"
    return write_sweep(folder, **{"data": HOMES, "space": space, **sections})


def by_hand(weights: Path, preprocessing: Path, rows: pd.DataFrame) -> np.ndarray:
    """Answers from a winner's files alone: a vector each looked up, an affine, ReLU, an affine."""
    one = {name: tensor.double() for name, tensor in load_file(weights).items()}
    about = json.loads(preprocessing.read_text(encoding="utf-8"))
    parts = [torch.tensor(((rows[["age"]] - about["means"]) / about["scales"]).to_numpy())]
    for at, (name, known) in enumerate(zip(about["word_names"], about["categories"], strict=True)):
        table = one[f"0.columns.{at}.weight"]
        parts.append(table[[known.index(w) if w in known else len(known) for w in rows[name]]])
    x = torch.relu(torch.cat(parts, dim=1) @ one["1.weight"].T + one["1.bias"])
    outputs = x @ one["3.weight"].T + one["3.bias"]
    return (outputs * about["target_scale"] + about["target_mean"]).numpy().ravel()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("homes")
    path = sweep_of_homes(folder, EMBEDDED, final="{top_k: 1, seeds: 2}")
    uri = f"sqlite:///{folder / 'runs' / 'mlflow.db'}"
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri=uri)


def test_answers_are_those_of_the_vectors_looked_up_by_hand(finished: Results) -> None:
    folder = RunFolder(finished.path)
    final = read_final(folder)
    assert final is not None
    rows = pd.DataFrame({**NEW, "age": [0.1, 0.5, 0.7, 0.9]})
    rows.to_csv(finished.path.parent / "new.csv", index=False)
    answers = sweeps.predict(finished.path, finished.path.parent / "new.csv")
    files = [folder.path / final.model.weights, folder.path / final.model.preprocessing]
    assert answers["prediction"].to_numpy() == pytest.approx(by_hand(*files, rows), rel=1e-5)


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")
def test_the_model_in_mlflow_answers_as_predict_does(finished: Results) -> None:
    rows = pd.DataFrame({**NEW, "age": [0.1, 0.5, 0.7, 0.9]})
    rows.to_csv(finished.path.parent / "new.csv", index=False)
    mlflow.set_tracking_uri(f"sqlite:///{finished.path.parent / 'mlflow.db'}")
    served = mlflow.pyfunc.load_model("models:/blobs/1").predict(rows)
    answers = sweeps.predict(finished.path, finished.path.parent / "new.csv")
    pd.testing.assert_frame_equal(served, answers)


@pytest.mark.ray
def test_both_runners_give_the_same_curves(tmp_path: Path) -> None:
    path = sweep_of_homes(tmp_path)
    local, ray = (
        sweeps.run(path, runs=tmp_path / runner, runner=runner, tracking_uri="none")
        for runner in ("local", "ray")
    )
    assert curves(local) == curves(ray)


def test_a_killed_sweep_goes_on_bit_for_bit(tmp_path: Path) -> None:
    path = sweep_of_homes(tmp_path, epochs=40, stopping=EVERY_EPOCH)
    folder = tmp_path / "runs" / "killed"
    with driver("run", path, "--runs", tmp_path / "runs", "--id", "killed", "--local") as process:
        wait_for(lambda: len(events(folder, "report")) >= 50)
        process.signal(signal.SIGKILL)
        process.process.wait()
    resumed = sweeps.resume(folder, runner="local", tracking_uri="none")
    unbroken = sweeps.run(path, runs=tmp_path / "whole", runner="local", tracking_uri="none")
    assert curves(resumed) == curves(unbroken)
    assert outcomes(resumed) == ["completed"] * 6


def test_folds_embed_the_categories_of_their_own_train_rows(tmp_path: Path) -> None:
    path = sweep_of_homes(tmp_path, EMBEDDED, data=HOMES.replace("}", ", split: {folds: 3}}"))
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    assert outcomes(results) == ["completed"] * 6
    answers = sweeps.predict(results.path, tmp_path / "homes.csv")
    assert np.isfinite(answers["prediction"]).all()

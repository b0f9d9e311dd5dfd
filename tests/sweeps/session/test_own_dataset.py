"""A sweep on a dataset of the user's own, from its file to its record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import sweeps
from sweeps.errors import RequestError
from sweeps.findings.results import Results
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from sweeps.models.errors import DataError
from sweeps.models.prediction import Predictor
from sweeps.models.splits.cuts import cut_dataset
from sweeps.record.final import read_final, read_openings
from sweeps.record.run_folder import RunFolder
from tests.models.own_datasets import SOURCE, Blobs
from tests.sweeps.sweep_files import write_sweep
from tests.sweeps.tracking.logged_model import logged_model

MODULE = """
import torch
from torch.utils.data import Dataset

class Blobs(Dataset):
    def __init__(self, rows=90):
        generator = torch.Generator().manual_seed(0)
        self.y = torch.arange(rows) % 3
        self.x = torch.randn(rows, 5, generator=generator) + self.y[:, None]

    def __len__(self):
        return len(self.y)

    def __getitem__(self, number):
        return self.x[number], self.y[number]

def load():
    return Blobs()

def by_name():
    return {"train": Blobs(60), "test": Blobs(15)}
"""

WORDS = """
from tests.models.own_datasets import mean_of_words as build
from tests.models.own_datasets import sentences as load
"""


def run(folder: Path, **sections: str) -> Results:
    (folder / "blobs.py").write_text(MODULE)
    path = write_sweep(folder, **{"data": "{source: 'blobs:load'}", **sections})
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def test_a_dataset_is_searched_and_the_winner_tested_on_items_that_no_trial_saw(
    tmp_path: Path,
) -> None:
    results = run(tmp_path, final="{top_k: 2, seeds: 2}")
    folder = RunFolder(results.path)
    final = read_final(folder)
    assert final is not None
    [opening] = read_openings(folder)
    model = final.model
    predictor = Predictor.load(folder.path / model.weights, folder.path / model.preprocessing)
    config = DataConfig.model_validate({"source": f"{SOURCE}:blobs"})
    dataset = load_dataset(config, tmp_path)
    rows = cut_dataset(dataset, config.split, folder.read_sweep().seed).parts[0].test
    items = Blobs()
    answers = predictor.predict(items.x[rows].numpy())["prediction"]
    assert opening.rows == len(rows)
    right = np.mean(answers == items.y[rows].numpy())
    assert opening.metrics["test_accuracy"].value == pytest.approx(right)
    assert "items of a dataset are not compared" in (results.path / "report.html").read_text()


def test_the_dataset_of_test_is_opened_whole_and_once(tmp_path: Path) -> None:
    data = "{source: 'blobs:by_name', split: {given: part}}"
    results = run(tmp_path, data=data, final="{top_k: 1, seeds: 2}")
    [opening] = read_openings(RunFolder(results.path))
    assert opening.rows == 15
    rule = "test rows as column part says; the rest at random"
    assert rule in (RunFolder(results.path).path / "final" / "final.json").read_text()
    assert rule in (results.path / "report.html").read_text()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # MLflow's own
def test_a_net_of_items_by_name_answers_a_dictionary_of_arrays(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text(WORDS)
    path = write_sweep(
        tmp_path,
        data="{source: 'words:load'}",
        search="{method: random, trials: 2}",
        final="{top_k: 1, seeds: 2}",
        space="{model: {kind: custom, target: 'words:build'},"
        " optimizer: {kind: adam, lr: {float: [0.01, 0.1]}}, training: {epochs: 8, device: cpu}}",
    )
    uri = f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}"
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri=uri)
    final = read_final(RunFolder(results.path))
    assert final is not None
    model = final.model
    predictor = Predictor.load(results.path / model.weights, results.path / model.preprocessing)
    ids = np.array([[1, 1, 0], [3, 3, 3]])
    asked = {"ids": ids, "mask": ids > 0}
    assert predictor.predict(asked)["prediction"].tolist() == [0, 2]
    rows = pd.DataFrame({name: one.tolist() for name, one in asked.items()})
    of_rows = {name: rows[name].to_numpy() for name in rows}  # as MLflow's model hands them on
    assert predictor.predict(of_rows)["prediction"].tolist() == [0, 2]
    of_mlflow = logged_model(results)
    for rows_of_it in (asked, rows):
        assert of_mlflow.predict(rows_of_it)["prediction"].tolist() == [0, 2]
    example = of_mlflow.input_example
    assert {name: np.asarray(one).shape for name, one in example.items()} == {
        "ids": (3, 1),
        "mask": (3, 1),
    }
    assert len(of_mlflow.predict(example)) == 3
    with pytest.raises(DataError, match=r"ids must be int64 of any each.*shape \(\)"):
        predictor.predict({**asked, "ids": ids[0]})
    with pytest.raises(DataError, match="a dictionary of the arrays ids, mask"):
        predictor.predict({"ids": ids})


def test_a_run_folder_of_a_dataset_says_that_no_table_asks_its_net(tmp_path: Path) -> None:
    results = run(tmp_path)
    rows = tmp_path / "rows.csv"
    rows.write_text("x0\n1\n")
    with pytest.raises(RequestError, match=r"not rows of a table: .*float32 of 5 a row"):
        sweeps.predict(results.path, rows)


@pytest.mark.parametrize("asked", [torch.zeros(2, 4), torch.zeros(5)])
def test_a_net_of_a_dataset_refuses_rows_of_another_shape(
    tmp_path: Path, asked: torch.Tensor
) -> None:
    folder = RunFolder(run(tmp_path, final="{top_k: 1, seeds: 2}").path)
    final = read_final(folder)
    assert final is not None
    model = final.model
    predictor = Predictor.load(folder.path / model.weights, folder.path / model.preprocessing)
    with pytest.raises(ValueError, match="rows must be float32 of 5 each"):
        predictor.predict(asked.numpy())

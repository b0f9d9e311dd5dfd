"""A sweep over nets with one output for two classes, from its file to answers for new rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

import sweeps
from sweeps.cli.commands import main
from sweeps.definition.loading import load_sweep
from sweeps.models.data.datasets import load_dataset
from sweeps.models.splits.splits import split_dataset
from tests.sweeps.sweep_files import write_sweep

OWN = """
from torch import nn

def build(input_shape, outputs, width):
    assert outputs == 1
    return nn.Sequential(nn.Linear(input_shape[0], width), nn.ReLU(), nn.Linear(width, outputs))
"""
LOSS = "{kind: binary_cross_entropy, pos_weight: {choice: [none, balanced, 3]}}"
MODEL = "{kind: custom, target: 'one_logit_net:build', options: {width: {int: [4, 16]}}}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("logit")
    random = np.random.default_rng(0)
    is_fraud = random.random(300) < 0.2
    frame = pd.DataFrame(random.normal(size=(300, 3)) + is_fraud[:, None], columns=list("abc"))
    frame["label"] = np.where(is_fraud, "fraud", "honest")
    frame.to_csv(made / "rows.csv", index=False)
    (made / "one_logit_net.py").write_text(OWN)
    training = "{epochs: 8, batch_size: 32, device: cpu}"
    space = f"{{model: {MODEL}, loss: {LOSS}, optimizer: {{kind: adam}}, training: {training}}}"
    path = write_sweep(
        made, data="{source: rows.csv, target: label, positive: fraud}", space=space,
        objective="{metric: dev_f1_binary}", final="{top_k: 1, seeds: 2}",
    )  # fmt: skip
    sweeps.run(path, runs=made / "runs", runner="local", tracking_uri="none")
    return made


def test_new_rows_get_the_probability_of_each_class(folder: Path) -> None:
    run, out = folder / "runs" / "blobs", folder / "answers.csv"
    assert main(["predict", str(run), str(folder / "rows.csv"), "--out", str(out)]) == 0
    found, rows = pd.read_csv(out), pd.read_csv(folder / "rows.csv")
    chances = found[["probability_honest", "probability_fraud"]]
    assert chances.sum(axis=1).to_numpy() == pytest.approx(np.ones(300))
    says_fraud = found["prediction"] == "fraud"
    assert (says_fraud == (found["probability_fraud"] > 0.5)).all()
    assert ((found["prediction"] == rows["label"]).mean()) > 0.8


def test_the_test_rows_are_measured_for_the_positive_class(folder: Path) -> None:
    run, out = folder / "runs" / "blobs", folder / "more.csv"
    assert main(["predict", str(run), str(folder / "rows.csv"), "--out", str(out)]) == 0
    sweep = load_sweep(folder / "sweep.yaml")
    dataset = load_dataset(sweep.file.data, folder)
    rows = split_dataset(dataset, sweep.file.data, sweep.file.seed).test.rows
    truth, said = pd.read_csv(folder / "rows.csv")["label"], pd.read_csv(out)["prediction"]
    expected = f1_score(truth[rows], said[rows], pos_label="fraud")
    opened = json.loads((run / "openings.jsonl").read_text().splitlines()[-1])
    assert opened["metrics"]["test_f1_binary"]["value"] == pytest.approx(expected)

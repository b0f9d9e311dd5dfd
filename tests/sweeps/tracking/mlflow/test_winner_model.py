"""The winner's model answers as the net that was trained, wherever it is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import sweeps
from sweeps.findings.results import Results
from sweeps.models.prediction import Predictor
from sweeps.record.kept_weights import best_weights
from tests.sweeps.sweep_files import space, write_sweep
from tests.sweeps.tracking.logged_model import logged_model

DATA = "{source: flowers.csv, target: kind}"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A finished sweep of softmax regressions on a table with a column of words."""
    folder = tmp_path_factory.mktemp("winner")
    generator = np.random.default_rng(0)
    heights = generator.normal(20, 5, size=60).round(2)
    rows = [f"{h},{'red' if h > 20 else 'blue'},{'tall' if h > 22 else 'low'}" for h in heights]
    (folder / "flowers.csv").write_text("\n".join(["height,colour,kind", *rows]) + "\n")
    path = write_sweep(
        folder,
        data=DATA,
        search="{method: random, trials: 2}",
        space=space("{kind: linear}"),
    )
    uri = f"sqlite:///{folder / 'runs' / 'mlflow.db'}"
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri=uri)


@pytest.fixture
def predictor(recorded: Results) -> Predictor:
    assert recorded.winner is not None
    weights = best_weights(recorded.folder.weights, recorded.record.best)
    return Predictor.load(weights, recorded.path / "preprocessing.json")


def test_a_prediction_is_softmax_of_the_weights_times_the_scaled_row(
    recorded: Results, predictor: Predictor
) -> None:
    assert recorded.winner is not None
    tensors = load_file(best_weights(recorded.folder.weights, recorded.record.best))
    weight, bias = (tensor.double() for tensor in sorted(tensors.values(), key=lambda t: -t.dim()))
    prepared = predictor.preprocessing
    scaled = (30.0 - prepared.means[0]) / prepared.scales[0]
    row = torch.tensor([scaled, *(word == "red" for word in prepared.categories[0])]).double()
    expected = (weight @ row + bias).softmax(0)
    found = predictor.predict({"height": [30.0], "colour": ["red"]})
    shares = [found[f"probability_{name}"][0] for name in prepared.class_names]
    assert shares == pytest.approx(expected.tolist(), abs=1e-6)
    assert found["prediction"][0] == prepared.class_names[int(expected.argmax())]


def test_an_unknown_word_and_a_missing_column_are_handled_as_documented(
    predictor: Predictor,
) -> None:
    assert predictor.predict({"height": [30.0], "colour": ["green"]})["prediction"][0] == "tall"
    with pytest.raises(ValueError, match="colour"):
        predictor.predict({"height": [30.0]})


def test_the_logged_model_answers_in_a_process_without_the_project(
    recorded: Results, predictor: Predictor, tmp_path: Path
) -> None:
    uri = f"sqlite:///{recorded.path.parent / 'mlflow.db'}"
    code = (
        "import mlflow, pandas as pd, sys\n"
        f"mlflow.set_tracking_uri({uri!r})\n"
        "[model] = mlflow.search_logged_models(experiment_ids=['1'], output_format='list')\n"
        "loaded = mlflow.pyfunc.load_model(model.model_uri)\n"
        "columns = {'height': 'number', 'colour': 'word'}\n"
        "assert loaded.metadata.metadata['columns'] == columns\n"
        "assert [c.name for c in loaded.metadata.signature.outputs][0] == 'prediction'\n"
        "assert len(loaded.predict(loaded.input_example)) == 3\n"
        "rows = pd.DataFrame({'height': [30.0, 10.0], 'colour': ['red', 'blue']})\n"
        "answer = loaded.predict(rows)\n"
        "print(answer['prediction'].tolist(), answer['probability_tall'].tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    expected = predictor.predict({"height": [30.0, 10.0], "colour": ["red", "blue"]})
    shares = expected["probability_tall"].tolist()
    assert done.stdout.strip() == f"{expected['prediction'].tolist()} {shares}"


@pytest.fixture(scope="module")
def of_people(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A finished sweep on a table with whole numbers, some of which are missing, and words."""
    folder = tmp_path_factory.mktemp("people")
    towns = ("Bonn", "Ulm", "Kiel")
    rows = [f"{20 + n},{n % 4},{towns[n % 3]},{900.5 + 37 * n}" for n in range(60)]
    rows[50] = "40,,Ulm,3000"
    (folder / "people.csv").write_text("\n".join(["age,children,town,income", *rows]) + "\n")
    path = write_sweep(
        folder,
        data="{source: people.csv, target: income, missing: mean}",
        search="{method: random, trials: 1}",
        space=space("{kind: linear}"),
    )
    uri = f"sqlite:///{folder / 'runs' / 'mlflow.db'}"
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri=uri)


def rows_of(results: Results, number: int) -> pd.DataFrame:
    return pd.read_csv(results.path.parents[1] / "people.csv").head(number)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("ages", ["int64", "int32", "float64", "object"])
def test_the_logged_model_answers_for_whole_and_real_numbers_alike(
    of_people: Results, tmp_path: Path, ages: str
) -> None:
    rows = rows_of(of_people, 3)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    expected = sweeps.predict(of_people.path, tmp_path / "rows.csv")
    given = rows.astype({"age": ages, "children": ages})
    assert logged_model(of_people).predict(given).equals(expected)
    assert logged_model(of_people).predict(given.to_dict("records")).equals(expected)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("missing", [None, np.nan])
def test_the_logged_model_fills_a_number_that_is_missing(
    of_people: Results, missing: float | None
) -> None:
    rows = pd.DataFrame({"age": [40, 50], "children": [1, missing], "town": ["Ulm", None]})
    answers = logged_model(of_people).predict(rows)["prediction"]
    assert np.isfinite(answers).all()
    assert answers[0] == logged_model(of_people).predict(rows.head(1))["prediction"][0]


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("task", "columns"),
    [
        ("regression", ["prediction_a", "prediction_b"]),
        ("multilabel", ["prediction_a", "prediction_b", "probability_a", "probability_b"]),
    ],
)
def test_the_logged_model_of_several_targets_answers_each(
    tmp_path: Path, task: str, columns: list[str]
) -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    frame = pd.DataFrame(x, columns=["u", "v"]).assign(
        a=(x[:, 0] > 0).astype(int), b=(x[:, 1] > 1).astype(int)
    )
    frame.to_csv(tmp_path / "rows.csv", index=False)
    path = write_sweep(
        tmp_path,
        data=f"{{source: rows.csv, target: [a, b], task: {task}}}",
        search="{method: random, trials: 1}",
        space=space("{kind: linear}"),
    )
    uri = f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}"
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri=uri)
    model = logged_model(results)
    assert model.metadata.signature.outputs.input_names() == columns
    expected = sweeps.predict(results.path, tmp_path / "rows.csv")
    assert model.predict(frame).equals(expected)
    assert list(expected) == columns


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_the_logged_model_of_arrays_takes_arrays(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(60, 5)).round(2)
    np.savez(tmp_path / "plain.npz", x=x, y=(x[:, 0] > 0).astype(int))
    path = write_sweep(
        tmp_path,
        data="{source: plain.npz, target: y}",
        search="{method: random, trials: 1}",
        space=space("{kind: linear}"),
    )
    uri = f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}"
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri=uri)
    model = logged_model(results)
    named = pd.DataFrame(x[:4], columns=[f"x{number}" for number in range(5)])
    expected = model.predict(named)
    assert len(expected) == 4
    assert model.predict(x[:4]).equals(expected)
    assert model.predict(x[:4].tolist()).equals(expected)
    assert model.predict(pd.DataFrame(x[:4])).equals(expected)
    assert model.predict({name: named[name] for name in named}).equals(expected)

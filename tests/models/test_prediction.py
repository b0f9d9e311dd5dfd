"""What a saved net answers for raw rows is what it was scored on while it trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_absolute_error, r2_score

from sweeps.models.configuration import TrialConfig
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import Dataset, load_dataset
from sweeps.models.data.features import Features
from sweeps.models.errors import WeightsError
from sweeps.models.prediction import Predictor
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.folds import of_fold
from sweeps.models.splits.preprocessing import preprocessing_to_json
from sweeps.models.splits.splits import Splits, split_dataset, split_folds
from sweeps.models.training.training import Training
from sweeps.models.training.weights import pack

CNN = {"kind": "cnn"}
MLP = {"kind": "mlp", "hidden_layers": 2, "hidden_units": 16, "normalization": "batch"}


def trained(
    source: str, model: dict[str, Any], folder: Path, target: tuple[str, ...] | None = None
) -> tuple[Dataset, Splits, Predictor, dict[str, float]]:
    """Train two epochs, save as a trial does, and load what was saved."""
    config = DataConfig(source=source, target=target)
    dataset = load_dataset(config, folder)
    splits = split_dataset(dataset, config, seed=3)
    sections = {"model": model, "optimizer": {"kind": "adam", "lr": 0.01}}
    trial = TrialConfig.model_validate({**sections, "training": {"epochs": 2, "batch_size": 64}})
    training = Training(trial, splits.train_dev(), Objective("dev_loss", "min"), seed=5)
    while training.outcome is None:
        training.train_epoch()
    about = {"configuration": trial.model_dump(mode="json")}
    (folder / "best.safetensors").write_bytes(pack(training.best_weights, about))
    (folder / "preprocessing.json").write_text(splits.preprocessing.to_json())
    predictor = Predictor.load(folder / "best.safetensors", folder / "preprocessing.json")
    assert training.best_epoch is not None
    return dataset, splits, predictor, training.history[training.best_epoch - 1]


def raw_rows(features: Features, rows: Any) -> Any:
    return features.take(rows).numbers


@pytest.mark.parametrize("model", [CNN, MLP], ids=["cnn", "mlp"])
def test_classes_of_raw_dev_rows_score_as_the_best_epoch(
    model: dict[str, Any], tmp_path: Path
) -> None:
    dataset, splits, predictor, best = trained("digits", model, tmp_path)
    answer = predictor.predict(raw_rows(dataset.features, splits.dev.rows))
    truth = np.array(dataset.target.class_names)[dataset.target.values[splits.dev.rows]]
    assert accuracy_score(truth, answer["prediction"]) == pytest.approx(best["dev_accuracy"])
    assert f1_score(truth, answer["prediction"], average="macro") == pytest.approx(best["dev_f1"])
    shares = np.stack([answer[f"probability_{name}"] for name in dataset.target.class_names])
    assert shares.sum(axis=0) == pytest.approx(1)
    of_truth = shares[dataset.target.values[splits.dev.rows], np.arange(len(truth))]
    assert -np.log(of_truth).mean() == pytest.approx(best["dev_loss"], rel=1e-4)


def test_numbers_of_raw_dev_rows_are_in_the_targets_own_units(tmp_path: Path) -> None:
    dataset, splits, predictor, best = trained("diabetes", MLP, tmp_path)
    answer = predictor.predict(raw_rows(dataset.features, splits.dev.rows))["prediction"]
    truth = dataset.target.values[splits.dev.rows]
    assert mean_absolute_error(truth, answer) == pytest.approx(best["dev_mae"], rel=1e-4)
    assert r2_score(truth, answer) == pytest.approx(best["dev_r2"], abs=1e-4)


def two_targets(folder: Path, y: Callable[[np.ndarray], np.ndarray]) -> None:
    x = np.random.default_rng(0).normal(size=(300, 3))
    np.savez(folder / "t.npz", x=x, u=y(x[:, 0]), v=y(x[:, 1] - 1))


def test_each_of_several_numbers_is_predicted_in_its_own_units(tmp_path: Path) -> None:
    two_targets(tmp_path, lambda x: 100 + 7 * x)
    dataset, splits, predictor, best = trained("t.npz", MLP, tmp_path, ("u", "v"))
    answer = predictor.predict(raw_rows(dataset.features, splits.dev.rows))
    assert list(answer) == ["prediction_u", "prediction_v"]
    guess = np.stack(list(answer.values()), axis=1)
    truth = dataset.target.values[splits.dev.rows]
    assert mean_absolute_error(truth, guess) == pytest.approx(best["dev_mae"], rel=1e-4)
    assert r2_score(truth, guess) == pytest.approx(best["dev_r2"], abs=1e-4)


def test_each_label_is_predicted_with_its_probability(tmp_path: Path) -> None:
    two_targets(tmp_path, lambda x: (x > 0).astype(int))
    dataset, splits, predictor, best = trained("t.npz", MLP, tmp_path, ("u", "v"))
    features = dataset.features.take(splits.dev.rows)
    answer = predictor.predict(features)
    assert list(answer) == ["prediction_u", "prediction_v", "probability_u", "probability_v"]
    guess = np.stack([answer["prediction_u"], answer["prediction_v"]], axis=1)
    shares = np.stack([answer["probability_u"], answer["probability_v"]], axis=1)
    truth = dataset.target.values[splits.dev.rows]
    assert accuracy_score(truth, guess) == pytest.approx(best["dev_subset_accuracy"])
    assert f1_score(truth, guess, average="macro") == pytest.approx(best["dev_f1"])
    losses = [log_loss(truth[:, at], shares[:, at]) for at in range(2)]
    assert np.mean(losses) == pytest.approx(best["dev_loss"], rel=1e-4)
    np.testing.assert_allclose(predictor.outputs(features).sigmoid(), shares, rtol=1e-12)


def test_nets_of_folds_answer_labels_by_the_mean_of_their_probabilities(tmp_path: Path) -> None:
    two_targets(tmp_path, lambda x: (x > 0).astype(int))
    dataset, splits, one, _ = trained("t.npz", MLP, tmp_path, ("u", "v"))
    features = dataset.features.take(splits.dev.rows)
    other = trained("t.npz", {"kind": "linear"}, tmp_path, ("u", "v"))[2]
    both = Predictor([*one._nets, *other._nets])
    mean = (one.outputs(features).sigmoid() + other.outputs(features).sigmoid()) / 2
    np.testing.assert_allclose(both.outputs(features).sigmoid(), mean, rtol=1e-12)
    np.testing.assert_allclose(both.predict(features)["probability_v"], mean[:, 1], rtol=1e-12)


def test_the_nets_of_folds_answer_by_their_mean_each_with_its_own_scaling(tmp_path: Path) -> None:
    config = DataConfig.model_validate({"source": "diabetes", "split": {"folds": 3}})
    dataset = load_dataset(config, tmp_path)
    folds = split_folds(dataset, config, seed=3)
    trial = TrialConfig.model_validate(
        {"model": MLP, "optimizer": {"kind": "adam"}, "training": {"epochs": 1}}
    )
    training = Training(
        trial, [fold.train_dev() for fold in folds], Objective("dev_loss", "min"), seed=5
    )
    training.train_epoch()
    about = {"configuration": trial.model_dump(mode="json")}
    (tmp_path / "all.safetensors").write_bytes(pack(training.best_weights, about))
    records = [fold.preprocessing for fold in folds]
    (tmp_path / "all.json").write_text(preprocessing_to_json(records))
    test = raw_rows(dataset.features, folds[0].test.rows)
    answers = []
    for number, record in enumerate(records, start=1):
        own = of_fold(number, training.best_weights)
        (tmp_path / "one.safetensors").write_bytes(pack(own, about))
        (tmp_path / "one.json").write_text(preprocessing_to_json([record]))
        one = Predictor.load(tmp_path / "one.safetensors", tmp_path / "one.json")
        answers.append(one.predict(test)["prediction"])
    together = Predictor.load(tmp_path / "all.safetensors", tmp_path / "all.json")
    np.testing.assert_allclose(together.predict(test)["prediction"], np.mean(answers, axis=0))
    with pytest.raises(WeightsError, match=r"one\.safetensors and .*all\.json must be of the same"):
        Predictor.load(tmp_path / "one.safetensors", tmp_path / "all.json")


def test_an_image_may_come_flat_or_in_its_shape(tmp_path: Path) -> None:
    dataset, splits, predictor, _ = trained("digits", CNN, tmp_path)
    images = raw_rows(dataset.features, splits.dev.rows[:5])
    whole, flat = predictor.predict(images), predictor.predict(images.reshape(5, -1))
    assert whole["prediction"].tolist() == flat["prediction"].tolist()

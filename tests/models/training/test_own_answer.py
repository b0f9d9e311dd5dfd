"""What own training answers rows by is what it was scored on while it trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_squared_error

from sweeps.models.errors import OwnTrainingError
from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.prediction import Predictor
from sweeps.models.scoring.metric_configuration import MetricOptions
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.preprocessing import Preprocessing, preprocessing_to_json
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.training import Training
from sweeps.models.training.weights import pack
from tests.models.trial_fixtures import blobs, finished, line

BOTH = {"loss": MetricOptions(goal="min"), "hits": MetricOptions(goal="max")}


def prepared(data: TrainDev) -> Preprocessing:
    """That of rows which are taken as they are, and of targets in their own units."""
    columns = data.x_train.shape[1]
    return Preprocessing(
        number_names=tuple(f"c{number}" for number in range(columns)),
        number_shape=(columns,),
        means=(0.0,) * columns,
        scales=(1.0,) * columns,
        missing="error",
        fills=(),
        class_names=("a", "b", "c") if data.task == "classification" else (),
    )


def predictor(folder: Path, target: str, data: Any) -> tuple[Predictor, Training]:
    """Train, save as a trial does, and load what was saved: without the data."""
    section = {"kind": "custom", "target": f"tests.models.{target}", "epochs": 3, "device": "cpu"}
    config = OwnTrialConfig.model_validate({"training": section})
    declared = BOTH if data[0].task == "classification" else {"loss": BOTH["loss"]}
    training = finished(Training(config, data, Objective("dev_loss", "min", declared), 7))
    about = {"configuration": config.model_dump(mode="json"), "seed": 7}
    weights, features = folder / "best.safetensors", folder / "preprocessing.json"
    weights.write_bytes(pack(training.best_weights, about))
    features.write_text(preprocessing_to_json([prepared(one) for one in data]))
    return Predictor.load(weights, features), training


@pytest.mark.parametrize(
    "target",
    [
        "own_trainings:steps",
        "own_trainings:Steps",
        "own_lightning:one_cycle",
        "own_transformers:warmed_up",
    ],
)
def test_the_dev_rows_are_answered_as_the_best_epoch_was_scored(
    tmp_path: Path, target: str
) -> None:
    data = blobs()
    asked, training = predictor(tmp_path, target, [data])
    answer = asked.predict(data.x_dev)
    shares = np.stack([answer[f"probability_{name}"] for name in "abc"], axis=1)
    assert training.predicts
    assert training.best_row is not None
    assert log_loss(data.y_dev, shares) == pytest.approx(training.best_row["dev_loss"], rel=1e-5)
    hits = np.array(list("abc"))[data.y_dev] == answer["prediction"]
    assert hits.mean() == pytest.approx(training.best_row["dev_hits"])


def test_trainings_of_folds_answer_by_the_mean_of_their_probabilities(tmp_path: Path) -> None:
    data = [blobs(), blobs(150)]
    asked, _ = predictor(tmp_path, "own_trainings:steps", data)
    answer = asked.predict(data[0].x_dev)
    alone = [Predictor([one]).predict(data[0].x_dev)["probability_b"] for one in asked._nets]
    assert not np.array_equal(*alone)
    np.testing.assert_allclose(answer["probability_b"], np.mean(alone, axis=0))


def test_a_single_number_a_row_may_be_returned_flat(tmp_path: Path) -> None:
    data = line()
    asked, training = predictor(tmp_path, "own_trainings:fits_a_line", [data])
    answer = asked.predict(data.x_dev)["prediction"]
    assert training.best_row is not None
    found = mean_squared_error(data.y_dev, answer)
    assert found == pytest.approx(training.best_row["dev_loss"], rel=1e-5)


def test_a_training_that_answers_by_something_else_is_told_what_is_asked_for(
    tmp_path: Path,
) -> None:
    asked, _ = predictor(tmp_path, "own_trainings:answers_too_little", [blobs()])
    with pytest.raises(OwnTrainingError) as caught:
        asked.predict(blobs().x_dev[:7])
    assert "predict must return (7 rows, 3 outputs), as a net does" in str(caught.value)
    assert "shape (7, 2)" in str(caught.value)


def test_a_training_without_predict_answers_nothing(tmp_path: Path) -> None:
    with pytest.raises(OwnTrainingError, match="must provide `predict`"):
        predictor(tmp_path, "own_trainings:cuts_by_itself", [blobs()])

"""Logs the winner's model on a sweep's MLflow run: signature, input example, pinned needs."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

from models.prediction import Predictor
from sweeps.errors import RunFolderError
from sweeps.records import TrialRecord
from sweeps.run_folder import PREPROCESSING
from sweeps.tracking import Projection, translated_errors

__all__ = ["log_winner"]

_PROJECT = Path(__file__).resolve().parent.parent
_NEEDS = ("mlflow", "torch", "numpy", "pandas", "pydantic", "safetensors")
_EXAMPLE_ROWS = 3


def log_winner(projection: Projection, best: TrialRecord) -> str:
    """Log the best trial's net as the sweep run's model `winner`; returns its `models:/` URI.

    Raises:
        TrackingError: The store refuses.
        RunFolderError: The weights or the preprocessing are missing.
    """
    folder = projection.folder
    weights = folder.weights / f"{best.trial.index:06d}.safetensors"
    preprocessing = folder.path / PREPROCESSING
    for path in (weights, preprocessing):
        if not path.exists():
            raise RunFolderError(f"{path} is missing: the winner's model cannot be logged")
    predictor = Predictor.load(weights, preprocessing)
    example = _example(predictor)
    answer = pd.DataFrame(predictor.predict({str(key): example[key].to_numpy() for key in example}))
    with translated_errors(projection.uri):
        mlflow.set_tracking_uri(projection.uri)
        with mlflow.start_run(run_id=projection.parent_id):
            info = mlflow.pyfunc.log_model(
                name="winner",
                python_model=str(_PROJECT / "sweeps" / "winner_model.py"),
                artifacts={"weights": str(weights), "preprocessing": str(preprocessing)},
                code_paths=[str(_PROJECT / "models")],
                signature=infer_signature(example, answer),
                input_example=example,
                pip_requirements=[f"{name}=={version(name)}" for name in _NEEDS],
            )
    return str(info.model_uri)


def _example(predictor: Predictor) -> pd.DataFrame:
    """Return rows at the training means, as a DataFrame with the training data's columns."""
    prepared = predictor.preprocessing
    columns: dict[str, object] = {
        name: np.full(_EXAMPLE_ROWS, mean)
        for name, mean in zip(prepared.number_names, prepared.means, strict=True)
    }
    for name, known in zip(prepared.word_names, prepared.categories, strict=True):
        columns[name] = np.array([known[0]] * _EXAMPLE_ROWS, dtype=object)
    return pd.DataFrame(columns)

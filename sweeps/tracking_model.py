"""Logs the winner's model on a sweep's MLflow run: signature, input example, pinned needs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow import pyfunc
from mlflow.models import Model, infer_signature
from mlflow.utils import environment

from models.preprocessing import Preprocessing
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

    MLflow's own trial of the input example is left out: it would load torch into the tracker for
    what the tests hold.

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
    prepared = Preprocessing.from_json(preprocessing.read_text(encoding="utf-8"))
    example = _example(prepared)
    # The needs are read off what is installed, so they match; checking reads every package's files.
    vars(environment)["warn_dependency_requirement_mismatches"] = lambda requirements: None
    with translated_errors(projection.uri), warnings.catch_warnings():
        # It suggests type hints, from which it would infer the signature that it is given.
        warnings.simplefilter("ignore", UserWarning)
        with _tracking_at(projection.uri), mlflow.start_run(run_id=projection.parent_id):
            info = Model.log(
                artifact_path=None,
                name="winner",
                flavor=_PyfuncWithoutTrial,
                python_model=str(_PROJECT / "sweeps" / "winner_model.py"),
                artifacts={"weights": str(weights), "preprocessing": str(preprocessing)},
                code_paths=[str(_PROJECT / "models")],
                signature=infer_signature(example, _answer(prepared)),
                input_example=example,
                pip_requirements=[f"{name}=={version(name)}" for name in _NEEDS],
                validate_serving_input=False,
            )
    return str(info.model_uri)


@contextmanager
def _tracking_at(uri: str) -> Iterator[None]:
    """Point MLflow at `uri` for a while; it keeps the address in the environment, too."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before or "")
        if before is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)


class _PyfuncWithoutTrial:
    """MLflow's pyfunc flavor; it takes the switch that its own save_model does not know."""

    __name__ = pyfunc.__name__

    @staticmethod
    def save_model(validate_serving_input: bool, **options: Any) -> None:
        """Save the model as pyfunc does; Model.log has read the switch."""
        pyfunc.save_model(**options)


def _example(prepared: Preprocessing) -> pd.DataFrame:
    """Return rows at the training means, as a DataFrame with the training data's columns."""
    columns: dict[str, Any] = {
        name: np.full(_EXAMPLE_ROWS, mean)
        for name, mean in zip(prepared.number_names, prepared.means, strict=True)
    }
    for name, known in zip(prepared.word_names, prepared.categories, strict=True):
        columns[name] = np.array([known[0]] * _EXAMPLE_ROWS, dtype=object)
    return pd.DataFrame(columns)


def _answer(prepared: Preprocessing) -> pd.DataFrame:
    """Return what models.prediction answers, by its columns and types alone."""
    names = prepared.class_names
    if not names:
        return pd.DataFrame({"prediction": np.zeros(1)})
    shares = {f"probability_{name}": np.full(1, 1 / len(names)) for name in names}
    return pd.DataFrame({"prediction": np.array(names[:1], dtype=object), **shares})

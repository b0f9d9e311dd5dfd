"""Logs the winner's model on a sweep's MLflow run: signature, input example, pinned needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from mlflow import pyfunc
from mlflow.entities import LoggedModelOutput
from mlflow.models import Model, infer_signature
from mlflow.utils import environment

from models.preprocessing import Preprocessing, preprocessing_from_json
from sweeps.errors import RunFolderError
from sweeps.record.records import TrialRecord
from sweeps.record.run_folder import PREPROCESSING
from sweeps.spec.configurations import flatten
from sweeps.tracking.projection import Projection, model_mark
from sweeps.tracking.store import translated_errors

__all__ = ["log_winner"]

_PROJECT = Path(__file__).resolve().parents[2]
_NEEDS = ("mlflow", "torch", "numpy", "pandas", "pydantic", "safetensors")
_EXAMPLE_ROWS = 3
_NAME = "winner"


def log_winner(projection: Projection, best: TrialRecord) -> str:
    """Log the best trial's net as the sweep run's model `winner`; returns its `models:/` URI.

    A model that a killed tracker left unfinished is deleted, and one that it had finished is kept.
    The input example is not tried: that would load torch into the tracker for what the tests hold.

    Raises:
        TrackingError: The store refuses.
        RunFolderError: The weights or the preprocessing are missing.
    """
    folder, client = projection.folder, projection.client
    weights = folder.weights / f"{best.trial.index:06d}.safetensors"
    preprocessing = folder.path / PREPROCESSING
    for path in (weights, preprocessing):
        if not path.exists():
            raise RunFolderError(f"{path} is missing: the winner's model cannot be logged")
    files = {"weights": str(weights), "preprocessing": str(preprocessing)}
    # Columns and classes are the same in all folds.
    prepared = preprocessing_from_json(preprocessing.read_text(encoding="utf-8"))[0]
    with translated_errors(projection.uri), TemporaryDirectory() as temporary:
        model = _finished_model(projection, best)
        if model is None:
            model = client.create_logged_model(
                projection.experiment_id,
                name=_NAME,
                source_run_id=projection.parent_id,
                tags={"sweeps.model": model_mark(best), "trial": str(best.trial.index)},
                params={k: str(v) for k, v in flatten(best.trial.configuration).items()},
            )
            local = Path(temporary) / "model"
            _save(local, model, files, prepared)
            client.log_model_artifacts(model.model_id, str(local))
            client.finalize_logged_model(model.model_id, "READY")
        output = LoggedModelOutput(model.model_id, step=best.best_epoch or 0)
        client.log_outputs(projection.parent_id, models=[output])
    return f"models:/{model.model_id}"


def _finished_model(projection: Projection, best: TrialRecord) -> Any:
    """Return this winner's model where it is ready; delete what was left half done."""
    found = None
    condition = f"source_run_id = '{projection.parent_id}'"
    for model in projection.client.search_logged_models([projection.experiment_id], condition):
        if str(model.status) != "READY":
            projection.client.delete_logged_model(model.model_id)
        elif model.tags.get("sweeps.model") == model_mark(best):
            found = model
    return found


def _save(path: Path, model: Any, files: dict[str, str], prepared: Preprocessing) -> None:
    example = _example(prepared)
    about = Model(
        artifact_path=model.artifact_location,
        run_id=model.source_run_id,
        model_uuid=model.model_id,
        model_id=model.model_id,
    )
    with _needs_unchecked():
        pyfunc.save_model(
            path=str(path),
            mlflow_model=about,
            python_model=str(_PROJECT / "sweeps" / "tracking" / "winner_model.py"),
            artifacts=files,
            code_paths=[str(_PROJECT / "models")],
            signature=infer_signature(example, _answer(prepared)),
            input_example=example,
            pip_requirements=[f"{name}=={version(name)}" for name in _NEEDS],
        )


@contextmanager
def _needs_unchecked() -> Iterator[None]:
    """The needs are read off what is installed, so they match; a check reads every package."""
    names = vars(environment)
    check = names["warn_dependency_requirement_mismatches"]
    names["warn_dependency_requirement_mismatches"] = lambda requirements: None
    try:
        yield
    finally:
        names["warn_dependency_requirement_mismatches"] = check


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

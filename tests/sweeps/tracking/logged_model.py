"""The winner's model as a user of MLflow loads it."""

from __future__ import annotations

import mlflow

from sweeps.findings.results import Results

__all__ = ["logged_model"]


def logged_model(results: Results) -> mlflow.pyfunc.PyFuncModel:
    """Return the model of a sweep called `blobs`, recorded beside its run folder."""
    uri = f"sqlite:///{results.path.parent / 'mlflow.db'}"
    [parent] = mlflow.MlflowClient(uri).search_runs(["1"], "tags.mlflow.runName = 'blobs'")
    mlflow.set_tracking_uri(uri)
    try:
        return mlflow.pyfunc.load_model(parent.data.tags["model_uri"])
    finally:
        mlflow.set_tracking_uri("")

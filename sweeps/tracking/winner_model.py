"""The winner as an MLflow model: raw features in, predictions out.

MLflow stores this file as the model's code ("models from code"): nothing is pickled. It runs where
the model is served, with the `models` package beside it, and imports nothing else of the project.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

__all__ = ["WinnerModel"]


class WinnerModel(PythonModel):
    """Preprocessing, net and weights of a sweep's winner."""

    def load_context(self, context: Any) -> None:
        """Read the weights and the preprocessing that were fitted on the training rows."""
        from models.prediction import Predictor

        self._predictor = Predictor.load(
            Path(context.artifacts["weights"]), Path(context.artifacts["preprocessing"])
        )

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Return one row a row of `model_input`.

        Args:
            model_input: A DataFrame with the training data's columns, or an array of numbers.

        Returns:
            `prediction`, and for classes `probability_<class>`, one column a class.
        """
        raw: Any = model_input
        if isinstance(model_input, pd.DataFrame):
            raw = {column: model_input[column].to_numpy() for column in model_input.columns}
        elif not isinstance(model_input, np.ndarray):
            raw = np.asarray(json.loads(json.dumps(model_input)))
        return pd.DataFrame(self._predictor.predict(raw))


set_model(WinnerModel())

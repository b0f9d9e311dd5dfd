"""The winner as an MLflow model: raw features in, predictions out.

MLflow stores this file as the model's code ("models from code"): nothing is pickled. It runs where
the model is served. What it needs of the project is stored with it, and used where the project is
not installed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
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
        self._predictor = _predictor(context.artifacts["package"]).load(
            Path(context.artifacts["weights"]), Path(context.artifacts["preprocessing"])
        )

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Return one row a row of `model_input`.

        Args:
            model_input: The training data's columns, whole and real numbers alike: a DataFrame, or
                what makes one (a mapping of columns, a list of records). Where there are no words
                also an array of (rows, numbers), or a DataFrame without column names.

        Returns:
            `prediction`, and for classes `probability_<class>`, one column a class.
        """
        return pd.DataFrame(self._predictor.predict(_raw(model_input)))


def _predictor(package: str) -> Any:
    """Return the class Predictor: of the installed project, or of the code kept with the model.

    Another project's package of the same name, without the part that is needed, gives way.
    """
    try:
        from sweeps.models.prediction import Predictor
    except ImportError:
        for name in [one for one in sys.modules if one.partition(".")[0] == "sweeps"]:
            del sys.modules[name]
        sys.path.insert(0, package)
        from sweeps.models.prediction import Predictor
    return Predictor


def _raw(asked: Any) -> Any:
    """Return what was asked as a Predictor takes it: columns by name, or an array."""
    if isinstance(asked, list) and isinstance(asked[0], Mapping):
        asked = pd.DataFrame(asked)
    if isinstance(asked, Mapping):
        return asked
    if isinstance(asked, pd.DataFrame) and not isinstance(asked.columns, pd.RangeIndex):
        return {column: asked[column].to_numpy() for column in asked.columns}
    return np.asarray(asked)


set_model(WinnerModel())

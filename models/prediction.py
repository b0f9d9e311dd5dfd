"""A trained net as a function of raw features: preprocessing, weights, and answers in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from models.configuration import TrialConfig
from models.nets import build_net
from models.preprocessing import Preprocessing
from models.weights import load_weights

__all__ = ["Predictor"]

_ROWS_AT_ONCE = 4096


class Predictor:
    """Answers for raw features, as they stood in the data before scaling and encoding."""

    def __init__(self, net: torch.nn.Module, preprocessing: Preprocessing) -> None:
        self.preprocessing = preprocessing
        self._net = net.eval()

    @classmethod
    def load(cls, weights: Path, preprocessing: Path) -> Self:
        """Return the net whose best weights are in `weights`.

        Args:
            weights: a .safetensors file of a trial, which carries its configuration.
            preprocessing: the JSON that `Preprocessing.to_json` wrote.

        Raises:
            ModelError: a file is damaged, or the two do not belong together.
        """
        prepared = Preprocessing.from_json(preprocessing.read_text(encoding="utf-8"))
        tensors, about = load_weights(weights)
        config = TrialConfig.model_validate(about["configuration"])
        net = build_net(config.model, prepared.input_shape, len(prepared.class_names) or 1)
        net.load_state_dict(tensors)
        return cls(net, prepared)

    def predict(
        self, raw: Mapping[str, npt.ArrayLike] | npt.ArrayLike
    ) -> dict[str, npt.NDArray[Any]]:
        """Return (rows,) arrays by name: `prediction`, and `probability_<class>` for classes.

        Args:
            raw: a column for each name, or an array of (rows, numbers), as Preprocessing takes it.

        Raises:
            DataError: a column is missing, or a value is missing or not finite.
        """
        outputs = self._outputs(self.preprocessing.apply(raw))
        names = self.preprocessing.class_names
        if not names:
            scale, mean = self.preprocessing.target_scale, self.preprocessing.target_mean
            return {"prediction": outputs[:, 0].double().numpy() * scale + mean}
        probabilities = outputs.double().softmax(dim=1).numpy()
        columns = {f"probability_{name}": probabilities[:, i] for i, name in enumerate(names)}
        return {"prediction": np.array(names)[probabilities.argmax(axis=1)], **columns}

    @torch.inference_mode()
    def _outputs(self, x: npt.NDArray[np.float32]) -> torch.Tensor:
        """Return (rows, outputs)."""
        batches = torch.split(torch.from_numpy(x), _ROWS_AT_ONCE)
        return torch.cat([self._net(batch).reshape(len(batch), -1) for batch in batches])

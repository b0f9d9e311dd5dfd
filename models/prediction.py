"""A trained net as a function of raw features: preprocessing, weights, and answers in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sweeps.models.configuration import TrialConfig
from sweeps.models.errors import WeightsError
from sweeps.models.features import Features
from sweeps.models.folds import of_fold
from sweeps.models.nets import build_net
from sweeps.models.preprocessing import Preprocessing, preprocessing_from_json
from sweeps.models.targets import class_labels
from sweeps.models.weights import load_weights

__all__ = ["Predictor"]

_ROWS_AT_ONCE = 4096

RawFeatures = Features | Mapping[str, npt.ArrayLike] | npt.ArrayLike


class Predictor:
    """Answers for raw features, as they stood in the data before scaling and encoding.

    The nets of several folds answer together, by the mean of their probabilities or predictions.

    Attributes:
        preprocessing: of the first net; the columns and classes are the same for all.
    """

    def __init__(self, nets: Sequence[tuple[torch.nn.Module, Preprocessing]]) -> None:
        """Takes one net or more, each with the preprocessing of its own training rows."""
        self._nets = [(net.eval(), prepared) for net, prepared in nets]
        self.preprocessing = nets[0][1]

    @classmethod
    def load(cls, weights: Path, preprocessing: Path) -> Self:
        """Return the net whose best weights are in `weights`, or the nets of all folds.

        Args:
            weights: a .safetensors file of a trial, which carries its configuration.
            preprocessing: the JSON that `preprocessing_to_json` wrote.

        Raises:
            ModelError: a file is damaged, or the two do not belong together.
        """
        folds = preprocessing_from_json(preprocessing.read_text(encoding="utf-8"))
        tensors, about = load_weights(weights)
        config = TrialConfig.model_validate(about["configuration"])
        nets = []
        for number, prepared in enumerate(folds, start=1):
            net = build_net(config.model, prepared.input_shape, len(prepared.class_names) or 1)
            own = tensors if len(folds) == 1 else of_fold(number, tensors)
            try:
                net.load_state_dict(own)
            except RuntimeError as err:
                rule = f"{weights} and {preprocessing} are of the same trial: {err}"
                raise WeightsError(rule) from err
            nets.append((net, prepared))
        return cls(nets)

    def predict(self, raw: RawFeatures) -> dict[str, npt.NDArray[Any]]:
        """Return (rows,) arrays by name: `prediction`, and `probability_<class>` for classes.

        Args:
            raw: a column for each name, or an array of (rows, numbers), as Preprocessing takes it.

        Raises:
            DataError: a column is missing, or a value is missing or not finite.
        """
        answers = np.mean([_answer(net, prepared, raw) for net, prepared in self._nets], axis=0)
        names = self.preprocessing.class_names
        if not names:
            return {"prediction": answers[:, 0]}
        columns = {f"probability_{name}": answers[:, i] for i, name in enumerate(names)}
        labels = class_labels(names, self.preprocessing.class_type)
        return {"prediction": labels[answers.argmax(axis=1)], **columns}

    def outputs(self, features: Features) -> Tensor:
        """Return what one net would have put out to answer as these nets do together.

        Args:
            features: raw, of n rows.

        Returns:
            (rows, classes) log-probabilities, or (rows, 1) standardised by `preprocessing`;
            float64, on the CPU.
        """
        if not self.preprocessing.class_names:
            wanted = torch.from_numpy(self.predict(features)["prediction"])[:, None]
            return (wanted - self.preprocessing.target_mean) / self.preprocessing.target_scale
        logs = [_outputs(net, own, features).log_softmax(dim=1) for net, own in self._nets]
        # The mean of probabilities, and of one net no detour: the log of a probability that
        # float64 takes for 0 is still a number.
        return torch.stack(logs).logsumexp(dim=0) - math.log(len(logs))


@torch.inference_mode()
def _outputs(net: torch.nn.Module, prepared: Preprocessing, raw: RawFeatures) -> Tensor:
    """What one net puts out: (rows, outputs) float64."""
    batches = torch.split(torch.from_numpy(prepared.apply(raw)), _ROWS_AT_ONCE)
    return torch.cat([net(batch).flatten(1) for batch in batches]).double()


def _answer(
    net: torch.nn.Module, prepared: Preprocessing, raw: RawFeatures
) -> npt.NDArray[np.float64]:
    """What one net says: (rows, classes) probabilities, or (rows, 1) in the target's own units."""
    outputs = _outputs(net, prepared, raw)
    if prepared.class_names:
        outputs = outputs.softmax(dim=1)
    else:
        outputs = outputs * prepared.target_scale + prepared.target_mean
    answer: npt.NDArray[np.float64] = outputs.numpy()
    return answer

"""A trained net as a function of raw features: preprocessing, weights, and answers in words."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from sweeps.models.answer_columns import answer_columns
from sweeps.models.configuration import TrialConfig, net_outputs
from sweeps.models.data.features import Features
from sweeps.models.data.item_forms import zero_rows
from sweeps.models.data.item_reading import ItemReader
from sweeps.models.data.items import ANY, ItemRows, NetInputs, TensorKind
from sweeps.models.errors import DataError, WeightsError
from sweeps.models.nets.forward import forward, returned_by
from sweeps.models.nets.nets import build_net
from sweeps.models.own_code.net_parts import Parts, first_of, parts_of
from sweeps.models.scoring.answers import Units, class_logits, units_on
from sweeps.models.scoring.tasks import TASKS
from sweeps.models.splits.folds import of_fold
from sweeps.models.splits.preprocessing import Preprocessing, preprocessing_from_json
from sweeps.models.splits.unknown_categories import unknown_words
from sweeps.models.training.own_answer import OwnNet
from sweeps.models.training.weights import load_weights
from sweeps.models.trial_kinds import is_own_training

__all__ = ["Predictor"]

_LOG = logging.getLogger(__name__)
_ROWS_AT_ONCE = 4096

RawFeatures = Features | Mapping[str, npt.ArrayLike] | npt.ArrayLike
Asked = RawFeatures | ItemRows
# Of what a dataset draws at random for the items that are asked.
_SEED = 0x74657374


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
        parts = [tensors]
        if len(folds) > 1:
            parts = [of_fold(number, tensors) for number in range(1, len(folds) + 1)]
        if is_own_training(about["configuration"]):
            own = zip(parts, folds, strict=True)
            return cls([(OwnNet(tensors, about, fold), fold) for tensors, fold in own])
        config = TrialConfig.model_validate(about["configuration"])
        nets = []
        for part, prepared in zip(parts, folds, strict=True):
            outputs, rows = net_outputs(config, prepared), zero_rows(prepared.item)
            try:
                net = build_net(
                    config.model,
                    prepared.input_shape,
                    outputs,
                    rows,
                    categories=prepared.category_counts,
                )
                net.load_state_dict(part)
            except (RuntimeError, TypeError, OverflowError, MemoryError) as err:  # sizes of none
                rule = f"{weights} and {preprocessing} must be of the same trial: {err}"
                raise WeightsError(rule) from err
            nets.append((net, prepared))
        return cls(nets)

    def predict(self, raw: RawFeatures) -> dict[str, npt.NDArray[Any]]:
        """Return (rows,) arrays by name, as `answer_columns` names them.

        Categories that no training row had are logged as a warning, with the count of their rows.

        Args:
            raw: a column for each name, or an array of (rows, numbers), as Preprocessing takes it;
                of a dataset an array of (rows, *shape of an x), or such arrays by name.

        Raises:
            DataError: a column is missing, or a value is missing or not finite.
        """
        answers = self._answers(raw)
        self._warn_of_unknown(raw)
        return answer_columns(self.preprocessing, answers)

    def _warn_of_unknown(self, raw: RawFeatures) -> None:
        if not self.preprocessing.word_names:
            return
        folds = [prepared for _, prepared in self._nets]
        if words := unknown_words(folds, self.preprocessing.words_of(raw)):
            _LOG.warning(words)

    def _answers(self, raw: Asked) -> npt.NDArray[np.float64]:
        """(rows, outputs) probabilities, or amounts in the target's own units."""
        answers = [_answer(net, prepared, raw) for net, prepared in self._nets]
        mean: npt.NDArray[np.float64] = np.mean(answers, axis=0)
        return mean

    @torch.inference_mode()
    def with_parts(self, features: Features | ItemRows) -> tuple[Tensor, Parts | None]:
        """Return `outputs`; of a net that returns several tensors all of them, and what they are.

        Those of several nets are averaged, in their own units.
        """
        net, prepared = self._nets[0]
        first = returned_by(net, next(iter(_batches(prepared, features))))
        parts = parts_of(first)
        if parts is None:
            return self.outputs(features), None
        found = [
            torch.cat([forward(net, batch) for batch in _batches(own, features)]).double()
            for net, own in self._nets
        ]
        return torch.stack(found).mean(0), parts

    def outputs(self, features: Features | ItemRows) -> Tensor:
        """Return what one net would have put out to answer as these nets do together.

        Args:
            features: raw, of n rows, or n items of a dataset.

        Returns:
            (rows, classes) log-probabilities, (rows, labels) logits, or (rows, targets)
            standardised by `preprocessing`; float64, on the CPU.
        """
        if TASKS[self.preprocessing.task].is_standardised:
            mean, scale = _units(self.preprocessing)
            return (torch.from_numpy(self._answers(features)) - mean) / scale
        outputs = [_outputs(net, own, features) for net, own in self._nets]
        if not self.preprocessing.class_names:
            likely = _mean_of_logs([logsigmoid(one) for one in outputs])
            return likely - _mean_of_logs([logsigmoid(-one) for one in outputs])
        return _mean_of_logs([one.log_softmax(dim=1) for one in outputs])


def _mean_of_logs(logs: Sequence[Tensor]) -> Tensor:
    """The log of the mean of probabilities, from their logs.

    Of one net no detour: the log of a probability that float64 takes for 0 is still a number.
    """
    return torch.stack(list(logs)).logsumexp(dim=0) - math.log(len(logs))


def _units(prepared: Preprocessing) -> Units:
    return units_on(torch.device("cpu"), prepared.target_mean, prepared.target_scale)


@torch.inference_mode()
def _outputs(net: torch.nn.Module, prepared: Preprocessing, raw: Asked) -> Tensor:
    """What one net puts out: (rows, outputs) float64; of one logit `class_logits`."""
    batches = _batches(prepared, raw)
    outputs = torch.cat(
        [_answer_of(returned_by(net, batch)).flatten(1) for batch in batches]
    ).double()
    return class_logits(outputs) if TASKS[prepared.task].one_logit else outputs


def _answer_of(returned: Any) -> Tensor:
    answer = first_of(returned)
    assert isinstance(answer, Tensor), "it was tried when the net was built"
    return answer


def _batches(prepared: Preprocessing, raw: Asked) -> Iterable[NetInputs]:
    if isinstance(raw, ItemRows):
        return ItemReader(raw).blocks(range(len(raw)), _SEED)
    if prepared.item is None:
        return torch.split(torch.from_numpy(prepared.apply(raw)), _ROWS_AT_ONCE)
    if isinstance(prepared.item, TensorKind):
        return torch.split(_asked("rows", raw, prepared.item), _ROWS_AT_ONCE)
    return _batches_by_name(prepared.item, raw)


def _batches_by_name(kinds: Mapping[str, TensorKind], raw: Asked) -> Iterator[NetInputs]:
    """Tensors by name in batches, of a mapping of arrays."""
    if not isinstance(raw, Mapping) or raw.keys() != kinds.keys():
        found = list(raw) if isinstance(raw, Mapping) else f"a {type(raw).__name__}"
        rule = f"rows must be a dictionary of the arrays {', '.join(kinds)}"
        raise DataError(rule, value=found)
    every = {name: _asked(name, raw[name], kind) for name, kind in kinds.items()}
    counts = {name: len(one) for name, one in every.items()}
    if len({*counts.values()}) > 1:
        raise DataError("all arrays must have equal numbers of rows", value=counts)
    for start in range(0, next(iter(counts.values())), _ROWS_AT_ONCE):
        yield {name: one[start : start + _ROWS_AT_ONCE] for name, one in every.items()}


def _asked(name: str, raw: Any, kind: TensorKind) -> Tensor:
    array = np.asarray(raw)
    if array.dtype == object:  # a column of a data frame, of a list each
        array = np.array(array.tolist())
    asked = torch.as_tensor(array).to(getattr(torch, kind.dtype))
    sizes = list(asked.shape[1:])
    fits = len(sizes) == len(kind.shape) and all(
        wanted in (size, ANY) for size, wanted in zip(sizes, kind.shape, strict=True)
    )
    if not fits or not asked.ndim:
        rule = f"{name} must be {kind} each, as x of the dataset"
        raise DataError(rule, value=f"shape {tuple(sizes)}")
    return asked


def _answer(net: torch.nn.Module, prepared: Preprocessing, raw: Asked) -> npt.NDArray[np.float64]:
    """What one net says: (rows, outputs) probabilities, or amounts in the targets' own units."""
    outputs = _outputs(net, prepared, raw)
    if TASKS[prepared.task].is_standardised:
        mean, scale = _units(prepared)
        outputs = outputs * scale + mean
    else:
        outputs = outputs.softmax(dim=1) if prepared.class_names else outputs.sigmoid()
    answer: npt.NDArray[np.float64] = outputs.numpy()
    return answer

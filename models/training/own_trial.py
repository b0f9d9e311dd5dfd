"""What the user's own training gets of its trial, and hands over by it: `trial`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, Subset, TensorDataset

from sweeps.models.data.item_reading import opened
from sweeps.models.data.items import ItemRows
from sweeps.models.data.pixels import Pixels
from sweeps.models.splits.splits import Inputs, TrainDev
from sweeps.models.training import kept_state
from sweeps.models.training.kept_state import refused

__all__ = ["Evaluate", "Predict", "Rows", "Trial"]

PartName = Literal["train", "dev", "test"]

# What evaluations draw random numbers from: the same in every trial, so that all are compared on
# the same draws, and others on the test part.
_SEEDS: dict[PartName, int] = {"train": 0x747261696E, "dev": 0x646576, "test": 0x74657374}


class Rows:
    """The rows of one part of the data, on the trial's device.

    Attributes:
        part: train, dev or test.
        seed: of what an evaluation draws by itself, such as the episodes of an environment; the
            same for every trial, and another for each part.
    """

    def __init__(
        self,
        part: PartName,
        x: Tensor | None = None,
        y: Tensor | None = None,
        items: Subset[Any] | None = None,
    ) -> None:
        self.part = part
        self.seed = _SEEDS[part]
        self._x, self._y, self._items = x, y, items

    @property
    def x(self) -> Tensor:
        """(rows, *input_shape) float32."""
        if self._items is not None:
            raise refused(
                f"the data is a dataset, so there is no {self.part}.x",
                f"Read its items: torch.utils.data.DataLoader(trial.{self.part}.items, ...)",
            )
        return self._of_data(self._x)

    @property
    def items(self) -> Subset[Any]:
        """The items of this part, where the data is a user-defined dataset."""
        if self._items is None:
            raise refused(f"the data is not a dataset, so there is no {self.part}.items")
        return self._items

    @property
    def y(self) -> Tensor:
        """(rows,) int64 classes, or float32 targets standardised by the training rows."""
        return self._of_data(self._y)

    @property
    def dataset(self) -> Dataset[Any]:
        """The rows one by one, for a DataLoader: `(x, y)`, or the items of the user's dataset."""
        return TensorDataset(self.x, self.y) if self._items is None else self._items

    def __len__(self) -> int:
        return 0 if self._y is None else len(self._y)

    def _of_data(self, tensor: Tensor | None) -> Tensor:
        if tensor is None:
            raise refused(
                f"the sweep file has no `data`, so there are no {self.part} rows",
                "Add `data`, or read them in the training itself",
            )
        return tensor


# Measures what is trained on the rows of a part: metrics by name.
Evaluate = Callable[[Rows], Mapping[str, Any]]
# Answers (rows, *input_shape) by (rows, outputs), as a net does: logits, or standardised targets.
Predict = Callable[[Tensor], Any]


class Trial:
    """A trial as the own training sees it: what it is given, and what it hands over.

    Attributes:
        seed: of the trial; torch's, numpy's and Python's generators are set already.
        device: where `train` and `dev` are, and nets should be.
        data: all that is known of the data, as arrays; None where the sweep has none.
        train, dev: the rows to train on, and those that trials are compared on. There is no test.
        epoch: the one that is being trained, from 1.
        max_epochs: how many a trial trains that nothing ends before: `training.epochs`.
    """

    def __init__(
        self, data: TrainDev | None, seed: int, device: torch.device, max_epochs: int
    ) -> None:
        self.seed = seed
        self.max_epochs = max_epochs
        self.device = device
        self.data = data
        self.train, self.dev = Rows("train"), Rows("dev")
        if data is not None:
            self.train = rows_of("train", data.x_train, data.y_train, device)
            self.dev = rows_of("dev", data.x_dev, data.y_dev, device)
        self.epoch = 0
        self.is_only_evaluated = False
        self.evaluate: Evaluate | None = None
        self.predict: Predict | None = None
        self.kept: dict[str, Any] = {}
        self._entered = 0
        self._on_enter: Callable[[], None] = _nothing

    def keep(self, *unnamed: Any, **objects: Any) -> None:
        """Name what training changes, so that it is saved, and put back where a trial goes on.

        The weights of nets among it are those that are kept of the best epoch.

        Args:
            objects: anything with state_dict() and load_state_dict(), such as nets, optimizers and
                schedulers; tensors, arrays, dicts, lists; generators of torch, numpy and Python.

        Raises:
            OwnTrainingError: one has no name or no state, or comes after the first epoch began.
        """
        if unnamed:
            hint = "Write trial.keep(net=net, optimizer=optimizer)"
            raise refused(f"must be kept by name, as a {type(unnamed[0]).__name__} was not", hint)
        late = objects.keys() - self.kept.keys() if self._entered else set()
        if late:  # where the trial goes on, nothing could be put back into it
            rule = "must call trial.keep before its loop over trial.epochs(...): it kept"
            raise refused(f"{rule} {min(late)!r} in epoch {self.epoch}")
        for name, kept in objects.items():
            kept_state.state_of(name, kept)  # refuses what has none
        self.kept.update(objects)

    def epochs(
        self, evaluate: Evaluate | None = None, predict: Predict | None = None
    ) -> Iterator[int]:
        """Yield the epochs that are left to train, from 1; each must end in one `yield`.

        Args:
            evaluate: called with the dev rows after each, and with the test rows at the very end;
                returns metrics by name. Nets that are kept are in evaluation mode meanwhile, and
                no gradients are computed.
            predict: called with x of rows that `sweeps predict` or MLflow's model is asked for, as
                `rows.x` has them; returns (rows, outputs), as a net does: logits of classes, or
                standardised targets. A net that answers so is one. None: rows are not answered.

        Raises:
            OwnTrainingError: there is no `evaluate`, or an epoch ends without a `yield`.
        """
        if not callable(evaluate):
            given = "none" if evaluate is None else f"a {type(evaluate).__name__}"
            rule = f"trial.epochs needs a function that evaluates rows, not {given}"
            raise refused(rule, "Pass a function of the rows: trial.epochs(evaluate)")
        self.evaluate, self.predict = evaluate, predict
        self._on_enter()
        while not self.is_only_evaluated:
            if self._entered == self.epoch:
                raise refused(
                    f"must yield once per epoch; epoch {self.epoch} ended without a yield",
                    "Put `yield` at the end of the loop over trial.epochs(...)",
                )
            self._entered = self.epoch
            yield self.epoch

    def has_entered(self) -> bool:
        """Return whether the loop has taken up the epoch that is being trained."""
        return self._entered == self.epoch

    def when_entered(self, call: Callable[[], None]) -> None:
        """Have something called when the loop over `epochs` begins: all is kept by then."""
        self._on_enter = call

    @property
    def nets(self) -> dict[str, nn.Module]:
        """The nets among what is kept."""
        return {name: one for name, one in self.kept.items() if isinstance(one, nn.Module)}


def rows_of(part: PartName, x: Inputs, y: np.ndarray[Any, Any], device: torch.device) -> Rows:
    """Rows of a part as tensors of their own: the arrays of a worker are read-only and shared."""
    targets = torch.from_numpy(y.copy()).to(device)
    if isinstance(x, ItemRows):
        return Rows(part, None, targets, Subset(opened(x.items), x.numbers.tolist()))
    own = x.scaled() if isinstance(x, Pixels) else x.copy()
    return Rows(part, torch.from_numpy(own).to(device), targets)


def _nothing() -> None:
    pass

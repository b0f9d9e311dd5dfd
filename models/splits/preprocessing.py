"""From raw features to what a net takes, as a record that is kept with the winner.

Fitted on the training rows alone; applied alike to dev, test and what a deployed winner is asked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from sweeps.models.data.asked_columns import number_column, word_column
from sweeps.models.data.configuration import DEFAULT_MISSING
from sweeps.models.data.feature_checks import check_features
from sweeps.models.data.features import (
    Features,
    exact_array,
    features_from_array,
    features_of_kinds,
    named_columns,
)
from sweeps.models.data.items import InputShape, ItemKind, shape_of
from sweeps.models.data.pixels import Pixels
from sweeps.models.data.targets import ClassType
from sweeps.models.errors import DataError
from sweeps.models.scoring.tasks import Moment, Task
from sweeps.models.splits.scalings import NUMBERS_PER_BLOCK, to_normal

__all__ = ["Preprocessing", "preprocessing_from_json", "preprocessing_to_json"]


class Preprocessing(BaseModel):
    """How raw features become a float32 array, as plain numbers and words.

    Attributes:
        number_names: names of the numbers of a row, in C order.
        number_shape: their shape: (columns,), or (channels, height, width).
        means: subtracted from each number.
        scales: what each number is then divided by; 0 stands for a number that was constant over
            the training rows, which becomes 0 whatever it is.
        missing: `error` refuses missing values; `mean` fills them.
        fills: put where a number is missing; empty with `missing: error`.
        word_names: names of the columns of words.
        categories: for each column of words, the categories of the training rows, sorted. A word
            that is not among them, like a missing one, becomes all zeros.
        class_names: in the order of the net's outputs; only for classes.
        class_type: what a class is in the data; records of older versions answer in texts.
        quantiles: of each number over the training rows, by which it is made normally distributed;
            empty, and then not in the record, where it is scaled otherwise.
        missing_values: texts that stand for a missing value, besides the empty one.
        target_mean: of the training targets, in original units, one each where there are several;
            0 for classes and labels.
        target_scale: likewise; 1 for classes and labels.
        target_names: in the order of the net's outputs, where a row has several targets.
        kind: what is asked; None in records of older versions, see `task`.
        item: what the x of an item is, of a dataset, of which nothing is learned but the target;
            None of features, and then not in the record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    number_names: tuple[str, ...]
    number_shape: tuple[int, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    missing: Literal["error", "mean"]
    fills: tuple[float, ...]
    word_names: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    class_names: tuple[str, ...] = ()
    class_type: ClassType = "text"
    missing_values: tuple[str, ...] = DEFAULT_MISSING
    target_mean: Moment = 0.0
    target_scale: Moment = 1.0
    target_names: tuple[str, ...] = ()
    kind: Task | None = None
    item: ItemKind | None = None
    quantiles: tuple[tuple[float, ...], ...] = ()

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        """A net is built by these counts, whoever wrote the record."""
        numbers, words = len(self.number_names), len(self.word_names)
        counts = {len(self.means), len(self.scales)}
        counts |= {len(one) for one in (self.fills, self.quantiles) if one}
        agree = counts == {numbers} and len(self.categories) == words
        if self.item is None:
            agree = agree and min(self.number_shape, default=1) >= 0
            agree = agree and math.prod(self.number_shape) == numbers
        if not agree:
            raise ValueError("names, shape, means, scales and categories must be of equal counts")
        return self

    @model_serializer(mode="wrap")
    def _without_what_it_has_not(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the record of features what it was: it is held to its checksum."""
        values: dict[str, Any] = serialize(self)
        if self.item is None:
            del values["item"]
        if not self.quantiles:
            del values["quantiles"]
        return values

    @property
    def task(self) -> Task:
        """What is asked of the net."""
        return self.kind or ("classification" if self.class_names else "regression")

    @property
    def outputs(self) -> int:
        """How many numbers answer a row: one for each class or target."""
        return len(self.class_names) or len(self.target_names) or 1

    @property
    def category_counts(self) -> tuple[int, ...]:
        """How many categories each column of words has; their 0 and 1 are a row's last columns."""
        return tuple(map(len, self.categories))

    @property
    def input_shape(self) -> InputShape:
        """Shape of one row as a net takes it, or shapes by name."""
        if self.item is not None:
            return shape_of(self.item)
        return self._shape

    @property
    def _shape(self) -> tuple[int, ...]:
        if not self.word_names:
            return self.number_shape
        return (len(self.means) + sum(self.category_counts),)

    def apply(
        self, raw: Features | Mapping[str, npt.ArrayLike] | npt.ArrayLike
    ) -> npt.NDArray[np.float32]:
        """Raw features as a net takes them: (rows, *input_shape) float32.

        Args:
            raw: features as they were read; or a column for each name, in a mapping or a data
                frame, others being ignored; or, where there are no words, an array of
                (rows, *number_shape), flattened or not.

        Raises:
            DataError: a column is missing, or a value is missing or not finite.
        """
        features = self._recognised(raw)
        check_features(features, self.missing)
        scaled = self._scaled(features.flat)
        if not self.categories:
            return scaled.reshape(len(features), *self._shape)
        columns = [scaled]
        for index, known in enumerate(self.categories):
            columns.append(_one_hot(features.words[:, index], known))
        # One memory order whatever came in: a matrix product differs in its last bit with it.
        joined = np.ascontiguousarray(np.concatenate(columns, axis=1))
        return joined.reshape(len(features), *self._shape)

    def bytes_of(self, raw: Features, rows: npt.NDArray[np.intp]) -> Pixels | None:
        """Some of the images of bytes with what `apply` would do to them; None of other features.

        Args:
            raw: as they were read; nothing of them is copied.
            rows: (rows,) which of them.
        """
        if raw.numbers.dtype != np.uint8 or self.quantiles:
            return None
        means = np.array(self.means).reshape(self.number_shape)
        return Pixels(raw.numbers, rows, means, self._divisors.reshape(self.number_shape))

    @property
    def _divisors(self) -> npt.NDArray[np.float64]:
        scales = np.array(self.scales)
        return np.where(scales == 0, np.inf, scales)

    def words_of(
        self, raw: Features | Mapping[str, npt.ArrayLike] | npt.ArrayLike
    ) -> npt.NDArray[np.object_]:
        """The words of raw features as `apply` takes them: (rows, word columns), None if missing.

        Raises:
            DataError: a column is missing.
        """
        return self._recognised(raw).words

    def _recognised(self, raw: Features | Mapping[str, npt.ArrayLike] | npt.ArrayLike) -> Features:
        """Raw features in the order in which they were fitted."""
        if isinstance(raw, Features):
            return raw
        given = named_columns(raw)
        if given is None:
            return self._array(np.asarray(raw))
        names = (*self.number_names, *self.word_names)
        absent = [name for name in names if name not in given]
        if absent:
            rule = f"columns of the training data are missing: {', '.join(absent)}"
            raise DataError(rule, hint=f"the rows have {', '.join(given)}")
        marks = frozenset(("", *self.missing_values))
        cells = {name: exact_array(given[name]) for name in names}
        columns: dict[str, npt.NDArray[Any]] = {
            name: number_column(name, cells[name], marks) for name in self.number_names
        }
        for name, known in zip(self.word_names, self.categories, strict=True):
            columns[name] = word_column(name, cells[name], marks, known)
        return features_of_kinds(columns, self.number_names, self.word_names)

    def _array(self, raw: npt.ArrayLike) -> Features:
        features = features_from_array(raw)
        width = len(features.number_names)
        if self.word_names or width != len(self.number_names):
            raise DataError(
                f"an array has the {len(self.number_names)} numbers of a row of the training data,"
                f" which had {len(self.word_names)} columns of words",
                value=width,
            )
        return features

    def _scaled(self, numbers: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """(rows, numbers) float32; some rows at a time, as float64 takes twice as much."""
        scaled = np.empty(numbers.shape, dtype=np.float32)
        step = max(1, NUMBERS_PER_BLOCK // max(1, numbers.shape[1]))
        for start in range(0, len(numbers), step):
            rows = slice(start, start + step)
            scaled[rows] = self._scaled_rows(numbers[rows])
        return scaled

    def _scaled_rows(self, numbers: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """(rows, numbers) float32; the arithmetic is done in float64."""
        if self.fills:
            numbers = np.where(np.isnan(numbers), np.array(self.fills), numbers)
        if self.quantiles:
            numbers = to_normal(numbers, self.quantiles)
        with np.errstate(over="ignore"):
            exact = (numbers - np.array(self.means)) / self._divisors
            scaled: npt.NDArray[np.float32] = exact.astype(np.float32)
        unfit = np.argwhere(~np.isfinite(scaled))
        if len(unfit):
            row, column = unfit[0]
            rule = f"column {self.number_names[column]!r} must hold numbers that fit in float32"
            raise DataError(
                f"{rule}, up to 3.4e38",
                key=("source",),
                value=float(numbers[row, column]),
                hint="Rescale the column, or write scale: standard",
            )
        return scaled

    def to_json(self) -> str:
        """The record as JSON; `from_json` gives an equal one."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The record that `to_json` wrote.

        Raises:
            pydantic.ValidationError: the text is not such a record.
        """
        return cls.model_validate_json(text)


def preprocessing_to_json(folds: Sequence[Preprocessing]) -> str:
    """The preprocessing of a trial's nets as JSON: the record itself, or `folds` with one each."""
    if len(folds) == 1:
        return folds[0].to_json()
    return json.dumps({"folds": [fold.model_dump(mode="json") for fold in folds]})


def preprocessing_from_json(text: str) -> tuple[Preprocessing, ...]:
    """What `preprocessing_to_json` wrote, one for each net.

    Raises:
        ValueError: the text is no such record (pydantic's ValidationError is one).
    """
    try:
        read = json.loads(text)
    except RecursionError:
        raise ValueError("the preprocessing is nested too deeply to be read") from None
    if not isinstance(read, dict) or "folds" not in read:
        return (Preprocessing.from_json(text),)
    return tuple(Preprocessing.from_json(json.dumps(fold)) for fold in read["folds"])


def _one_hot(words: npt.NDArray[np.object_], known: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """(rows, categories): a 1 where a word is that category; zeros for any other word."""
    places = {word: place for place, word in enumerate(known)}
    found = np.array([places.get(word, -1) for word in words], dtype=np.intp)
    columns = np.zeros((len(words), len(known)), dtype=np.float32)
    rows = np.flatnonzero(found >= 0)
    columns[rows, found[rows]] = 1.0
    return columns

"""What each column of a data set was taken for, in words, so that nobody has to guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import Dataset
from sweeps.models.data.items import Items, kind_text
from sweeps.models.scoring.tasks import TASKS

__all__ = ["ColumnKinds", "kinds_of", "shortened"]

_FEW = 6  # names that fit on a line beside their number
_LONG = 120  # characters of a name that are shown


@dataclass(frozen=True)
class ColumnKinds:
    """What each column was taken for.

    Attributes:
        numbers: names of the numbers of a row.
        categories: names of the columns of words.
        left_out: columns that `exclude` names.
        shape: of one row's numbers; more than one entry for images.
        target: name of the target's column; None for data without names, or of several targets.
        classes: names of the classes; empty for amounts.
        positive: name of the class that was declared the positive one; None where none was.
        targets: names of several targets; empty where a row has one.
        are_labels: whether these are labels rather than amounts.
        missing: how often which text stands for a missing value, by column of a .csv file.
        items: what the x of a dataset's items is; empty where rows have columns.
    """

    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    target: str | None = None
    classes: tuple[str, ...] = ()
    positive: str | None = None
    targets: tuple[str, ...] = ()
    are_labels: bool = False
    missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    items: str = ""

    def lines(self) -> list[str]:
        """The kinds in one sentence, and a second one where values are missing."""
        return [f"{', '.join(self._features())}; {self._predicted()}", *self._missing()]

    def _predicted(self) -> str:
        if self.targets:
            what = "labels" if self.are_labels else "amounts"
            return f"{_counted(self.targets, 'target', 'targets')}: {what}"
        target = "target" if self.target is None else f"target {_shown(self.target)}"
        objective = _counted(self.classes, "class", "classes") if self.classes else "amounts"
        positive = "" if self.positive is None else f", positive {_shown(self.positive)}"
        return f"{target}: {objective}{positive}"

    def _features(self) -> list[str]:
        if self.items:
            return [f"items of a dataset: {self.items}, as they are, not scaled"]
        numbers = _counted(self.numbers, "number", "numbers")
        if len(self.shape) > 1:
            numbers = f"images of {' x '.join(map(str, self.shape))} numbers"
        kinds = [numbers] if self.numbers else []
        if self.categories:
            kinds.append(_counted(self.categories, "category", "categories"))
        if self.left_out:
            kinds.append(f"{len(self.left_out)} left out{_few(self.left_out)}")
        return kinds

    def _missing(self) -> list[str]:
        if not self.missing:
            return []
        columns = [f"{_shown(name)} ({_marks(marks)})" for name, marks in self.missing.items()]
        more = f" and {len(columns) - _FEW} more columns" if len(columns) > _FEW else ""
        return [f"missing values: {', '.join(columns[:_FEW])}{more}"]


def kinds_of(dataset: Dataset, config: DataConfig) -> ColumnKinds:
    """What the columns of a data set that was read by a `data` section were taken for."""
    classes = dataset.target.class_names
    positive = None if config.positive is None else classes[1]
    if isinstance(dataset.features, Items):
        return ColumnKinds(items=kind_text(dataset.features.x), classes=classes, positive=positive)
    return ColumnKinds(
        numbers=dataset.features.number_names,
        categories=dataset.features.word_names,
        left_out=config.exclude,
        shape=dataset.features.numbers.shape[1:],
        target=None if dataset.target.names else next(iter(config.targets), None),
        classes=classes,
        positive=positive,
        targets=dataset.target.names,
        are_labels=TASKS[dataset.target.task].is_categorical and bool(dataset.target.names),
        missing=dataset.missing,
    )


def _counted(names: Sequence[str], one: str, many: str) -> str:
    return f"{len(names)} {one if len(names) == 1 else many}{_few(names)}"


def _few(names: Sequence[str]) -> str:
    return f" ({', '.join(map(_shown, names))})" if len(names) <= _FEW else ""


def _shown(text: str) -> str:
    """A name of the user's data: no longer than a line, and no character acts on a terminal."""
    return shortened(text if text.isprintable() else repr(text), _LONG)


def shortened(text: str, most: int) -> str:
    """Return the beginning of a text that is longer than `most` characters, and how long it is."""
    return text if len(text) <= most else f"{text[: most - 3]}... ({len(text):,} characters)"


def _marks(marks: Mapping[str, int]) -> str:
    """`12 empty, 3 NA`: how often a column has which mark."""
    return ", ".join(f"{count} {_shown(mark) or 'empty'}" for mark, count in marks.items())

"""Whether a `data` section can be run at all, found out before anything starts.

Reads the data as a sweep would, so that a check that passes is a sweep that loads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sweeps.models.data.columns_apart import columns_apart
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import Dataset, load_dataset
from sweeps.models.data.feature_checks import check_features
from sweeps.models.data.features import Features
from sweeps.models.data.items import InputShape, ItemKind
from sweeps.models.data.kinds import ColumnKinds, kinds_of, shortened
from sweeps.models.errors import DataError
from sweeps.models.scoring.metrics import Needs
from sweeps.models.scoring.tasks import Task
from sweeps.models.splits.column_notes import column_notes
from sweeps.models.splits.cut_notes import cut_notes
from sweeps.models.splits.cuts import Cut, cut_dataset
from sweeps.models.splits.few_rows import few_rows
from sweeps.models.splits.metric_checks import unmeasurable
from sweeps.models.splits.splits import Splits, TrainDev, split_folds

__all__ = ["DataReport", "DataSummary", "check_data"]

_LONGEST_NOTE = 1000


@dataclass(frozen=True)
class DataSummary:
    """What a sweep needs to know of its data to check the rest of a sweep file.

    Attributes:
        task: what is asked, `auto` resolved.
        outputs: number of classes or targets.
        input_shape: of one row as a net takes it: (columns,), or (channels, height, width).
        class_names: only for classification.
        train_rows: rows that are trained on; with folds in fold 1, which has the fewest.
        dev_rows: rows that trials are compared on; with folds in fold 1, which has the most.
        test_rows: rows in the test set.
        digest: sha256 of the data set's contents, in hexadecimal.
        fold_rows: dev rows of each fold; empty without folds.
        cut: by which rule rows were cut, in words.
        notes: sentences about what the cut may have torn apart.
        columns: what each column was taken for.
        unmeasurable: what metrics that need it lack here, and why (`Metric.needs`).
        item: what the x of an item is, of a dataset; None of features.
        independent: how many independent rows those of train (with folds: outside the test set),
            dev and test come to, if rows of one group are alike; empty where each row is alone.
        groups: how many groups these parts have rows of; empty where each row is alone.
        category_counts: how many categories each column of words has; with folds in fold 1.
        few: a few train and dev rows, to try a trial out on; with folds, of each.
    """

    task: Task
    outputs: int
    input_shape: InputShape
    class_names: tuple[str, ...]
    train_rows: int
    dev_rows: int
    test_rows: int
    digest: str
    fold_rows: tuple[int, ...] = ()
    cut: str = ""
    notes: tuple[str, ...] = ()
    columns: ColumnKinds = field(default_factory=ColumnKinds)
    unmeasurable: Mapping[Needs, str] = field(default_factory=dict)
    item: ItemKind | None = None
    independent: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)
    category_counts: tuple[int, ...] = ()
    few: tuple[TrainDev, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True)
class DataReport:
    """The outcome of a check: a summary, or every problem that was found.

    Attributes:
        summary: None when there are problems.
        problems: errors with `key`, `value`, `rule`, `choices` and `hint`.
    """

    summary: DataSummary | None
    problems: tuple[DataError, ...] = ()


def check_data(config: DataConfig, base_dir: Path, seed: int) -> DataReport:
    """Reads and splits the data of a sweep, and reports what would stop it.

    Args:
        config: the `data` section.
        base_dir: folder that relative file names start from.
        seed: the sweep's, which decides the split.
    """
    try:
        dataset = load_dataset(config, base_dir)
    except DataError as error:
        return DataReport(None, (error, *_other_names(config, error)))
    cuts: list[Cut] = []
    checks: tuple[Callable[[], object], ...] = (
        lambda: _check_features(dataset, config),
        lambda: cuts.append(cut_dataset(dataset, config.split, seed)),
    )
    problems = tuple(found for check in checks if (found := _problem_of(check)))
    if problems:
        return DataReport(None, problems)
    try:
        folds = split_folds(dataset, config, seed, cuts[0])
    except DataError as error:
        return DataReport(None, (error,))
    summary = _summary(dataset, config, folds)
    notes = (*column_notes(dataset), *cut_notes(dataset, cuts[0], config, base_dir))
    whole = replace(
        summary,
        cut=cuts[0].rule,
        notes=tuple(shortened(note, _LONGEST_NOTE) for note in notes),
        independent=cuts[0].independent(),
        groups=cuts[0].unit_counts(),
    )
    return DataReport(whole)


def _other_names(config: DataConfig, error: DataError) -> Iterator[DataError]:
    """Yield what is wrong with other columns that are named, where one is not in a file.

    Args:
        error: of reading; the columns that a file has are its choices.
    """
    named: dict[tuple[str, ...], tuple[str, ...]] = {
        ("target",): config.targets,
        ("exclude",): config.exclude,
    }
    named |= {one.key: (one.name,) for one in columns_apart(config).values()}
    of_key = named.get(error.key, ())
    is_of_name = bool(error.choices) and error.value in {*of_key} - {*error.choices}
    if config.kind != "file" or not is_of_name:
        return
    rule = f"{Path(config.source).name} must have a column of this name"
    for key, names in named.items():
        for name in names:
            if name not in error.choices and (key, name) != (error.key, error.value):
                yield DataError(rule, key=key, value=name, choices=error.choices)


def _check_features(dataset: Dataset, config: DataConfig) -> None:
    if isinstance(dataset.features, Features):
        check_features(dataset.features, config.missing)


def _problem_of(check: Callable[[], object]) -> DataError | None:
    try:
        check()
    except DataError as error:
        return error
    return None


def _summary(dataset: Dataset, config: DataConfig, folds: tuple[Splits, ...]) -> DataSummary:
    first = folds[0]
    return DataSummary(
        task=first.task,
        outputs=first.outputs,
        input_shape=first.preprocessing.input_shape,
        class_names=dataset.target.class_names,
        train_rows=len(first.train.y),
        dev_rows=len(first.dev.y),
        test_rows=len(first.test.y),
        digest=dataset.digest,
        fold_rows=tuple(len(fold.dev.y) for fold in folds) if len(folds) > 1 else (),
        columns=kinds_of(dataset, config),
        item=first.preprocessing.item,
        category_counts=first.preprocessing.category_counts,
        unmeasurable=unmeasurable(dataset.target, [fold.dev.rows for fold in folds]),
        few=tuple(few_rows(fold) for fold in folds),
    )

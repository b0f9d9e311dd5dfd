"""The `data` section of a sweep file: which data, and how it is cut and prepared.

Imports neither torch nor scikit-learn and touches no file, so that a sweep file is checked at once.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from sweeps.models.data.loader_configuration import LoaderConfig
from sweeps.models.errors import DataError
from sweeps.models.own_code.roles import TARGET, free_names
from sweeps.models.scoring.tasks import Task
from sweeps.models.section import Section

__all__ = [
    "BUILTIN_NAMES",
    "DEFAULT_MISSING",
    "FILE_SUFFIXES",
    "GENERATED_NAMES",
    "MAX_FOLDS",
    "NO_DATA",
    "DataConfig",
    "Scale",
    "SourceKind",
    "SplitFractions",
]

SourceKind = Literal["builtin", "file", "function", "none"]
Scale = Literal["standard", "robust", "quantile", "per_channel", "none"]
# What own training needs no data for: it makes or reads its own.
NO_DATA = "none"
Duplicates = Literal["auto", "together", "apart"]

GENERATED_NAMES = ("moons", "spirals")
BUILTIN_NAMES = ("digits", "breast_cancer", "wine", "iris", "diabetes", *GENERATED_NAMES)
FILE_SUFFIXES = (".csv", ".parquet", ".npz")
# Those of pandas and pyarrow, so that a table means the same here as there; the empty cell besides.
DEFAULT_MISSING = (
    "#N/A",
    "#N/A N/A",
    "#NA",
    "-1.#IND",
    "-1.#QNAN",
    "-NaN",
    "-nan",
    "1.#IND",
    "1.#QNAN",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "n/a",
    "nan",
    "null",
)
# More cost time and tell little (Kohavi, IJCAI 1995, compares up to 20 and recommends ten).
MAX_FOLDS = 20
_DEV = 0.2
_CSV_KEYS = ("missing_values", "separator", "decimal", "encoding")

_FUNCTION = re.compile(TARGET)
Targets = Annotated[tuple[str, ...], Field(strict=False, min_length=2)]
_SOURCE_RULE = (
    "a source must be a built-in name, a file ending in "
    + ", ".join(FILE_SUFFIXES)
    + ", or package.module:function"
)
_UNPACK = "Unpack it, and name the file inside"
_TABLE = "Save it as .csv; if its separator is not a comma, write separator: '\\t'"
_SAVE = "Save it as .csv or .parquet, or write a function that reads it"
_OTHER_FILES = {
    **dict.fromkeys((".gz", ".zip", ".bz2", ".xz", ".zst"), _UNPACK),
    **dict.fromkeys((".tsv", ".txt", ".tab", ".dat", ".data"), _TABLE),
    **dict.fromkeys((".xls", ".xlsx", ".json", ".jsonl", ".feather", ".h5", ".npy", ".pkl"), _SAVE),
}


class SplitFractions(Section):
    """How rows are cut into train, dev and test; without more keys at random, by seed.

    Attributes:
        dev: Fraction of all rows on which trials are compared. Default 0.2; absent with folds.
        test: Fraction of all rows that is cut first and that no trial sees.
        folds: In place of dev: the rows outside the test set are cut into this many folds, and each
            trial trains one net for each fold, on the rows of the others.
        seed: Decides which rows go where; default: the sweep's. A sweep that follows another one
            keeps that one's, so that no row that was trained on becomes a test row.
        group: Column whose equal values stay on one side of the cut, such as patients or sessions;
            it is not a feature.
        order: Column of times or numbers: dev comes after train, test after dev, and folds roll
            forward; it is not a feature.
        gap: Rows left out between train, dev and test of an ordered cut.
        given: Column that says train, dev or test of each row; it is not a feature. Without rows of
            dev, these are cut from train by the fraction `dev`, or into folds.
        duplicates: What becomes of rows with equal features. together: one side of the cut; apart:
            cut like any others; auto: together, unless so few different values make equal rows
            by chance.
    """

    dev: float | None = Field(
        default=None, gt=0, lt=1, description=f"Default {_DEV}; absent with folds."
    )
    test: float = Field(default=0.2, gt=0, lt=1)
    folds: int | None = Field(
        default=None, ge=2, le=MAX_FOLDS, description="Cross-validation in each trial."
    )
    seed: int | None = Field(
        default=None, ge=0, description="Seed of the split; default: the sweep's seed."
    )
    group: str | None = Field(default=None, min_length=1)
    order: str | None = Field(default=None, min_length=1)
    gap: int = Field(default=0, ge=0)
    given: str | None = Field(default=None, min_length=1)
    duplicates: Duplicates = "auto"

    def seed_in(self, sweep_seed: int) -> int:
        """The seed of the cut in a sweep with that seed."""
        return sweep_seed if self.seed is None else self.seed

    @model_validator(mode="before")
    @classmethod
    def _without_folds_there_is_a_dev_split(cls, section: Any) -> Any:
        if isinstance(section, dict) and section.get("folds") is None:
            return {**section, "dev": _DEV if section.get("dev") is None else section["dev"]}
        return section

    @model_validator(mode="after")
    def _folds_stand_in_place_of_dev(self) -> Self:
        if self.dev is not None and self.folds is not None:
            raise DataError(
                "give either folds or dev, not both",
                key=("split", "folds"),
                value=self.folds,
                hint="Remove split.dev (--set data.split.dev=null), or split.folds",
            )
        return self

    @property
    def column(self) -> str | None:
        """The column that decides the cut, if one does."""
        return self.group or self.order or self.given

    @model_validator(mode="after")
    def _one_rule_decides_the_cut(self) -> Self:
        named = [key for key in ("group", "order", "given") if getattr(self, key) is not None]
        if len(named) > 1:
            raise DataError(
                f"give only one of group, order and given, not {' and '.join(named)}",
                key=("split", named[1]),
                value=getattr(self, named[1]),
                hint="Remove all but one",
            )
        if named and self.duplicates == "together":
            raise DataError(
                f"duplicates: together needs a random split, not one by {named[0]}",
                key=("split", "duplicates"),
                value=self.duplicates,
                hint="Remove duplicates: equal rows in both parts are counted and reported",
            )
        if self.gap and self.order is None:
            raise DataError(
                "a gap needs an order: a random split has none",
                key=("split", "gap"),
                value=self.gap,
                hint="Name the column of times in split.order",
            )
        return self

    @model_validator(mode="after")
    def _some_rows_are_left_to_train_on(self) -> Self:
        # 0.7 + 0.3 is below 1 in binary by some roundings: one part in 10^9 is no training split.
        if self.dev is not None and self.dev + self.test > 1 - 1e-9:
            raise DataError(
                "dev and test together must be below 1, to leave rows for training",
                key=("split",),
                value=self.dev + self.test,
            )
        return self


class DataConfig(Section):
    """Which data set is searched on, and how it is split and prepared.

    Attributes:
        source: a built-in name; a .csv, .parquet or .npz file, relative to the
            sweep file's folder; or the user's own `package.module:function`, called without
            arguments, that returns (features, target); none for own training that needs no data.
        target: the column, or array of an .npz, to be predicted, or a list of several; files only,
            and needed there (checked when the file is read, so that its columns can be named).
        task: `auto` takes words, booleans, and whole numbers with at most 20 distinct values for
            classes, any other numbers for regression; of several columns those of 0 and 1 for
            labels, of which a row may have any number (multilabel).
        positive: of two classes the one that F1, AUC, average precision and `pos_weight` look at;
            without it the second, as classes are sorted.
        weights: a column of how much each row counts in training, 0 or more; it is no feature, and
            metrics count rows alike.
        split: fractions of the dev and test splits, or how many folds stand in place of dev.
        scale: `standard` brings every number to mean 0 and variance 1 over the training rows, and
            a number that is constant there to 0; `robust` takes the median and the distance of
            the quartiles in their place; `quantile` makes each column normally distributed;
            `per_channel` has one mean and variance for all pixels of a channel; `none` leaves
            numbers alone. Columns of words become one column of 0 or 1 per category either way.
        scale_target: `standard` has nets learn numbers at mean 0 and variance 1 over the training
            rows, `none` as they are: counts, or times and events that a loss of your own reads.
        missing: `error` refuses missing feature values; `mean` puts the mean of the training rows
            for a missing number and no category for a missing word.
        options: passed to a function as keywords; fixed, as all trials have the same rows.
        exclude: columns of a file or function that are not used, such as row identifiers.
        words: columns of a file or function whose values are categories even where they look like
            numbers, such as postcodes; the target among them has classes as they are written.
        missing_values: texts of a .csv file that stand for a missing value, in place of the usual
            ones (NA, N/A, NaN, nan, null, ...); an empty cell always does.
        separator: the character between the cells of a .csv file.
        decimal: what stands before the decimals of a .csv file's numbers, `.` or `,`.
        encoding: of a .csv file, such as latin-1, windows-1252 or utf-16.
        train_sample: train metrics of each epoch are measured on so many of the training rows at
            most, drawn once from the sweep's seed; all of them by default.
        loader: processes that read the items of a function's dataset.
        samples: rows of a generated set (moons, spirals); default 1,000.
        noise: standard deviation of the noise of a generated set; default 0.2 for moons, 0.1 for
            spirals.
    """

    source: str
    options: Annotated[dict[str, Any], free_names("data")] = Field({})
    target: str | Targets | None = None
    task: Literal["auto", Task] = "auto"
    positive: str | int | bool | None = None
    weights: str | None = None
    split: SplitFractions = SplitFractions()
    scale: Scale = "standard"
    scale_target: Annotated[
        Literal["standard", "none"], Field(exclude_if=lambda scale: scale == "standard")
    ] = "standard"
    missing: Literal["error", "mean"] = "error"
    exclude: Annotated[tuple[str, ...], Field(strict=False)] = ()
    words: Annotated[tuple[str, ...], Field(strict=False)] = ()
    missing_values: Annotated[tuple[str, ...], Field(strict=False)] = DEFAULT_MISSING
    separator: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"
    train_sample: Annotated[int, Field(ge=1)] | None = None
    loader: LoaderConfig = LoaderConfig()
    samples: Annotated[int, Field(ge=10, le=10_000_000)] | None = None
    noise: Annotated[float, Field(ge=0)] | None = None

    @field_validator("source")
    @classmethod
    def _source_has_a_known_form(cls, source: str) -> str:
        _kind_of(source)
        return source

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, encoding: str) -> str:
        try:
            codecs.lookup(encoding)
        except (LookupError, ValueError) as error:
            rule = "not an encoding that Python knows"
            choices = ("utf-8", "latin-1", "windows-1252", "utf-16")
            raise DataError(rule, key=("encoding",), value=encoding, choices=choices) from error
        return encoding

    @model_validator(mode="after")
    def _keys_suit_the_source(self) -> Self:
        if self.kind != "file":
            self._refuse(("target",), "only for files")
        if self.kind not in ("file", "function"):
            self._refuse(("exclude",), "only for files and functions")
        if self.kind != "function":
            self._refuse(("options", "loader"), "only for functions")
        if self.kind == "none":
            self._refuse(("words", "positive", "weights", "split"), "only for data")
        if self.kind == "builtin" and self.split.column is not None:
            raise DataError(
                f"{self.source} has no column to split by",
                key=("split",),
                value=self.split.column,
                hint="Remove group, order or given: built-in sets are split at random",
            )
        if self.kind == "builtin":
            self._refuse(("words", "weights"), "only for files and functions")
        if self.weights in self.targets:
            rule = "the weights of rows must not be the target"
            raise DataError(rule, key=("weights",), value=self.weights)
        repeated = [name for name in self.targets if self.targets.count(name) > 1]
        if repeated:
            raise DataError("a target must be named once", key=("target",), value=repeated[0])
        if self.kind != "file" or PurePath(self.source).suffix.lower() != ".csv":
            self._refuse(_CSV_KEYS, "only for .csv files")
        if self.source not in GENERATED_NAMES:
            self._refuse(("samples", "noise"), "only for " + " and ".join(GENERATED_NAMES))
        return self

    @model_validator(mode="after")
    def _cells_can_be_told_apart(self) -> Self:
        unfit = (
            self.separator.isalnum() or self.separator in '"\n\r+-_' or not self.separator.isascii()
        )
        if unfit or self.separator == self.decimal:
            rule = "the separator must not be a character of numbers, words or quotes"
            hint = "If the decimal sign is a comma, write separator: ';'"
            raise DataError(rule, key=("separator",), value=self.separator, hint=hint)
        return self

    def _refuse(self, keys: tuple[str, ...], rule: str) -> None:
        for key in keys:
            value = getattr(self, key)
            if value != type(self).model_fields[key].default:
                rule = f"{rule}, and the source is {self.source!r}"
                raise DataError(rule, key=(key,), value=value, hint="Remove the key")

    def path(self, base_dir: Path) -> Path:
        """Where the file of a source is: from the folder given, or from the user's own for `~`."""
        try:
            return base_dir / Path(self.source).expanduser()
        except RuntimeError:  # ~name of somebody who is not known here
            return base_dir / self.source

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns of a file that are predicted; empty where none is named."""
        return (self.target,) if isinstance(self.target, str) else self.target or ()

    @property
    def kind(self) -> SourceKind:
        """Which form `source` has."""
        return _kind_of(self.source)


def _kind_of(source: str) -> SourceKind:
    if source in BUILTIN_NAMES:
        return "builtin"
    if source == NO_DATA:
        return "none"
    if "://" in source:
        rule = "a source must be a file; web addresses are not read"
        hint = "Download it once and name the file, or write a function that fetches it"
        raise DataError(rule, key=("source",), value=source, hint=hint)
    if PurePath(source).suffix.lower() in FILE_SUFFIXES:
        return "file"
    if _FUNCTION.fullmatch(source):
        return "function"
    hint = _OTHER_FILES.get(PurePath(source).suffix.lower(), "")
    raise DataError(_SOURCE_RULE, key=("source",), value=source, choices=BUILTIN_NAMES, hint=hint)

"""`data.positive` puts the class that metrics look at second, whatever its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import Dataset, load_dataset
from sweeps.models.errors import DataError

ROWS = {
    "words": ("fine", "ill", "ill", "fine"),
    "numbers": ("0", "1", "1", "0"),
    "booleans": ("true", "false", "false", "true"),
    "many": ("a", "b", "c", "a"),
    "amounts": ("0.5", "1.5", "2.5", "3.5"),
}


def loaded(folder: Path, column: str, **keys: object) -> Dataset:
    lines = [f"{at},{label}" for at, label in enumerate(ROWS[column])]
    (folder / "rows.csv").write_text("\n".join(["x,y", *lines]) + "\n")
    section = {"source": "rows.csv", "target": "y", **keys}
    return load_dataset(DataConfig.model_validate(section), folder)


@pytest.mark.parametrize(
    ("column", "positive", "names", "values"),
    [
        ("words", "fine", ("ill", "fine"), [1, 0, 0, 1]),
        ("words", "ill", ("fine", "ill"), [0, 1, 1, 0]),
        ("words", None, ("fine", "ill"), [0, 1, 1, 0]),
        ("numbers", 0, ("1", "0"), [1, 0, 0, 1]),
        ("numbers", "0", ("1", "0"), [1, 0, 0, 1]),
        ("booleans", False, ("true", "false"), [0, 1, 1, 0]),
    ],
)
def test_the_positive_class_is_the_second(
    tmp_path: Path, column: str, positive: object, names: tuple[str, ...], values: list[int]
) -> None:
    target = loaded(tmp_path, column, positive=positive).target
    assert target.class_names == names
    np.testing.assert_array_equal(target.values, values)


@pytest.mark.parametrize(
    ("column", "positive", "words"),
    [
        ("words", "sick", "must be one of the target's classes"),
        ("many", "a", "must be one of two; the target has 3"),
        ("amounts", "0.5", "must be one of two; the target is for regression"),
    ],
)
def test_what_cannot_be_positive_is_refused(
    tmp_path: Path, column: str, positive: str, words: str
) -> None:
    with pytest.raises(DataError, match=words) as error:
        loaded(tmp_path, column, positive=positive)
    assert error.value.key == ("positive",)

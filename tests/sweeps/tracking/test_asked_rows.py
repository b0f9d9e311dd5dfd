"""One contract for both ways to ask a sweep's net: `predict`, and the model in MLflow.

The columns that the net needs are read as what they were in training, all others are ignored, and
the answer for a row does not depend on the rows beside it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sweeps
from sweeps.errors import SweepError
from sweeps.findings.results import Results
from sweeps.models.errors import DataError
from tests.sweeps.sweep_files import space, write_sweep
from tests.sweeps.tracking.logged_model import logged_model

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
REFUSED = (SweepError, DataError)
Ask = Callable[[str], pd.DataFrame]

HEAD = "day,x,size,sold,label\n"
TRAINING = HEAD + "".join(
    f"2020-01-{1 + row % 28:02},{row / 7:.3f},{['S', 'M', '38', '40'][row % 4]},"
    f"{'true' if row % 3 else 'false'},{'00501' if row % 2 else '00502'}\n"
    for row in range(80)
)


def trained(folder: Path, data: str) -> Results:
    path = write_sweep(
        folder, data=data, search="{method: random, trials: 1}", space=space("{kind: linear}")
    )
    uri = f"sqlite:///{folder / 'runs' / 'mlflow.db'}"
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri=uri)


@pytest.fixture(scope="module")
def of_sizes(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A finished sweep on a table of numbers, booleans, words such as numbers, and dates."""
    folder = tmp_path_factory.mktemp("sizes")
    (folder / "sizes.csv").write_text(TRAINING, encoding="utf-8")
    return trained(folder, "{source: sizes.csv, target: label, exclude: [day]}")


def door_to(results: Results, door: str, folder: Path) -> Ask:
    """How rows of a table in text are asked about through one of the doors."""
    model = logged_model(results)

    def by_file(text: str) -> pd.DataFrame:
        (folder / "rows.csv").write_text(text, encoding="utf-8")
        return sweeps.predict(results.path, folder / "rows.csv")

    def by_parquet(text: str) -> pd.DataFrame:
        pd.read_csv(io.StringIO(text)).to_parquet(folder / "rows.parquet")
        return sweeps.predict(results.path, folder / "rows.parquet")

    def by_model(text: str) -> pd.DataFrame:
        return model.predict(pd.read_csv(io.StringIO(text)))

    return {"csv": by_file, "parquet": by_parquet, "model": by_model}[door]


@pytest.fixture(params=["csv", "parquet", "model"])
def ask(request: pytest.FixtureRequest, of_sizes: Results, tmp_path: Path) -> Ask:
    return door_to(of_sizes, request.param, tmp_path)


def test_the_training_file_itself_can_be_asked(ask: Ask) -> None:
    answers = ask(TRAINING)
    assert len(answers) == 80
    assert set(answers["prediction"]) <= {"00501", "00502"}


def test_a_rows_answer_does_not_depend_on_the_rows_beside_it(ask: Ask) -> None:
    alone = ask("x,size,sold\n0.3,38,true\n")
    beside = ask("x,size,sold\n0.3,38,true\n0.1,M,false\n")
    pd.testing.assert_frame_equal(beside.head(1), alone, rtol=1e-6)
    beside_none = ask("x,size,sold\n0.3,38,true\n5,40,false\n")
    pd.testing.assert_frame_equal(beside_none.head(1), alone, rtol=1e-6)


def test_a_word_that_looks_like_a_number_is_that_word(ask: Ask) -> None:
    known, unknown = ask("x,size,sold\n0.3,38,true\n"), ask("x,size,sold\n0.3,39,true\n")
    assert known.iloc[0, 1] != pytest.approx(unknown.iloc[0, 1])


def test_whole_numbers_and_booleans_may_be_written_in_each_way(ask: Ask) -> None:
    one, other = ask("x,size,sold\n3,S,true\n"), ask("sold,x,size\n1,3.0,S\n")
    pd.testing.assert_frame_equal(one, other, rtol=1e-6)


@pytest.mark.parametrize("extra", ["2020-01-01", "12:30:00", "word", "", "1e999"])
def test_other_columns_may_hold_anything(ask: Ask, extra: str) -> None:
    plain = ask("x,size,sold\n0.3,M,true\n")
    pd.testing.assert_frame_equal(ask(f"x,extra,size,sold\n0.3,{extra},M,true\n"), plain)


@pytest.mark.parametrize("cell", ["abc", "1_000", "2020-01-01", "5%"])
def test_a_wrong_cell_is_named_with_its_column_and_row(ask: Ask, cell: str) -> None:
    with pytest.raises(REFUSED, match=r"column 'x' must hold numbers.*row 2") as caught:
        ask(f"x,size,sold\n0.3,M,true\n{cell},M,true\n")
    assert cell in str(caught.value)


def test_a_missing_cell_and_a_missing_column_are_named(ask: Ask) -> None:
    with pytest.raises(REFUSED, match=r"missing values: x \(1\)"):
        ask("x,size,sold\n0.3,M,true\n,M,true\n")
    with pytest.raises(REFUSED, match=r"are missing: sold"):
        ask("x,size\n0.3,M\n")


def test_bytes_that_are_no_text_do_not_matter_in_other_columns(
    of_sizes: Results, tmp_path: Path
) -> None:
    plain = door_to(of_sizes, "csv", tmp_path)("x,size,sold\n0.3,M,true\n")
    (tmp_path / "latin.csv").write_bytes("größe,x,size,sold\nö,0.3,M,true\n".encode("latin-1"))
    latin = sweeps.predict(of_sizes.path, tmp_path / "latin.csv")
    pd.testing.assert_frame_equal(latin, plain)


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        ([9007199254740992, 9007199254740993, 9007199254740995], np.dtype(np.int64)),
        ([True, False], np.dtype(np.bool_)),
    ],
)
def test_answers_are_the_labels_of_the_file_with_their_type(
    tmp_path: Path, labels: list[int], dtype: np.dtype[np.generic]
) -> None:
    rows = "".join(f"{row % len(labels)},{labels[row % len(labels)]}\n" for row in range(60))
    (tmp_path / "t.csv").write_text("x,label\n" + rows, encoding="utf-8")
    results = trained(tmp_path, "{source: t.csv, target: label}")
    answers = door_to(results, "csv", tmp_path)("x,label\n" + rows)
    assert answers["prediction"].dtype == dtype
    assert set(answers["prediction"]) <= set(labels)
    assert list(answers.columns[1:]) == [f"probability_{label}" for label in sorted(labels)]
    pd.testing.assert_frame_equal(door_to(results, "model", tmp_path)("x\n0\n1\n"), answers.head(2))

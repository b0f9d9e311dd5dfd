"""Options of a function that loads data: fixed, and held against what the function takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sweeps
from sweeps.definition.loading import check_sweep
from sweeps.errors import SweepFileError
from sweeps.models.data.configuration import DataConfig
from sweeps.models.data.datasets import load_dataset
from tests.sweeps.sweep_files import write_sweep

LOAD = """
import numpy as np

def load(size, seed=0):
    x = np.random.default_rng(seed).normal(size=(60, size))
    columns = {f"c{i}": x[:, i] for i in range(size)}
    return {**columns, "row": np.arange(60)}, (x[:, 0] > 0).astype(int)

def arrays():
    return np.zeros((60, 2)), np.arange(60) % 2
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "data_of_options.py").write_text(LOAD)
    return tmp_path


def data(more: str, function: str = "load") -> str:
    return f"{{source: 'data_of_options:{function}', {more}}}"


def refusal(folder: Path, more: str, function: str = "load") -> str:
    path = write_sweep(folder, data=data(more, function))
    with pytest.raises(SweepFileError) as caught:
        check_sweep(path)
    (problem,) = caught.value.problems
    return f"{problem.path}: {problem.rule}; {problem.hint}"


def test_a_function_gets_its_options_and_the_run_keeps_them(folder: Path) -> None:
    path = write_sweep(folder, data=data("options: {size: 5}, exclude: [row]"))
    assert check_sweep(path)[0].data.input_shape == (5,)
    results = sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")
    kept = json.loads((results.folder.path / "sweep.json").read_text())
    assert kept["sweep"]["data"]["options"] == {"size": 5}
    assert results.is_finished


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("options: {siez: 5}", "data.options.siez: unknown key 'siez', which data_of_options:load"),
        ("seed: 5", "data.seed: unknown key"),
        ("task: auto", "data.options: missing key 'size', which data_of_options:load has no def"),
        (
            "options: {size: {int: [1, 3]}}",
            "data.options.size: options of the data cannot be searched",
        ),
        ("options: {size: 2}, exclude: [rwo]", "data.exclude: the function must return a column"),
    ],
)
def test_options_that_do_not_fit_are_one_problem_before_the_function_is_called(
    folder: Path, more: str, words: str
) -> None:
    more = f"{more}, options: {{size: 5}}" if more.startswith("seed") else more
    assert refusal(folder, more).startswith(words)


def test_a_function_of_arrays_has_no_column_to_leave_out(folder: Path) -> None:
    assert "returns no named columns: remove the key" in refusal(folder, "exclude: [row]", "arrays")


def test_other_options_are_other_data(folder: Path) -> None:
    source = "data_of_options:load"
    one, other = (
        load_dataset(DataConfig(source=source, options={"size": 3, "seed": seed}), folder)
        for seed in (0, 1)
    )
    assert one.digest != other.digest

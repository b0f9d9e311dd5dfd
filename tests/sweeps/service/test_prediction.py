"""Predictions for the rows of a file, and what is said of files that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.errors import RunFolderError
from sweeps.findings.results import Results
from sweeps.models.training.weights import pack, unpack
from sweeps.record.kept_weights import best_weights
from sweeps.record.net_files import NetFiles
from tests.sweeps.sweep_files import write_sweep

HEAD = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n"
WEIGHTS = "the winner's weights"
WAY_OUT = r"; .*weights/000000-\d+\.safetensors and .*preprocessing\.json belong together: restore"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("prediction")
    path = write_sweep(folder, search="{method: random, trials: 1}")
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def cut(content: bytes) -> bytes:
    return content[:100]


def with_other_units(content: bytes) -> bytes:
    tensors, about = unpack(content)
    about["configuration"]["model"]["hidden_units"] = 3
    return pack(tensors, about)


def with_a_word_for_units(content: bytes) -> bytes:
    tensors, about = unpack(content)
    about["configuration"]["model"]["hidden_units"] = "many"
    return pack(tensors, about)


def without_configuration(content: bytes) -> bytes:
    return pack(unpack(content)[0], {})


@pytest.mark.parametrize(
    ("name", "damage", "what"),
    [
        (WEIGHTS, cut, "weights must be safetensors"),
        (WEIGHTS, with_other_units, r"must be of the same trial: Error"),
        (
            WEIGHTS,
            with_a_word_for_units,
            r"TrialConfig: model\.mlp\.hidden_units: Input should be a valid integer",
        ),
        (WEIGHTS, without_configuration, "'configuration' is missing"),
        ("preprocessing.json", lambda content: b"{}", "Preprocessing: number_names: Field req"),
        ("preprocessing.json", lambda content: content[:9], "Unterminated string"),
    ],
)
def test_damaged_files_without_a_checksum_are_named_with_the_way_out(
    results: Results,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    damage: Any,
    what: str,
) -> None:
    monkeypatch.setattr(NetFiles, "problem", lambda self: "")  # of a version that had none
    (tmp_path / "rows.csv").write_text(HEAD + "5,3,1.5,0.2\n")
    assert results.record.best is not None
    weights = best_weights(results.folder.weights, results.record.best)
    path = weights if name == WEIGHTS else results.path / name
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    try:
        with pytest.raises(RunFolderError, match=f"cannot be loaded: [^\n]*{what}[^\n]*{WAY_OUT}"):
            sweeps.predict(results.path, tmp_path / "rows.csv")
    finally:
        path.write_bytes(whole)

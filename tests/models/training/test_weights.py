from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from sweeps.models.errors import WeightsError
from sweeps.models.training.file_header import read_about
from sweeps.models.training.weights import load_weights, pack, unpack

ABOUT = {"name": "Zoë", "lr": 0.1 + 0.2, "rows": [{"dev_loss": 1e-300}], "none": None}


def test_tensors_and_json_come_back_bit_for_bit() -> None:
    tensors = {
        "floats": torch.tensor([[1.0, -0.0], [math.inf, 3e-45]]),
        "bytes": torch.arange(7, dtype=torch.uint8),
        "count": torch.tensor(3),
    }
    got, about = unpack(pack(tensors, ABOUT))
    torch.testing.assert_close(got, tensors, rtol=0, atol=0)
    assert about == ABOUT


def test_numbers_that_are_not_finite_come_back() -> None:
    _, about = unpack(pack({}, {"loss": math.nan, "best": math.inf}))
    assert math.isnan(about["loss"])
    assert about["best"] == math.inf


def test_views_of_one_vector_and_transposed_tensors_are_written() -> None:
    vector = torch.arange(6.0)
    tensors = {"a": vector[:2], "b": vector[2:].view(2, 2).T, "same": vector[:2]}
    got, _ = unpack(pack(tensors, {}))
    torch.testing.assert_close(got, tensors)


def test_a_file_is_read_by_safetensors_itself(tmp_path: Path) -> None:
    path = tmp_path / "winner.safetensors"
    path.write_bytes(pack({"w": torch.ones(2)}, ABOUT))
    with safe_open(path, "pt") as file:
        assert list(file.keys()) == ["w"]
        assert file.metadata().keys() == {"about"}


@pytest.mark.parametrize("length", [0, 5, 20, -1])
def test_a_truncated_file_is_an_error_that_names_it(tmp_path: Path, length: int) -> None:
    path = tmp_path / "winner.safetensors"
    path.write_bytes(pack({"w": torch.ones(9)}, ABOUT)[:length])
    with pytest.raises(WeightsError, match=r"winner\.safetensors: weights must be safetensors"):
        load_weights(path)


def test_a_file_of_other_origin_is_an_error() -> None:
    import safetensors.torch

    with pytest.raises(WeightsError, match="JSON in the header"):
        unpack(safetensors.torch.save({"w": torch.ones(1)}))


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "header", [DEEP, json.dumps({"__metadata__": {"about": DEEP}})], ids=["header", "about"]
)
def test_a_header_that_is_nested_too_deeply_is_an_error(header: str) -> None:
    with pytest.raises(WeightsError, match="nested too deeply"):
        read_about(len(header).to_bytes(8, "little") + header.encode())


def test_a_missing_file_is_the_systems_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_weights(tmp_path / "none.safetensors")

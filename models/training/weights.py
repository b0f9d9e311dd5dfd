"""Tensors and what is to be known about them in one file: safetensors with JSON in its header.

Nothing is pickled, so reading a file runs no code of its writer's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from sweeps.models.errors import WeightsError
from sweeps.models.training.file_header import read_about

__all__ = ["load_weights", "pack", "unpack"]


def pack(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> bytes:
    """The bytes of a safetensors file, with `about` as JSON under the header's `about`.

    Args:
        tensors: by name; on any device, sharing memory or not.
        about: JSON values; floats come back bit for bit, NaN and infinities too.
    """
    # A copy each: safetensors refuses tensors that share memory, and views of one vector do.
    copies = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}
    contiguous = {name: tensor.contiguous() for name, tensor in copies.items()}
    return safetensors.torch.save(contiguous, {"about": json.dumps(about)})


def unpack(content: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the JSON of `pack`.

    Raises:
        WeightsError: the bytes are damaged, or not written by `pack`.
    """
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError) as err:
        raise WeightsError(f"weights must be safetensors: {err}") from err
    return tensors, read_about(content)


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the JSON of a file with the bytes of `pack`.

    Raises:
        WeightsError: the file is damaged, or not of `pack`.
        OSError: the file cannot be read.
    """
    try:
        return unpack(path.read_bytes())
    except WeightsError as err:
        raise WeightsError(f"{path}: {err.rule}", hint="Remove the file to train again") from err

"""What files of tensors say of themselves, and the checksum of a checkpoint; read without torch.

The format of safetensors: 8 bytes with the header's length (little endian), the header as JSON,
then the tensors. Ours has JSON of its own in the header, under `about`.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from sweeps.models.errors import WeightsError

__all__ = ["checked", "gives_predict", "read_about", "with_checksum"]


def read_about(content: bytes) -> dict[str, Any]:
    """Return the JSON that a file of tensors has in its header.

    Raises:
        WeightsError: The bytes are damaged, or not written by `weights.pack`.
    """
    try:
        header_end = 8 + int.from_bytes(content[:8], "little")
        about = json.loads(json.loads(content[8:header_end])["__metadata__"]["about"])
    except RecursionError:
        raise WeightsError("the JSON in the header of weights is nested too deeply") from None
    except (ValueError, KeyError, TypeError) as err:
        raise WeightsError(f"weights must be safetensors with JSON in the header: {err}") from err
    if not isinstance(about, dict):
        raise WeightsError("the JSON in the header of weights must be an object", value=about)
    return about


def gives_predict(weights: Path) -> bool:
    """Return whether weights of own training are of one that answers rows of the data.

    Raises:
        WeightsError: The file is damaged.
        OSError: It cannot be read.
    """
    return read_about(weights.read_bytes()).get("predicts") is True


def with_checksum(content: bytes) -> bytes:
    """Return `content` after its CRC-32: safetensors notices cuts, but not changed numbers."""
    return zlib.crc32(content).to_bytes(4, "big") + content


def checked(content: bytes) -> bytes:
    """Undo `with_checksum`.

    Raises:
        WeightsError: The content was changed.
    """
    if zlib.crc32(content[4:]) != int.from_bytes(content[:4], "big"):
        raise WeightsError("the checkpoint was damaged: its checksum differs")
    return content[4:]

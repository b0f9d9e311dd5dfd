"""Checksums by which a file of the run folder shows that it is as it was written.

Each line of a log carries the digest of itself and of the checksum before it, so that a line that
was changed, lost, added, moved or written twice is noticed at the first line that does not follow.
Lines of format 1 have none: they are taken as they are, and sealed by the first line that has.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["DAMAGES", "SEAL_KEY", "Chain", "parsed", "seal_of", "text_seal"]

SEAL_KEY = "sum"
# What taking values apart raises where one is missing or of another type, such as an infinity.
DAMAGES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_END = re.compile(rb',"sum":"([0-9a-f]{16})"\}$')


@dataclass
class Chain:
    """The checksums of a file's lines, so far.

    Attributes:
        seal: That of all lines so far; empty before the first.
        is_sealed: Whether the lines carry theirs, so that the next one must.
    """

    seal: str = ""
    is_sealed: bool = False

    def sealed(self, line: bytes) -> bytes:
        """Return the next line, a JSON object's text without its newline, with its checksum."""
        self.seal, self.is_sealed = self._after(line), True
        return line[:-1] + f',"{SEAL_KEY}":"{self.seal}"}}'.encode()

    def check(self, line: bytes) -> None:
        """Take the next line, without its newline, into account.

        Raises:
            ValueError: It is not the line that was written there.
        """
        end = _END.search(line)
        if end is None and self.is_sealed:
            raise ValueError("it must have a checksum, as the lines before it have")
        self.seal = self._after(line if end is None else line[: end.start()] + b"}")
        self.is_sealed = end is not None
        if end is not None and end[1].decode() != self.seal:
            raise ValueError(
                "its checksum does not follow from the line before: it was changed, moved or "
                "added, or a line was lost"
            )

    def _after(self, line: bytes) -> str:
        return text_seal(self.seal.encode() + line)


def text_seal(text: bytes) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a text."""
    return hashlib.sha256(text).hexdigest()[:16]


def seal_of(value: Mapping[str, Any]) -> str:
    """Return the checksum of a JSON object, however it is laid out; its own `sum` does not count.

    Raises:
        ValueError: It is no JSON.
    """
    rest = {key: inner for key, inner in value.items() if key != SEAL_KEY}
    return text_seal(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode())


def parsed(text: bytes | str) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        ValueError: The text is none, or is nested beyond reason.
    """
    try:
        value = json.loads(text)
    except RecursionError as err:
        raise ValueError("it is nested too deeply to be read") from err
    except ValueError as err:
        raise ValueError(f"it is not JSON ({err})") from err
    if not isinstance(value, dict):
        raise ValueError(f"it must be an object, got {type(value).__name__}")
    return value

"""The messages of docs/troubleshooting.md are those of the code."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`.+?`) \| .*\|$", PAGE, flags=re.MULTILINE)
MESSAGES = sorted({text for cell in ROWS for text in re.findall(r"`([^`]+)`", cell)})
# Of libraries, not ours.
OTHERS = {"unrecognized arguments": argparse}


def words_of_the_code() -> str:
    """All of the code, with texts that go on over lines in one."""
    rooms = ("models", "search_spaces", "infra", "sweeps")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return re.sub(r'"\n\s*f?"', "", text)


CODE = words_of_the_code()


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_is_one_of_the_code(message: str) -> None:
    other = OTHERS.get(message)
    text = CODE if other is None else Path(str(other.__file__)).read_text(encoding="utf-8")
    assert message in text


def test_there_are_messages() -> None:
    assert len(MESSAGES) > 25

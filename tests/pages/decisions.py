"""The index of docs/decisions.md: its own headings, in their order."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "decisions.md"


def index_of_decisions() -> str:
    """Return a list of links, one a part of the page and one a decision."""
    headings = re.findall(r"^(##+) (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return "".join(
        f"{'  ' * (len(level) - 2)}- [{title}](#{anchor(title)})\n" for level, title in headings
    )


def anchor(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")

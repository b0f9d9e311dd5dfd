"""Which page has which generated part, between a pair of comments that the reader does not see."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.pages.decisions import index_of_decisions
from tests.pages.pairs import table_of_pairs
from tests.pages.rooms import picture_of_rooms
from tests.pages.sweep_file import sweep_file_reference
from tests.pages.tree import tree

DOCS = Path(__file__).resolve().parents[2] / "docs"
PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "tree": ("architecture.md", lambda: f"```text\n{tree()}```\n"),
    "rooms": ("architecture.md", picture_of_rooms),
    "keys": ("sweep-file.md", sweep_file_reference),
    "pairs": ("sweep-file.md", table_of_pairs),
    "index": ("decisions.md", index_of_decisions),
}


def expected(part: str) -> str:
    """Return the page as it must be, with this part made anew."""
    page, make = PARTS[part]
    text = (DOCS / page).read_text(encoding="utf-8")
    start, end = f"<!-- {part}: python -m tests.pages -->\n", f"<!-- end of {part} -->"
    between = re.compile(re.escape(start) + ".*?" + re.escape(end), flags=re.DOTALL)
    assert between.search(text), f"docs/{page} has no place for {part}"
    return between.sub(lambda _: f"{start}{make()}{end}", text)


def write(part: str) -> None:
    """Put the part into its page."""
    text = expected(part)
    (DOCS / PARTS[part][0]).write_text(text, encoding="utf-8")

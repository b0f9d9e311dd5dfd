"""The generated parts of the documentation are those of the code as it is."""

from __future__ import annotations

import pytest

from tests.pages.generated import DOCS, PARTS, expected
from tests.pages.sweep_file import undescribed


@pytest.mark.parametrize("part", sorted(PARTS))
def test_each_generated_part_is_up_to_date(part: str) -> None:
    page = DOCS / PARTS[part][0]
    assert page.read_text(encoding="utf-8") == expected(part), "run: python -m tests.pages"


def test_every_key_of_a_sweep_file_is_described() -> None:
    assert undescribed() == []

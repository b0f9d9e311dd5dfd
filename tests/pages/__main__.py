"""Writes every generated part of the documentation into its page."""

from tests.pages.generated import PARTS, write

for part in PARTS:
    write(part)

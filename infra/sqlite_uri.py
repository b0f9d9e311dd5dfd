"""A SQLite store's file as MLflow names it: an address, in which `%` and `?` have a meaning.

SQLAlchemy reads `%20` as a space and takes what follows `?` for options, so that a folder called
`a%20b` would put the store into its neighbour `a b`.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

__all__ = ["absolute_uri", "file_of", "uri_of"]

_SCHEME = "sqlite:///"


def uri_of(file: Path) -> str:
    """Return the address of a SQLite file."""
    return _SCHEME + str(file).replace("%", "%25").replace("?", "%3F")


def file_of(uri: str) -> Path | None:
    """Return the file that an address names; None where it is not that of a SQLite file."""
    if not uri.startswith(_SCHEME):
        return None
    return Path(unquote(uri.removeprefix(_SCHEME).partition("?")[0]))


def absolute_uri(uri: str) -> str:
    """Return an address whose file does not depend on the current folder; options stay."""
    file = file_of(uri)
    if file is None:
        return uri
    _, mark, options = uri.partition("?")
    return f"{uri_of(file.absolute())}{mark}{options}"

"""SQLAlchemy reads the address of a SQLite file as that file, whatever its folder is called."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from sweeps.infra.sqlite_uri import absolute_uri, file_of, uri_of

NAMES = [
    "plain", "a%20b", "100%", "%2F", "%", "%%", "q?mark", "?x=1", "a#b", "a b", "ü", "日本",
    "it's", 'say "x"', "a+b", "a&b=c", "user:word@host", "[x]", "{y}", "$z", "a;b", "a|b", "%3F?",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_sqlalchemy_and_we_read_the_same_file_out_of_an_address(name: str) -> None:
    file = Path("/w") / name / "mlflow.db"
    assert make_url(uri_of(file)).database == str(file)
    assert file_of(uri_of(file)) == file


def test_what_follows_a_question_mark_is_no_part_of_the_file() -> None:
    uri = "sqlite:////w/a%20b/mlflow.db?timeout=5"
    assert make_url(uri).database == str(file_of(uri)) == "/w/a b/mlflow.db"


@pytest.mark.parametrize("uri", ["http://host/sqlite:///x", "postgresql://u:p@h/db", "none", ""])
def test_other_addresses_name_no_file_and_stay(uri: str) -> None:
    assert file_of(uri) is None
    assert absolute_uri(uri) == uri


def test_a_relative_address_becomes_absolute_in_a_folder_of_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "a%20b"
    here.mkdir()
    monkeypatch.chdir(here)
    url = make_url(absolute_uri("sqlite:///x%3Fy.db?timeout=5"))
    assert url.database == str(here / "x?y.db")
    assert url.query == {"timeout": "5"}

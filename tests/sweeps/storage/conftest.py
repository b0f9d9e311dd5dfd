"""One object store for a file of tests, and the account that it takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.object_store import ACCOUNT, ObjectStore, started_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with started_store(tmp_path_factory.mktemp("store")) as one:
        yield one


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ACCOUNT.items():
        monkeypatch.setenv(name, value)

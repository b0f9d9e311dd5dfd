"""The file of MLflow's accounts names the database that it means, whatever the folder is called."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from sweeps.infra.local.tracking_server import account_settings


@pytest.mark.parametrize("name", ["plain", "100%", "a%20b", "%(here)s", "q?mark", "a b#c;d"])
def test_mlflow_opens_the_accounts_in_that_folder(tmp_path: Path, name: str) -> None:
    database = tmp_path / name / "accounts.db"
    database.parent.mkdir()
    settings = tmp_path / "accounts.ini"
    settings.write_text(account_settings(database), encoding="utf-8")
    read = ConfigParser()  # as mlflow.server.auth.config reads it
    read.read(settings, encoding="utf-8")
    engine = create_engine(read["mlflow"]["database_uri"])
    engine.connect().close()
    engine.dispose()
    assert database.exists()

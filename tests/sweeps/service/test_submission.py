"""What goes along with a sweep to a cluster, whose Jobs API shows it to all who may ask."""

from __future__ import annotations

import pytest

from sweeps.errors import SettingsError
from sweeps.infra.settings import read_settings
from sweeps.service.submission import _variables


@pytest.mark.parametrize(
    "uri",
    [
        "http://ann:s3cr3t@tracking:5000",
        "postgresql://ann:s3/cr3t@host/db",
        "postgresql:///db?host=host&password=s3cr3t",
    ],
)
def test_a_tracking_address_with_a_password_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(SettingsError, match="MLFLOW_TRACKING_URI holds a password") as caught:
        _variables(read_settings())
    assert "cr3t" not in str(caught.value)


def test_a_tracking_address_without_one_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    assert _variables(read_settings())["MLFLOW_TRACKING_URI"] == "http://tracking:5000"

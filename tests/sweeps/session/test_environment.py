"""Where a sweep runs, as the environment says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.definition.sweep_file import Resources
from sweeps.errors import SettingsError
from sweeps.session.environment import place_of


def test_a_jobs_address_is_no_place_to_train_and_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "https://ann:s3cr3t@head")
    with (
        pytest.raises(SettingsError, match=r"RAY_ADDRESS=https://ann:\*\*\*@head is a Jobs"),
        place_of("ray", Resources(), tmp_path, print),
    ):
        pass

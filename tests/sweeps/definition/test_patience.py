"""A patience that no trial is long enough for is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.definition.loading import check_sweep
from sweeps.definition.patience import patience_notes
from tests.sweeps.sweep_files import space, write_sweep


@pytest.mark.parametrize(
    ("patience", "notes"),
    [
        ("7", ()),
        ("8", ("early_stopping.patience of 8 never stops a trial: each has at most 9 epochs",)),
        ("{choice: [2, 50]}", ()),
        (
            "{choice: [20, 50]}",
            ("early_stopping never stops a trial: each has fewer epochs than its patience",),
        ),
    ],
)
def test_a_patience_longer_than_every_trial_is_told(
    tmp_path: Path, patience: str, notes: tuple[str, ...]
) -> None:
    more = f", regularization: {{early_stopping: {{patience: {patience}}}}}"
    planned = check_sweep(write_sweep(tmp_path, space=space(more=more)))[1]
    assert patience_notes(planned) == notes


def test_without_early_stopping_nothing_is_told(tmp_path: Path) -> None:
    assert patience_notes(check_sweep(write_sweep(tmp_path))[1]) == ()

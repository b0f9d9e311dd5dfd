"""What a trial asks for is held against the machine before anything starts."""

from __future__ import annotations

import os

import pytest

from sweeps.errors import PlacementError
from sweeps.execution.placement import slots
from sweeps.spec.sweep_file import Resources


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr("sweeps.execution.placement._gpus", lambda: 2)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (Resources(), 4),
        (Resources(cpu=2), 2),
        (Resources(cpu=3), 1),
        (Resources(cpu=0.5), 8),
        (Resources(workers=3), 3),
        (Resources(workers=9), 4),
        (Resources(gpu=1), 2),
        (Resources(cpu=0.5, gpu=0.5), 4),
    ],
)
def test_as_many_trials_run_at_once_as_fit(resources: Resources, expected: int) -> None:
    assert slots(resources) == expected


@pytest.mark.parametrize(
    ("resources", "words"),
    [(Resources(cpu=5), "this machine has 4"), (Resources(gpu=3), "this machine has 2")],
)
def test_more_than_the_machine_has_is_an_error_with_both_numbers(
    resources: Resources, words: str
) -> None:
    with pytest.raises(PlacementError, match=words) as caught:
        slots(resources)
    assert caught.value.exit_code == 4

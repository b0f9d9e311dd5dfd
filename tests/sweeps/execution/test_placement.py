"""What a trial asks for is held against the machine before anything starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sweeps.definition.sweep_file import Resources
from sweeps.errors import PlacementError
from sweeps.execution.placement import Node, has_room, slots, this_machine
from sweeps.session.environment import place_of
from sweeps.terminal.plan_report import describe_plan
from tests.sweeps.sweep_files import write_sweep


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
    assert slots(resources, (this_machine(),)) == expected


@pytest.mark.parametrize(
    ("resources", "words"),
    [(Resources(cpu=5), "this machine has 4"), (Resources(gpu=3), "this machine has 2")],
)
def test_more_than_the_machine_has_is_an_error_with_both_numbers(
    resources: Resources, words: str
) -> None:
    with pytest.raises(PlacementError, match=words) as caught:
        slots(resources, (this_machine(),))
    assert caught.value.exit_code == 4


NODES = (Node("10.0.0.1", 2, 0), Node("10.0.0.2", 8, 1))


@pytest.mark.parametrize(
    ("resources", "expected"),
    [(Resources(), 10), (Resources(cpu=3), 2), (Resources(cpu=1, gpu=0.5), 2)],
)
def test_a_trial_fits_on_one_node_or_not_at_all(resources: Resources, expected: int) -> None:
    assert slots(resources, NODES) == expected


def test_a_cluster_whose_nodes_are_yet_to_start_is_told_how_to_wait_for_them() -> None:
    head = (Node("head", 0, 0),)
    assert not has_room(Resources(), head)
    with pytest.raises(PlacementError, match=r"has 0, so it could never start; set WAIT"):
        slots(Resources(), head, hint="set WAIT")


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        (Resources(gpu=16), "a trial runs on one node"),
        (Resources(cpu=9), "resources.cpu = 9: .* the largest node has 8"),
        (Resources(cpu=4, gpu=1), "no single node has both; the nodes have 4 . 0, 2 . 1"),
    ],
)
def test_what_no_single_node_has_is_an_error(resources: Resources, words: str) -> None:
    nodes = NODES if resources.cpu == 9 else (Node("a", 4, 0), Node("b", 2, 1))
    with pytest.raises(PlacementError, match=words):
        slots(resources, nodes)


@pytest.mark.parametrize(("gpu", "notes"), [(0, 0), (1, 1)])
def test_plan_and_run_say_that_a_local_trial_sees_every_gpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], gpu: int, notes: int
) -> None:
    told: list[str] = []
    with place_of("local", Resources(gpu=gpu), tmp_path, told.append):
        assert "\n".join(told).count("note: with --local a trial sees all 2 GPUs") == notes
    describe_plan(
        write_sweep(tmp_path, resources=f"{{gpu: {gpu}}}"), [], as_json=False, probe=False
    )
    assert capsys.readouterr().out.count("with --local a trial sees all 2 GPUs") == notes

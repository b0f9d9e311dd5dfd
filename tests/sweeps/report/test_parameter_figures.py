"""Figures of parameters put every trial where its value is, and the best in front."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sweeps.record.sweep_record import Outcome
from sweeps.report.parameter_figures import parallel_coordinates, slices
from sweeps.report.style import short
from tests.sweeps.analysis.evidence_examples import evidence

SIZES: dict[str, Any] = {"training": {"batch_size": {"choice": [16, 32, "full"]}}}


def sized(count: int) -> list[dict[str, Any]]:
    options = SIZES["training"]["batch_size"]["choice"]
    return [{"training": {"batch_size": options[at % 3]}} for at in range(count)]


def test_options_that_are_numbers_stand_side_by_side_under_their_names() -> None:
    [panel] = slices(evidence(SIZES, sized(6), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), {})
    assert panel.figure is not None
    axis = panel.figure.layout.xaxis
    assert (axis.type, list(axis.categoryarray)) == ("category", ["16", "32", "full"])
    found = {box.name: (set(box.x), list(box.y)) for box in panel.figure.data}
    assert found == {
        "16": ({"16"}, [1.0, 4.0]),
        "32": ({"32"}, [2.0, 5.0]),
        "full": ({"full"}, [3.0, 6.0]),
    }


def test_a_failed_trial_is_a_cross_over_its_option() -> None:
    outcomes = [Outcome.COMPLETED] * 3 + [Outcome.FAILED]
    [panel] = slices(evidence(SIZES, sized(4), [1.0, 2.0, 3.0, None], outcomes), {})
    assert panel.figure is not None
    cross = panel.figure.data[-1]
    assert (list(cross.x), cross.marker.symbol) == (["16"], "x")
    assert "crosses for 1 trial without a result" in panel.caption


@pytest.mark.parametrize("count", [30, 500])
def test_lines_of_better_trials_have_higher_colours_which_are_drawn_last(count: int) -> None:
    space = {"lr": {"float": [0.0, 1.0]}}
    lrs = [{"lr": float(at)} for at in np.linspace(0, 1, count)]
    panel = parallel_coordinates(evidence(space, lrs, np.linspace(1, 2, count).tolist()), [])
    assert panel is not None
    assert panel.figure is not None
    [lines] = panel.figure.data
    colours = np.array(lines.line.color)
    assert colours[0] == 1
    assert (np.diff(colours) <= 0).all()


def test_of_very_many_lines_only_the_best_are_told_from_the_rest() -> None:
    space = {"lr": {"float": [0.0, 1.0]}}
    lrs = [{"lr": float(at)} for at in np.linspace(0, 1, 500)]
    panel = parallel_coordinates(evidence(space, lrs, np.linspace(1, 2, 500).tolist()), [])
    assert panel is not None
    assert panel.figure is not None
    colours = np.array(panel.figure.data[0].line.color)
    assert len(np.unique(colours[:50])) == 50
    assert len(np.unique(colours[50:])) == 1
    assert "blue for the best 50 and grey for all others" in panel.caption


def test_axes_over_decades_are_marked_at_powers_of_ten_and_whole_numbers_at_themselves() -> None:
    space: dict[str, Any] = {
        "lr": {"float": [1e-4, 0.5], "log": True},
        "units": {"int": [4, 300], "log": True},
    }
    trials = [{"lr": 1e-3, "units": 5}, {"lr": 1e-2, "units": 200}]
    panel = parallel_coordinates(evidence(space, trials, [1.0, 2.0]), [])
    assert panel is not None
    assert panel.figure is not None
    lr, units, _ = panel.figure.data[0].dimensions
    assert list(lr.ticktext) == ["0.0001", "0.001", "0.01", "0.1", "0.5"]
    assert list(units.ticktext) == ["4", "12", "35", "102", "300"]
    assert 10 ** units.tickvals[1] == pytest.approx(12)


@pytest.mark.parametrize(
    ("value", "words"),
    [(1e-5, "1e-5"), (1e5, "1e5"), (0.0562, "0.0562"), (178.0, "178"), (1.5e-12, "1.5e-12")],
)
def test_numbers_at_axes_are_brief(value: float, words: str) -> None:
    assert short(value) == words


LONG_NAME = "the_strength_of_the_augmentation_of_the_second_stage"
LONG_OPTION = "adafactor-with-relative-steps-and-warmup"


def test_names_and_options_at_parallel_axes_leave_room_for_the_next_axis() -> None:
    space: dict[str, Any] = {LONG_NAME: {"float": [0, 1]}, "kind": {"choice": [LONG_OPTION, "sgd"]}}
    trials = [{LONG_NAME: 0.1, "kind": LONG_OPTION}, {LONG_NAME: 0.2, "kind": "sgd"}]
    panel = parallel_coordinates(evidence(space, trials, [1.0, 2.0]), [])
    assert panel is not None
    assert panel.figure is not None
    strength, kind, _ = panel.figure.data[0].dimensions
    assert strength.label == "the_strength…econd_stage"
    assert list(kind.ticktext) == ["adafact…warmup", "sgd"]


def test_names_that_would_be_one_when_shortened_stay_whole() -> None:
    names = [LONG_NAME.replace("augmentation", one) for one in ("noise", "mixup")]
    space = {one: {"float": [0, 1]} for one in names}
    trials = [dict.fromkeys(names, at) for at in (0.1, 0.2)]
    panel = parallel_coordinates(evidence(space, trials, [1.0, 2.0]), [])
    assert panel is not None
    assert panel.figure is not None
    assert [one.label for one in panel.figure.data[0].dimensions[:2]] == names

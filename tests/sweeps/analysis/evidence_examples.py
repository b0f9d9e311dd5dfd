"""Evidence made by hand, so that the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.analysis.evidence import Evidence, dimensions, parameter_values
from sweeps.definition.loading import check_text
from sweeps.definition.planning import PlannedTrial
from sweeps.definition.sweep_file import SweepFile
from sweeps.errors import SweepFileError
from sweeps.models.scoring.objective import Objective
from sweeps.record.sweep_record import Outcome, TrialRecord
from sweeps.search_spaces.space import Space
from sweeps.search_spaces.yaml_writer import write_yaml

__all__ = ["evidence", "is_runnable", "sweep_file", "sweep_values"]


def sweep_values(space: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """The values of a sweep file, as a user wrote them."""
    return {
        "name": "made",
        "seed": 4,
        "data": {"source": "iris"},
        "search": {"method": "random", "trials": 40},
        "space": space,
        **sections,
    }


def is_runnable(values: dict[str, Any]) -> bool:
    """Whether a sweep file with these values is accepted."""
    try:
        check_text(write_yaml(values, {}), "suggested", Path.cwd())
    except SweepFileError:
        return False
    return True


def sweep_file(space: dict[str, Any], **sections: Any) -> SweepFile:
    given = {
        "name": "made",
        "data": {"source": "iris"},
        "search": {"method": "random", "trials": 10},
        "space": space,
        **sections,
    }
    return SweepFile.model_validate(given)


def evidence(
    space: dict[str, Any],
    configurations: Sequence[dict[str, Any]],
    values: Sequence[float | None],
    outcomes: Sequence[Outcome] | None = None,
    objective: Objective | None = None,
    cut: tuple[dict[str, float], dict[str, int]] = ({}, {}),
    **sections: Any,
) -> Evidence:
    """Trials of these configurations that came to these values.

    Args:
        cut: How many independent rows, and how many groups, each part has.
    """
    objective = objective or Objective("dev_loss", "min")
    trials = []
    for at, (configuration, value) in enumerate(zip(configurations, values, strict=True)):
        trial = TrialRecord(PlannedTrial(at, f"{at:012x}", at, configuration))
        trial.outcome = Outcome.COMPLETED if outcomes is None else outcomes[at]
        if value is not None:
            trial.best = {"epoch": 1, objective.metric: value}
        trials.append(trial)
    numbers = np.array([np.nan if value is None else value for value in values], dtype=float)
    made = Space(space)
    return Evidence(
        objective=objective,
        task="classification",
        dev_rows=100,
        file=sweep_file(space, **sections),
        trials=trials,
        values=numbers,
        dimensions=dimensions(made, [parameter_values(made, one) for one in trials]),
        curves=[{} for _ in trials],
        independent=cut[0],
        groups=cut[1],
    )

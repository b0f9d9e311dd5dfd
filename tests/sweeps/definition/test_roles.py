"""Which choices a sweep is about: checked, and given equally many trials."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sweeps.definition.loading import check_sweep
from sweeps.errors import SweepFileError
from tests.sweeps.sweep_files import MLP, space, write_sweep

OPTIMIZERS = "{choice: [{kind: sgd}, {kind: adam}, {kind: rmsprop}]}"


def planned(
    folder: Path,
    roles: str,
    optimizer: str = OPTIMIZERS,
    trials: int = 12,
    method: str = "random",
    **sections: str,
) -> list[str]:
    path = write_sweep(
        folder,
        search=f"{{method: {method}, trials: {trials}}}",
        space=space(MLP.replace("[4, 16]", "[4, 400]"), optimizer),
        roles=roles,
        **sections,
    )
    return [trial.configuration["optimizer"]["kind"] for trial in check_sweep(path)[1]]


def test_every_option_gets_as_many_trials_and_a_longer_plan_starts_with_the_shorter(
    tmp_path: Path,
) -> None:
    kinds = planned(tmp_path, "{scientific: [optimizer]}")
    assert Counter(kinds) == {"sgd": 4, "adam": 4, "rmsprop": 4}
    assert planned(tmp_path, "{scientific: [optimizer]}", trials=30)[:12] == kinds


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_draws_that_constraints_reject_cost_an_option_no_trial(tmp_path: Path, method: str) -> None:
    constraint = "[\"optimizer.kind != 'sgd' or model.hidden_units < 50\"]"
    kinds = planned(
        tmp_path, "{scientific: [optimizer]}", trials=30, method=method, constraints=constraint
    )
    assert Counter(kinds) == {"sgd": 10, "adam": 10, "rmsprop": 10}


def test_an_option_that_constraints_forbid_is_named_as_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(SweepFileError, match="or write `balanced: false` in `roles`"):
        planned(tmp_path, "{scientific: [optimizer]}", constraints="[\"optimizer.kind != 'adam'\"]")


@pytest.mark.parametrize(
    ("roles", "optimizer", "message"),
    [
        ("{scientific: [optimiser]}", OPTIMIZERS, "did you mean 'optimizer'"),
        ("{scientific: [model.hidden_units]}", OPTIMIZERS, "is not a choice of `space`"),
        ("{scientific: [optimizer]}", OPTIMIZERS[:-1] + ", weights: [1, 2, 3]}", "has weights"),
    ],
)
def test_roles_that_cannot_be_are_refused(
    tmp_path: Path, roles: str, optimizer: str, message: str
) -> None:
    with pytest.raises(SweepFileError, match=message) as caught:
        planned(tmp_path, roles, optimizer)
    assert "roles.scientific.0" in str(caught.value)

"""The next sweep file follows from what was found, is legal, and runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import sweeps
from search_spaces.problems import SpaceError
from search_spaces.space import Space
from search_spaces.yaml_reader import parse_yaml
from sweeps.analysis.suggestion import suggest
from tests.sweeps.analysis.evidence_examples import evidence
from tests.sweeps.sweep_files import space, write_sweep

RANGE: dict[str, Any] = {"lr": {"float": [1e-4, 1.0], "log": True}}


def written(template: dict[str, Any], trials: int = 60) -> dict[str, Any]:
    return {
        "name": "made",
        "seed": 4,
        "data": {"source": "iris"},
        "search": {"method": "random", "trials": trials},
        "space": template,
    }


def legal(values: dict[str, Any]) -> bool:
    """Whether the space can be read; what trials allow has tests with whole sweeps."""
    try:
        Space(values["space"])
    except SpaceError:
        return False
    return True


def drawn(count: int) -> list[dict[str, Any]]:
    random = np.random.default_rng(0)
    return [{"lr": float(lr)} for lr in 10 ** random.uniform(-4, 0, count)]


def test_a_range_is_narrowed_to_where_the_best_lie() -> None:
    trials = drawn(60)
    values = [(np.log10(one["lr"]) + 2.0) ** 2 for one in trials]
    found = suggest(evidence(RANGE, trials, values), written(RANGE), legal)
    low, high = parse_yaml(found.text, "f").value["space"]["lr"]["float"]
    assert 1e-4 < low < 10**-2.2
    assert 10**-1.8 < high < 1.0
    assert "the best 6 of 60 trials lie from" in found.text


def test_a_crowded_end_is_moved_out_unless_that_is_illegal() -> None:
    trials = drawn(100)
    values = [-np.log10(one["lr"]) for one in trials]
    made = evidence(RANGE, trials, values)
    found = suggest(made, written(RANGE), legal)
    low, high = parse_yaml(found.text, "f").value["space"]["lr"]["float"]
    assert (low, high) == (1e-4, 100.0)
    assert "raise its high end" in found.text
    strict = suggest(made, written(RANGE), lambda one: one["space"]["lr"]["float"][1] <= 1)
    assert parse_yaml(strict.text, "f").value["space"]["lr"]["float"] == [1e-4, 1.0]
    assert ("space", "lr") not in strict.reasons


def test_an_option_that_is_clearly_beaten_is_left_out() -> None:
    template = {"kind": {"choice": ["good", "bad", "fine"]}}
    random = np.random.default_rng(0)
    values = [*random.normal(0, 0.1, 20), *random.normal(9, 0.1, 20), *random.normal(0, 0.1, 20)]
    kinds = [{"kind": one} for one in ["good"] * 20 + ["bad"] * 20 + ["fine"] * 20]
    found = suggest(evidence(template, kinds, values), written(template), legal)
    assert parse_yaml(found.text, "f").value["space"] == {"kind": {"choice": ["good", "fine"]}}
    assert "left out bad" in found.text


def test_one_option_left_takes_the_place_of_the_choice_with_its_moved_ranges() -> None:
    template = {
        "optimizer": {
            "choice": [{"kind": "bad"}, {"kind": "good", "lr": {"float": [1e-4, 1.0], "log": True}}]
        }
    }
    trials: list[dict[str, Any]] = [{"optimizer": {"kind": "bad"}} for _ in range(30)]
    values = [50.0 + at / 100 for at in range(30)]
    for one in drawn(60):
        trials.append({"optimizer": {"kind": "good", **one}})
        values.append((np.log10(one["lr"]) + 2.0) ** 2)
    found = suggest(evidence(template, trials, values), written(template), legal)
    optimizer = parse_yaml(found.text, "f").value["space"]["optimizer"]
    assert optimizer["kind"] == "good"
    assert optimizer["lr"]["float"][0] > 1e-4


def test_a_plateau_asks_for_fewer_trials_and_fresh_draws() -> None:
    trials = drawn(80)
    found = suggest(evidence(RANGE, trials, [0.5] * 60 + [1.0] * 20), written(RANGE, 80), legal)
    value = parse_yaml(found.text, "f").value
    assert value["search"]["trials"] == 20
    assert (value["name"], value["seed"]) == ("made-next", 5)


def test_the_suggestion_of_a_real_sweep_is_valid_and_runs(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, search="{method: random, trials: 24}")
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    before = {one: one.read_bytes() for one in results.path.iterdir() if one.is_file()}
    (tmp_path / "next.yaml").write_text(sweeps.suggest(results.path))
    after = {one: one.read_bytes() for one in results.path.iterdir() if one.is_file()}
    assert after == before
    following = sweeps.run(
        tmp_path / "next.yaml",
        runs=tmp_path / "runs",
        runner="local",
        tracking_uri="none",
        overrides=["search.trials=3"],
    )
    assert following.record.outcomes == {"completed": 3}
    assert following.path.name == "blobs-next"
    cuts = [one.folder.read_description()["data"]["splits"] for one in (results, following)]
    assert cuts[0] == cuts[1]  # the test rows of the first are never trained on by the second
    seeds = [one.folder.read_description()["sweep"]["seed"] for one in (results, following)]
    assert seeds == [3, 4]


def suggested(folder: Path, **sections: str) -> dict[str, Any]:
    path = write_sweep(folder, **sections)
    results = sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")
    (folder / "next.yaml").write_text(sweeps.suggest(results.path))
    sweeps.load(folder / "next.yaml")  # it is legal
    value = parse_yaml((folder / "next.yaml").read_text(), "next").value
    assert isinstance(value, dict)
    return value


def test_a_small_grid_stays_one_where_twenty_different_trials_are_not_to_be_had(
    tmp_path: Path,
) -> None:
    grid = space("{kind: mlp, hidden_units: {choice: [4, 16]}}", "{kind: adam, lr: 0.01}")
    value = suggested(tmp_path, search="{method: grid}", space=grid)
    assert value["search"] == {"method": "grid"}


def test_a_grid_over_ranges_becomes_random_draws(tmp_path: Path) -> None:
    lr = "{float: [0.001, 0.1], log: true, points: 4}"
    grid = space("{kind: linear}", f"{{kind: adam, lr: {lr}}}")
    value = suggested(tmp_path, search="{method: grid}", space=grid)
    assert value["search"] == {"method": "random", "trials": 20}


def test_a_narrowed_range_keeps_its_step() -> None:
    stepped = {"lr": {"float": [0.0, 1.0], "step": 0.05}}
    random = np.random.default_rng(0)
    trials = [{"lr": round(0.05 * int(at), 2)} for at in random.integers(0, 21, 80)]
    values = [(one["lr"] - 0.4) ** 2 for one in trials]
    found = suggest(evidence(stepped, trials, values), written(stepped), legal)
    moved = parse_yaml(found.text, "f").value["space"]["lr"]
    assert moved["step"] == 0.05
    assert moved["float"] == [0.2, 0.6]

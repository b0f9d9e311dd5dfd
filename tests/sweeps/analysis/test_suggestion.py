"""The next sweep file follows from what was found, is legal, and runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sweeps
from sweeps.analysis.boundaries import boundary_alarms
from sweeps.analysis.importances import Importances, importances
from sweeps.analysis.suggestion import Suggestion, suggest
from sweeps.cli.commands import main
from sweeps.record.sweep_record import Outcome
from sweeps.search_spaces.yaml_reader import parse_yaml
from tests.sweeps.analysis.evidence_examples import evidence, is_runnable, sweep_values
from tests.sweeps.sweep_files import space, write_sweep

FIXED: dict[str, Any] = {"model": {"kind": "linear"}, "training": {"epochs": 3, "device": "cpu"}}
WIDE = {"float": [1e-4, 1.0], "log": True}


def tuned(lr: Any) -> dict[str, Any]:
    """A space, or a trial's configuration, of which lr is what matters."""
    return {**FIXED, "optimizer": {"kind": "adam", "lr": lr}}


def drawn(count: int) -> list[float]:
    return [float(10**power) for power in np.random.default_rng(0).uniform(-4, 0, count)]


def words(found: Suggestion) -> str:
    """The text of a file without its line ends."""
    return " ".join(found.text.replace("#", " ").split())


def next_space(found: Suggestion) -> dict[str, Any]:
    return dict(parse_yaml(found.text, "f").value["space"])


def test_where_the_best_lie_is_remarked_and_the_range_stays() -> None:
    values = [(np.log10(lr) + 2.0) ** 2 for lr in drawn(60)]
    made = evidence(tuned(WIDE), [tuned(lr) for lr in drawn(60)], values)
    found = suggest(made, sweep_values(tuned(WIDE)), is_runnable)
    assert next_space(found)["optimizer"]["lr"] == WIDE
    assert "the best 6 of 60 trials lie between" in found.text
    assert "range unchanged" in words(found)
    assert "they give no reason for a change" in found.text


@pytest.mark.parametrize(
    ("best", "remarked"), [((2, 6, 11, 16, 20), False), ((14, 17, 20, 23, 26), True)]
)
def test_nothing_is_remarked_where_chance_alone_often_puts_the_best_so_close_together(
    best: tuple[int, ...], remarked: bool
) -> None:
    places = np.linspace(0, 1, 41)
    values = np.ones(41)
    values[list(best)] = 0.1
    rates = [float(10 ** (4 * place - 4)) for place in places]
    made = evidence(tuned(WIDE), [tuned(rate) for rate in rates], list(values))
    found = suggest(made, sweep_values(tuned(WIDE)), is_runnable)
    assert ("the best 5 of 41 trials lie between" in found.text) is remarked


def test_a_list_by_hand_is_answered_with_draws_and_its_places_with_silence() -> None:
    """Somebody listed most rates near the low end, and all that are good there."""
    rates = [*np.geomspace(1e-4, 2e-4, 30), *np.geomspace(2e-2, 1.0, 30)]
    listed = [tuned(float(rate)) for rate in rates]
    values = [*np.linspace(0.1, 0.2, 30), *np.linspace(0.8, 0.9, 30)]
    search = {"method": "manual", "configurations": listed}
    seen = evidence(tuned(WIDE), listed, [float(one) for one in values], search=search)
    assert boundary_alarms(seen) == []
    assert "listed by hand" in str(importances(seen))
    found = suggest(seen, sweep_values(tuned(WIDE), search=search), is_runnable)
    assert next_space(found)["optimizer"]["lr"] == WIDE
    assert "trials lie between" not in found.text
    assert parse_yaml(found.text, "f").value["search"] == {"method": "random", "trials": 60}
    assert "listed by hand" in words(found)
    drawn_so = evidence(tuned(WIDE), listed, [float(one) for one in values])
    assert isinstance(importances(drawn_so), Importances)


def test_a_crowded_end_is_moved_out_unless_that_is_refused() -> None:
    values = [-np.log10(lr) for lr in drawn(100)]
    made = evidence(tuned(WIDE), [tuned(lr) for lr in drawn(100)], values)
    found = suggest(made, sweep_values(tuned(WIDE)), is_runnable)
    assert next_space(found)["optimizer"]["lr"]["float"] == [1e-4, 100.0]
    assert "raise the bound" in " ".join(found.text.replace("#", "").split())

    def refuses(one: dict[str, Any]) -> bool:
        return is_runnable(one) and one["space"]["optimizer"]["lr"]["float"][1] <= 1

    strict = suggest(made, sweep_values(tuned(WIDE)), refuses)
    assert next_space(strict)["optimizer"]["lr"]["float"] == [1e-4, 1.0]
    assert ("space", "optimizer", "lr") not in strict.reasons


def test_a_crowded_end_is_moved_as_far_as_a_trial_allows() -> None:
    space = tuned(0.01) | {"model": {"kind": "mlp", "dropout": {"float": [0.1, 0.512345]}}}
    rates = np.random.default_rng(0).uniform(0.1, 0.5, 100).tolist()
    trials = [tuned(0.01) | {"model": {"kind": "mlp", "dropout": rate}} for rate in rates]
    found = suggest(evidence(space, trials, rates), sweep_values(space), is_runnable)
    low, high = next_space(found)["model"]["dropout"]["float"]
    assert 0 <= low < 0.1
    assert high == 0.512345  # the other end is left alone, to its last digit


def test_an_option_that_is_clearly_beaten_is_named_and_stays() -> None:
    kinds = ("relu", "tanh", "gelu")
    space = {**tuned(WIDE), "model": {"kind": "mlp", "activation": {"choice": [*kinds]}}}
    random = np.random.default_rng(0)
    trials = [
        tuned(lr) | {"model": {"kind": "mlp", "activation": kinds[at % 3]}}
        for at, lr in enumerate(drawn(60))
    ]
    values = [9 * (at % 3 == 1) + float(random.normal(0, 0.1)) for at in range(60)]
    found = suggest(evidence(space, trials, values), sweep_values(space), is_runnable)
    assert next_space(found)["model"]["activation"] == {"choice": [*kinds]}
    assert "is better than tanh" in words(found)
    assert "All options are kept." in words(found)
    assert found.reasons.keys() == {("seed",), ("data", "split", "seed")}


def test_remarks_on_a_choice_and_on_a_range_inside_it_stand_where_these_are() -> None:
    options = [{"kind": "sgd", "lr": WIDE}, {"kind": "adam", "lr": WIDE}]
    trials = [{**FIXED, "optimizer": {"kind": "sgd", "lr": lr}} for lr in drawn(30)]
    trials += [tuned(lr) for lr in drawn(60)]
    values = [50.0 + at / 100 for at in range(30)] + [(np.log10(x) + 2) ** 2 for x in drawn(60)]
    space = {**FIXED, "optimizer": {"choice": options}}
    found = suggest(evidence(space, trials, values), sweep_values(space), is_runnable)
    assert next_space(found) == space
    lines = [line.strip() for line in found.text.splitlines()]
    before = lines[: lines.index("- kind: adam")]
    assert any("adam is better" in line for line in before)
    assert not any("trials lie between" in line for line in before)


def test_a_plateau_asks_for_fewer_trials_and_fresh_draws() -> None:
    made = evidence(tuned(WIDE), [tuned(lr) for lr in drawn(80)], [0.5] * 60 + [1.0] * 20)
    written = sweep_values(tuned(WIDE), search={"method": "random", "trials": 80})
    value = parse_yaml(suggest(made, written, is_runnable).text, "f").value
    assert value["search"]["trials"] == 20
    assert (value["name"], value["seed"]) == ("made-next", 5)


def test_draws_in_place_of_a_grid_are_no_more_than_the_space_has() -> None:
    space = tuned(0.01) | {"training": {"epochs": 3, "batch_size": {"int": [8, 17], "points": 3}}}
    trials = [tuned(0.01) | {"training": {"epochs": 3, "batch_size": n}} for n in (8, 12, 17)]
    search = {"method": "grid"}
    made = evidence(space, trials, [1.0, 2.0, 3.0], search=search)
    found = suggest(made, sweep_values(space, search=search), is_runnable)
    assert parse_yaml(found.text, "f").value["search"] == {"method": "random", "trials": 10}


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
    cuts = [one.folder.read_description().data.splits for one in (results, following)]
    assert cuts[0] == cuts[1]  # the test rows of the first are never trained on by the second
    seeds = [one.folder.read_description().sweep.seed for one in (results, following)]
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


def test_a_grid_that_tried_the_whole_space_is_not_drawn_again() -> None:
    units = list(range(4, 34))
    space = tuned(0.01) | {"model": {"kind": "mlp", "hidden_units": {"choice": units}}}
    trials = [tuned(0.01) | {"model": {"kind": "mlp", "hidden_units": one}} for one in units]
    values = np.random.default_rng(0).normal(size=30).tolist()
    made = evidence(space, trials, values, search={"method": "grid"})
    found = suggest(made, sweep_values(space, search={"method": "grid"}), is_runnable)
    assert parse_yaml(found.text, "f").value["search"] == {"method": "grid"}


def test_baselines_stay_where_a_grid_becomes_random_draws() -> None:
    search = {"method": "grid", "baseline": [{"optimizer": {"kind": "adam", "lr": 0.02}}]}
    space = tuned({**WIDE, "points": 4})
    made = evidence(space, [tuned(lr) for lr in (1e-4, 1e-2, 1.0)], [1.0, 2.0, 3.0], search=search)
    found = suggest(made, sweep_values(space, search=search), is_runnable)
    drawn_next = {"method": "random", "trials": 20, "baseline": search["baseline"]}
    assert parse_yaml(found.text, "f").value["search"] == drawn_next


def test_a_range_that_is_moved_out_keeps_its_step() -> None:
    stepped = tuned({"float": [0.05, 1.05], "step": 0.05})
    rates = [round(0.05 * int(at), 2) for at in np.random.default_rng(0).integers(1, 22, 80)]
    made = evidence(stepped, [tuned(lr) for lr in rates], [-lr for lr in rates])
    found = suggest(made, sweep_values(stepped), is_runnable)
    assert next_space(found)["optimizer"]["lr"] == {"float": [0.05, 1.55], "step": 0.05}


def test_nothing_to_change_is_said() -> None:
    values = list(np.random.default_rng(1).normal(size=9))  # too few to say anything
    made = evidence(tuned(WIDE), [tuned(lr) for lr in drawn(9)], values)
    written = sweep_values(tuned(WIDE), search={"method": "random", "trials": 9})
    found = suggest(made, written, is_runnable)
    assert "they give no reason for a change, so only the draws are new." in found.text


def test_a_suggestion_is_sent_to_where_the_data_that_it_names_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{n % 7},{'ab'[n % 2]}" for n in range(40)]
    (tmp_path / "own.csv").write_text("\n".join(["x,y", *rows]))
    path = write_sweep(tmp_path, data="{source: own.csv, target: y}")
    run = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none").path
    (tmp_path / "elsewhere").mkdir()
    assert main(["suggest", str(run), "--out", str(tmp_path / "elsewhere" / "next.yaml")]) == 0
    assert (
        f"keep it in {tmp_path}, where the data or modules that it names are"
        in capsys.readouterr().err
    )
    assert main(["suggest", str(run), "--out", str(tmp_path / "next.yaml")]) == 0
    assert "keep it" not in capsys.readouterr().err


def test_ties_on_a_grid_say_nothing_of_its_first_axis() -> None:
    space = tuned({**WIDE, "points": 10})
    space["model"] = {"kind": "mlp", "dropout": {"float": [0.0, 0.5], "points": 10}}
    axis, rates = np.geomspace(1e-4, 1.0, 10).tolist(), np.linspace(0, 0.5, 10).tolist()
    trials = [
        tuned(lr) | {"model": {"kind": "mlp", "dropout": rate}} for lr in axis for rate in rates
    ]
    values = [0.1 if at % 3 == 0 else 0.2 for at in range(100)]
    made = evidence(space, trials, values, search={"method": "grid"})
    found = suggest(made, sweep_values(space, search={"method": "grid"}), is_runnable)
    assert "trials lie between" not in found.text


def test_where_trials_were_pruned_it_says_by_what_they_count() -> None:
    made = {"optimizer": {"kind": "adam", "lr": {"float": [0.001, 1.0]}}, "training": {"epochs": 3}}
    trials = [{**made, "optimizer": {"kind": "adam", "lr": 0.01 + 0.02 * at}} for at in range(40)]
    outcomes = [*[Outcome.PRUNED] * 30, *[Outcome.COMPLETED] * 10]
    losses = np.random.default_rng(0).uniform(size=40).tolist()
    text = suggest(evidence(made, trials, losses, outcomes), sweep_values(made), is_runnable).text
    head = text[: text.index("name:")].replace("\n# ", " ")
    assert "30 of them pruned or stopped by hand, counted by the best values they reached" in head
    whole = suggest(evidence(made, trials, losses), sweep_values(made), is_runnable).text
    assert "pruned" not in whole

"""What cannot be had together with a search that learns is said before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.definition.loading import check_text
from sweeps.errors import SweepFileError
from tests.pages.pairs import table_of_pairs

FILE = """\
name: t
data: {source: iris}
search: {method: tpe, trials: 20, startup: 5}
stopping: {scheduler: none}
space:
  model: {choice: [{kind: linear}, {kind: mlp, hidden_units: {int: [4, 64]}}]}
  optimizer: {kind: adam, lr: {float: [1.0e-4, 1.0e-1], log: true}}
  training: {epochs: 9}
"""


def messages(text: str) -> str:
    with pytest.raises(SweepFileError) as error:
        check_text(text, "f.yaml", Path.cwd())
    return str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("startup: 5", "startup: 20", "f.yaml:3:", "nothing would be learned: all 20"),
        ("startup: 5", "startup: 0", "f.yaml:3:", "search.startup: must be at least 1, got 0"),
        ("scheduler: none", "scheduler: hyperband", "f.yaml:4:", "use `scheduler: asha`"),
        (
            "space:",
            "roles: {scientific: [model]}\nspace:",
            "f.yaml:5:",
            "roles need independent draws",
        ),
        ("startup: 5", "n_candidates: 3", "f.yaml:3:", "unknown key 'n_candidates'"),
    ],
)
def test_it_is_refused_with_place_and_way_out(old: str, new: str, place: str, words: str) -> None:
    found = messages(FILE.replace(old, new))
    assert place in found
    assert words in found


RANGES = FILE.replace("{choice: [{kind: linear}, {kind: mlp, hidden_units: {int: [4, 64]}}]}",
                      "{kind: mlp, hidden_units: {int: [4, 64]}}")  # fmt: skip
CMAES = RANGES.replace("method: tpe, trials: 20, startup: 5", "method: cmaes, trials: 20")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "int: [4, 64]",
            "choice: [4, 64]",
            "f.yaml:6:36: space.model.hidden_units: cmaes needs numeric",
        ),
        (
            "trials: 20",
            "trials: 7",
            "random draws and a generation of 6 come first; ask for at least 8",
        ),
        ("trials: 20", "trials: 20, startup: 20", "nothing would be learned: all 20"),
        (
            "trials: 20",
            "trials: 20, popsize: 20",
            "a generation of 20 come first; ask for at least 22",
        ),
        ("trials: 20", "trials: 20, popsize: 3", "search.popsize: must be at least 4, got 3"),
        (
            "trials: 20",
            "trials: 20, use_separable_cma: true, lr_adapt: true",
            "search.lr_adapt: lr_adapt needs the full covariance matrix",
        ),
        (
            "scheduler: none",
            "scheduler: asha",
            "cmaes learns only from trials that ran to their end",
        ),
    ],
)
def test_what_an_evolution_strategy_cannot_do_is_refused_with_a_way_out(
    old: str, new: str, words: str
) -> None:
    assert words in messages(CMAES.replace(old, new))
    assert check_text(CMAES, "f.yaml", Path.cwd())


@pytest.mark.parametrize("scheduler", ["asha", "median", "bandit"])
def test_schedulers_that_decide_on_each_trial_as_it_comes_are_allowed(scheduler: str) -> None:
    text = FILE.replace("scheduler: none", f"scheduler: {scheduler}")
    assert len(check_text(text, "f.yaml", Path.cwd())[1]) == 5


def test_a_finite_space_must_have_as_many_configurations_as_trials() -> None:
    text = FILE.replace("{float: [1.0e-4, 1.0e-1], log: true}", "0.1")
    assert "100 trials asked for, but the space has 62" in messages(
        text.replace("trials: 20", "trials: 100")
    )


def genetic(options: str) -> str:
    return FILE.replace(
        "method: tpe, trials: 20, startup: 5", f"method: nsga2, trials: 20, {options}"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("population_size: 20", "population_size is 20; write `population_size: 10`"),
        ("mutation_prob: null", "search.population_size: nothing would be learned"),
        ("population_size: 1", "search.population_size: must be at least 2, got 1"),
        ("population_size: 5, crossover_prob: 1.5", "search.crossover_prob: must be at most 1"),
        ("population_size: 5, mutation_prob: -0.1", "search.mutation_prob: must be at least 0"),
        ("population_size: 5, startup: 5", "unknown key 'startup'"),
    ],
)
def test_a_genetic_algorithm_is_refused_what_it_cannot_do(options: str, words: str) -> None:
    assert words in messages(genetic(options))


def test_a_genetic_algorithm_learns_from_whole_trials_alone() -> None:
    text = genetic("population_size: 5").replace("scheduler: none", "scheduler: asha")
    assert "nsga2 learns only from trials that ran to their end" in messages(text)


def test_the_page_says_which_method_goes_with_which_scheduler() -> None:
    early = {"asha", "median", "bandit", "hyperband", "pbt"}
    refused = {"tpe": {"hyperband", "pbt"}, "gp": early, "cmaes": early, "nsga2": early}
    schedulers, _, *rows = (line.split("|")[1:-1] for line in table_of_pairs().splitlines())
    found = {
        row[0].strip(" `"): {
            name.strip(" `")
            for name, cell in zip(schedulers[1:], row[1:], strict=True)
            if cell == " no "
        }
        for row in rows
    }
    assert {name: no for name, no in found.items() if no} == refused
    assert set(found) - set(refused) == {"grid", "random", "sobol", "manual", "auto"}

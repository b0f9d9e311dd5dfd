"""Medians, paired ratios and the table that is printed."""

from __future__ import annotations

import statistics

from rich.console import Console
from rich.table import Table

__all__ = ["Rounds", "print_summary", "summarize"]

Numbers = dict[str, float]
# name of what was measured -> one entry a round
Rounds = dict[str, list[Numbers]]

_LABELS = {
    "floor": "floor: bare loop, 2 processes",
    "own_loop": "own training loop, 2 bare processes",
    "product": "sweeps run, full MLflow record",
    "optuna": "Optuna, 2 processes, MLflowCallback",
    "ray_tune": "stock Ray Tune, MLflowLoggerCallback",
}


def summarize(rounds: Rounds) -> dict[str, Numbers]:
    """Return the medians of each measurement, and of its ratios to the floor of its own round."""
    return {name: {**_medians(taken), **_ratios(taken, rounds)} for name, taken in rounds.items()}


def _medians(taken: list[Numbers]) -> Numbers:
    return {key: statistics.median(one[key] for one in taken) for key in taken[0]}


def _ratios(taken: list[Numbers], rounds: Rounds) -> Numbers:
    floors = rounds.get("floor", [])
    if not floors or "steady_s" not in taken[0]:
        return {}
    pairs = list(zip(taken, floors, strict=True))
    return {
        f"{kind}_ratio": statistics.median(
            one[f"{kind}_s"] / floor[f"{kind}_s"] for one, floor in pairs
        )
        for kind in ("steady", "wall")
    }


def print_summary(medians: dict[str, Numbers], rounds: int, ray_tune_trials: int) -> None:
    """Print one table of the contestants and one of everything else."""
    console = Console(width=110)
    contestants = {name: numbers for name, numbers in medians.items() if name in _LABELS}
    if contestants:
        console.print(_table_of_contestants(contestants, rounds))
        console.print(
            "steady: first trial's start to last record written; whole: with start-up; ratios: the "
            f"median of each round's own; Ray Tune: {ray_tune_trials} trials, scaled"
        )
    rest = Table("what", "value", title="bookkeeping, start and memory (medians)")
    for name, numbers in medians.items():
        shown = numbers if name not in _LABELS else {}
        for key, value in shown.items():
            rest.add_row(f"{name}: {key}", f"{value:.2f}")
    if rest.row_count:
        console.print(rest)


def _table_of_contestants(contestants: dict[str, Numbers], rounds: int) -> Table:
    columns = ["", "steady s", "/ floor", "start-up s", "whole s", "/ floor"]
    table = Table(*columns, title=f"the same trainings, medians of {rounds} rounds")
    for name, numbers in contestants.items():
        table.add_row(
            _LABELS[name],
            f"{numbers['steady_s']:.1f}",
            f"{numbers.get('steady_ratio', float('nan')):.2f}",
            f"{numbers['startup_s']:.1f}",
            f"{numbers['wall_s']:.1f}",
            f"{numbers.get('wall_ratio', float('nan')):.2f}",
        )
    return table

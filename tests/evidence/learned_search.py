"""Does a search that learns find better configurations than random draws, at equal budget?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import mannwhitneyu

from tests.evidence.drawing import Chart, Line
from tests.evidence.pages import Finding, table
from tests.evidence.proposals import RUNNING, TIMED, cost
from tests.evidence.searches import LEARNERS, METHODS, PROBLEMS, Searched, searched, takes
from tests.evidence.suggestion import interval_of
from tests.evidence.trained import Array

__all__ = ["QUICK", "WHOLE", "learned_search"]


@dataclass(frozen=True)
class Sizes:
    """How much is searched.

    Attributes:
        seeds: Of each method; `gp` has `of_gp`, as its proposals take a hundred times as long: of
            0 it is left out.
        trials: At which a search is looked at; `gp` has no more than 100.
        told: Numbers of trials after which proposals are timed.
    """

    problems: tuple[str, ...]
    seeds: int
    of_gp: int
    trials: tuple[int, ...]
    told: tuple[int, ...]


WHOLE = Sizes((*PROBLEMS,), 50, 35, (20, 50, 100, 200), (10, 100, 1000))
QUICK = Sizes(("branin, 8 idle",), 2, 2, (11, 12), (10,))
_MOST_OF_GP = 100
_JUDGED_AFTER = 50

# By problem and method.
Found = dict[str, dict[str, Searched]]


def learned_search(sizes: Sizes, runs: Path) -> Finding:
    """Search every problem by every method that takes it, with the seeds of the product."""
    kept = runs / "learned_search"
    found: Found = {name: {} for name in sizes.problems}
    for method in METHODS:
        for name in sizes.problems:
            if takes(method, PROBLEMS[name]) and (method != "gp" or sizes.of_gp):
                found[name][method] = _searched(name, method, sizes, kept)
    return Finding(
        title="Search that learns against random draws",
        verdict=_verdict(found, sizes),
        parts=[_rows(found, sizes), _draws_needed(found), _beside_optuna(found), _costs(sizes)],
        charts={"loss": _chart(found, min(sizes.trials[-1], _MOST_OF_GP))},
        seeds=f"Searches have the seeds from 1 on, {sizes.seeds} of each "
        f"({sizes.of_gp or 'none'} of gp).",
    )


def _searched(name: str, method: str, sizes: Sizes, kept: Path) -> Searched:
    most = max(sizes.trials)
    if method == "gp":
        return searched(name, method, sizes.of_gp, min(most, _MOST_OF_GP), kept)
    return searched(name, method, sizes.seeds, most, kept)


def _verdict(found: Found, sizes: Sizes) -> str:
    last = min(sizes.trials[-1], _JUDGED_AFTER)
    better = {
        method: [name for name, one in found.items() if _is_better(one, method, last)]
        for method in LEARNERS
    }
    among = {method: sum(method in methods for methods in found.values()) for method in LEARNERS}
    held = all(len(better[method]) == among[method] for method in LEARNERS)
    counts = ", ".join(
        f"`{one}` in {len(better[one])} of {among[one]}" for one in LEARNERS if among[one]
    )
    return (
        f"**The claim {'held' if held else 'did not hold'} everywhere** that a search that learns "
        f"finds lower losses than as many random draws: after {last} trials these were surely "
        f"better (paired by seed, 95 %): {counts} problems."
    )


def _is_better(methods: Mapping[str, Searched], method: str, at: int) -> bool:
    if method not in methods:
        return False
    ours = methods[method].chosen[:, at - 1]
    gains = np.log(ours) - np.log(methods["random"].chosen[: len(ours), at - 1])
    return interval_of(gains)[2] < 0


def _cell(losses: Array) -> str:
    low, middle, high = np.percentile(losses, [25, 50, 75])
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def _rows(found: Found, sizes: Sizes) -> str:
    rows = [
        [f"{name} ({PROBLEMS[name].least:.3f})", method, *(_at(one, at) for at in sizes.trials)]
        for name, methods in found.items()
        for method, one in methods.items()
    ]
    head = ["problem (least)", "method", *(f"{number} trials" for number in sizes.trials)]
    return (
        "Loss without noise of the best trial so far, by the loss that the search sees: median and "
        f"quartiles over seeds.\n\n{table(head, rows)}{_spent(found)}"
    )


def _at(one: Searched, trials: int) -> str:
    return _cell(one.chosen[:, trials - 1]) if trials <= one.chosen.shape[1] else ""


def _spent(found: Found) -> str:
    """Say how many epochs ASHA spent, where there are epochs."""
    spent = [
        float((one["tpe + asha"].epochs[:, -1] / one["tpe"].epochs[:, -1]).mean())
        for one in found.values()
        if "tpe + asha" in one
    ]
    return (
        f"\nASHA trained {spent[0]:.0%} of the epochs of as many whole trials.\n" if spent else ""
    )


def _draws_needed(found: Found) -> str:
    """Say whether a search that learns saves half of the trials."""
    pairs = [(25, 50), (50, 100), (100, 200)]
    rows = [
        [name, method, *(_against_twice(methods, method, *pair) for pair in pairs)]
        for name, methods in found.items()
        for method in LEARNERS
        if method in methods
    ]
    head = ["problem", "method", *(f"{low} against {high} random" for low, high in pairs)]
    return (
        "Against twice as many random draws: in how many of the seeds the search that learns was "
        "at least as good.\n\n" + table(head, rows)
    )


def _against_twice(methods: Mapping[str, Searched], method: str, low: int, high: int) -> str:
    ours, random = methods[method].chosen, methods["random"].chosen
    if low > ours.shape[1] or high > random.shape[1]:
        return ""
    wins = int((ours[:, low - 1] <= random[: len(ours), high - 1]).sum())
    return f"{wins} of {len(ours)}"


def _beside_optuna(found: Found) -> str:
    """Compare the product's TPE with a study of plain Optuna's, whose seeds are other ones."""
    rows = []
    for name, methods in found.items():
        ours, plain = (methods[one].chosen[:, -1] for one in ("tpe", "tpe of plain optuna"))
        p_value = mannwhitneyu(ours, plain).pvalue
        rows.append([name, _cell(ours), _cell(plain), f"{p_value:.2f}"])
    head = ["problem", "the product's tpe", "plain Optuna's", "p (Mann and Whitney)"]
    return "The product's `tpe` beside plain Optuna's, at the last trial.\n\n" + table(head, rows)


def _costs(sizes: Sizes) -> str:
    """Say what a proposal takes in a space of ten ranges, once the trials before are known."""
    rows = [
        [name, *(f"{one.proposal_ms:.0f}" for one in costs)]
        for name, costs in ((name, [cost(name, told) for told in sizes.told]) for name in TIMED)
    ]
    head = ["method", *(f"after {number} trials" for number in sizes.told)]
    return (
        f"Milliseconds of CPU for a proposal among ten ranges while {RUNNING} other trials run "
        f"(none after 10).\n\n" + table(head, rows)
    )


def _chart(found: Found, trials: int) -> Chart:
    def of(method: str) -> Sequence[float]:
        return [
            float(np.median(methods[method].chosen[:, trials - 1])) / PROBLEMS[name].least
            for name, methods in found.items()
            if method in methods
        ]

    at = {
        method: [place for place, one in enumerate(found.values(), 1) if method in one]
        for method in METHODS
    }
    return Chart(
        title=f"Loss of what is chosen after {trials} trials, in times of the least (median)",
        x_title="",
        y_title="loss / least loss",
        lines=[Line(method, at[method], of(method)) for method in METHODS if at[method]],
        names=[name.partition(" ")[0].rstrip(",") for name in found],
    )

"""Cross-validation that is given up early: Bergman, Purucker and Hutter, AutoML 2024."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sweeps.findings.results import Results
from sweeps.models.data.datasets import load_dataset
from sweeps.models.prediction import Predictor
from sweeps.models.scoring.answers import Answers, metric_values
from sweeps.models.scoring.metrics import METRICS
from sweeps.models.splits.splits import split_folds
from sweeps.record.kept_weights import best_weights
from sweeps.record.run_folder import PREPROCESSING
from sweeps.schedulers.asha import Asha
from tests.evidence.asha import curves_of
from tests.evidence.clock import play
from tests.evidence.drawing import Chart, Line
from tests.evidence.pages import Finding, mean_and_error, table, with_error
from tests.evidence.trained import Array, Wanted, answers_of, train, unseen_of

__all__ = ["QUICK", "WHOLE", "early_stopped_folds", "gives_up_aggressively", "gives_up_forgivingly"]

# Whether a configuration is given up after these folds, beside the folds of the best one so far.
Rule = Callable[[Array, Array], bool]


@dataclass(frozen=True)
class Sizes:
    """Data sets with changes, orders of the trials that are drawn, and whole validations paid."""

    sources: Mapping[str, tuple[str, ...]]
    orders: int
    budget: int


WHOLE = Sizes(
    {"wine": (), "breast_cancer": (), "moons": ("data.samples=500", "data.noise=0.35")}, 400, 25
)
QUICK = Sizes({"iris": ("search.trials=16", "space.training.epochs=3")}, 5, 4)


def gives_up_aggressively(folds: Array, best: Array) -> bool:
    """Return whether the mean of the folds so far is worse than that of the best's."""
    return bool(folds.mean() > best.mean())


def gives_up_forgivingly(folds: Array, best: Array) -> bool:
    """Return whether the mean of the folds so far is worse than the worst fold of the best."""
    return bool(folds.mean() > best.max())


_RULES: dict[str, Rule] = {
    "whole": lambda folds, best: False,
    "forgiving": gives_up_forgivingly,
    "aggressive": gives_up_aggressively,
}
_PLAYED = "ASHA, folds in lock step"
_WAYS = (*_RULES, _PLAYED)


@dataclass(frozen=True)
class _Table:
    """What was trained: (trials, folds) losses, (trials, epochs) means, (trials,) unseen losses."""

    folds: Array
    curves: Array
    unseen: Array


@dataclass(frozen=True)
class _Path:
    """A search at one budget: what it cost to find each best, and what that is worth.

    Attributes:
        costs: When each new best was known, in whole validations.
        trials: Which trial it was.
        values: Its loss by then.
        tried: Trials begun within the budget.
    """

    costs: Array
    trials: Array
    values: Array
    tried: int


def early_stopped_folds(sizes: Sizes, runs: Path) -> Finding:
    """Train the trials with all of their folds, and leave out what each rule leaves out."""
    found: dict[str, dict[str, list[tuple[float, float, float]]]] = {}
    for source, changes in sizes.sources.items():
        here = (f"data.source={source}", *changes)
        made = _table_of(train(Wanted("early_stopped_folds", source, here), runs))
        found[source] = {way: [] for way in _WAYS}
        for seed in range(1, sizes.orders + 1):
            order = np.random.default_rng(seed).permutation(len(made.folds))
            for way, outcome in _compared(made, order, sizes.budget).items():
                found[source][way].append(outcome)
    arrays = {source: {way: np.array(each) for way, each in ways.items()}
              for source, ways in found.items()}  # fmt: skip
    return Finding(
        title="Cross-validation that is given up early",
        verdict=_verdict(arrays, sizes.budget),
        parts=[_rows(arrays, sizes.budget)],
        charts={"unseen": _chart(arrays)},
        seeds=f"Trials and cuts have the seed 1, the orders of the trials 1 to {sizes.orders}.",
    )


def _table_of(results: Results) -> _Table:
    file = results.folder.read_sweep()
    dataset = load_dataset(file.data, Path())
    parts = split_folds(dataset, file.data, file.seed)
    folds = np.full((len(results.record.trials), len(parts)), np.inf)
    for at, trial in enumerate(results.record.trials):
        if trial.best_epoch is not None:
            weights = best_weights(results.folder.weights, trial)
            nets = Predictor.load(weights, results.path / PREPROCESSING)._nets
            folds[at] = [
                _loss(answers_of(Predictor([net]), dataset, part.dev.rows))
                for net, part in zip(nets, parts, strict=True)
            ]
    unseen = np.nan_to_num(unseen_of(results).losses, nan=np.inf)
    return _Table(folds, curves_of(results), unseen)


def _loss(answers: Answers) -> float:
    return float(metric_values(answers, [METRICS["loss"]])[0])


def _compared(made: _Table, order: Array, budget: int) -> dict[str, tuple[float, float, float]]:
    """Return each way's time to the whole way's best, trials tried, and loss on unseen rows."""
    paths = {way: _searched(made.folds, order, rule, budget) for way, rule in _RULES.items()}
    paths[_PLAYED] = _played(made.curves, order, budget)
    # The mean of folds that are measured anew differs from the recorded one in its last digits.
    aim = paths["whole"].values[-1] * (1 + 1e-6)
    outcomes = {}
    for way, path in paths.items():
        there = np.flatnonzero(path.values <= aim)
        soon = float(path.costs[there[0]]) if len(there) else float(budget)
        outcomes[way] = (soon, float(path.tried), float(made.unseen[path.trials[-1]]))
    return outcomes


def _searched(folds: Array, order: Array, rule: Rule, budget: int) -> _Path:
    """Validate trials in their order, fold by fold, until so many whole validations are spent."""
    number = folds.shape[1]
    means = folds.mean(axis=1)
    best, spent, tried = -1, 0, 0
    costs, trials = [], []
    for trial in order:
        tried += spent < budget * number
        for fold in range(1, number + 1):
            if spent == budget * number:
                return _Path(np.array(costs), np.array(trials), means[trials], tried)
            spent += 1
            if best >= 0 and fold < number and rule(folds[trial, :fold], folds[best]):
                break
        else:
            if best < 0 or means[trial] < means[best]:
                best = int(trial)
                costs.append(spent / number)
                trials.append(best)
    return _Path(np.array(costs), np.array(trials), means[trials], tried)


def _played(curves: Array, order: Array, budget: int) -> _Path:
    """Let the product's ASHA stop all folds of a trial at once, on one worker."""
    section = Asha(scheduler="asha", grace_epochs=1, reduction_factor=3)
    played = play(section, curves[order], 1, objective=np.inf, until=budget)
    is_within = played.times <= budget + 1e-9
    values, trials = played.values[is_within], order[played.trials[is_within].astype(int)]
    best = np.fmin.accumulate(values)
    new = np.flatnonzero(np.concatenate([[True], best[1:] < best[:-1]]))
    return _Path(played.times[is_within][new], trials[new], values[new], len(np.unique(trials)))


Arrays = Mapping[str, Mapping[str, Array]]


def _speed_up(ways: Mapping[str, Array], way: str) -> tuple[float, float]:
    """Return how many times as soon a way was there, with the error of that ratio."""
    slow, fast = ways["whole"][:, 0], ways[way][:, 0]
    ratio = slow.mean() / fast.mean()
    error = (slow - ratio * fast).std(ddof=1) / fast.mean() / len(fast) ** 0.5
    return float(ratio), float(error)


def _verdict(arrays: Arrays, budget: int) -> str:
    ups = [_speed_up(ways, "forgiving") for ways in arrays.values()]
    more = [ways["forgiving"][:, 1].mean() / ways["whole"][:, 1].mean() - 1
            for ways in arrays.values()]  # fmt: skip
    gains = [_gain(ways, "forgiving") for ways in arrays.values()]
    is_sooner = all(ratio - 2 * error > 1 for ratio, error in ups)
    is_worse = any(mean - 2 * error > 0 for mean, error in gains)
    words = "held" if is_sooner and not is_worse else "held in part"
    lock = [_speed_up(ways, _PLAYED) for ways in arrays.values()]
    return (
        f"**The claim {words}** that cross-validation which is given up early finds as good "
        f"configurations sooner: stopped forgivingly, it had the best of {budget} whole "
        f"validations {_listed(ups)} times as soon ({', '.join(arrays)}), and tried "
        f"{' / '.join(f'{one:.0%}' for one in more)} more configurations. The product trains the "
        f"folds in lock step instead; ASHA on their mean was there {_listed(lock)} times as soon."
    )


def _listed(ratios: list[tuple[float, float]]) -> str:
    return " / ".join(f"{ratio:.2f} ± {error:.2f}" for ratio, error in ratios)


def _gain(ways: Mapping[str, Array], way: str) -> tuple[float, float]:
    """Return the mean log ratio of the losses on unseen rows, to those of the whole way."""
    return mean_and_error(np.log(ways[way][:, 2] / ways["whole"][:, 2]))


def _rows(arrays: Arrays, budget: int) -> str:
    rows = []
    for source, ways in arrays.items():
        for way, each in ways.items():
            ratio, gain = _speed_up(ways, way), _gain(ways, way)
            rows.append([
                source, way, with_error(each[:, 0], 1), f"{ratio[0]:.2f} ± {ratio[1]:.2f}",
                f"{each[:, 1].mean():.1f}", f"{gain[0]:+.3f} ± {gain[1]:.3f}",
            ])  # fmt: skip
    head = ["data", "validation", "whole validations until the whole way's best", "times as soon",
            "configurations tried", "log ratio of the loss on unseen rows"]  # fmt: skip
    return (
        f"Searches that may spend {budget} whole validations (mean and standard error over orders "
        "of the trials). A way that never finds the whole way's best counts with all of them:\n\n"
        + table(head, rows)
    )


def _chart(arrays: Arrays) -> Chart:
    lines = []
    for way in _WAYS[1:]:
        gains = [_gain(ways, way) for ways in arrays.values()]
        places = list(range(1, len(gains) + 1))
        lines.append(Line(way.partition(",")[0], places, [g for g, _ in gains],
                          [e for _, e in gains]))  # fmt: skip
    return Chart(
        title="Loss on unseen rows beside that of whole validations, at equal budget",
        x_title="",
        y_title="log ratio (low is good)",
        lines=lines,
        level=(0.0, "whole"),
        names=list(arrays),
    )

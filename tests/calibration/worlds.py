"""Sweeps whose truth is known: made evidence, and whole sweeps in which nothing differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy.stats import norm

import sweeps
from sweeps.analysis.boundaries import boundary_alarms
from sweeps.analysis.choices import compare_choices
from sweeps.analysis.evidence import gather
from sweeps.analysis.importances import Importances, importances
from sweeps.analysis.tuning_curve import TuningCurve, tuning_curve
from sweeps.findings.final_ranking import (
    ALPHA,
    rank_candidates,
    welch_p_value,
    words_of_skewed_seeds,
)
from sweeps.findings.results import Results
from sweeps.models.scoring.objective import Objective
from tests.sweeps.analysis.evidence_examples import evidence
from tests.sweeps.findings.test_final_ranking import record
from tests.sweeps.findings.test_surprise import choice
from tests.sweeps.sweep_files import space, write_sweep

__all__ = [
    "a_long_tail_is_said",
    "a_parameter_stands_out",
    "an_alarm_on_a_grid",
    "an_alarm_on_a_trained_grid",
    "an_alarm_on_draws",
    "an_end_is_missed",
    "an_option_is_better",
    "an_option_is_better_on_units",
    "band_misses",
    "exponential_seeds",
    "lead_is_more_than_noise",
    "log_normal_seeds",
    "more_is_judged",
    "normal_seeds",
    "plateau",
    "run",
    "same_training_is_better",
    "steep",
    "twins_are_learned",
    "winner_interval_misses",
    "winner_of_shares_misses",
]

FIXED: dict[str, Any] = {"optimizer": {"kind": "adam"}, "training": {"epochs": 3}}


def floor_and_tail(places: Any) -> Any:
    """Quantiles of losses with a floor and a long tail, as sweeps have them."""
    return 0.05 + np.exp(norm.ppf(places) - 2)


def plateau(places: Any) -> Any:
    return 0.2 + np.exp(norm.ppf(places) - 2)


def steep(places: Any) -> Any:
    return np.exp(norm.ppf(places))


def _options(sizes: Sequence[int], factor: float, seed: int) -> tuple[Any, Any, Any]:
    """Trials of equal options, the last of which is worse by a factor."""
    names = ("relu", "tanh", "gelu", "elu")[: len(sizes)]
    made = {**FIXED, "model": {"kind": "mlp", "activation": {"choice": list(names)}}}
    kinds = [name for name, size in zip(names, sizes, strict=True) for _ in range(size)]
    trials = [{**FIXED, "model": {"kind": "mlp", "activation": kind}} for kind in kinds]
    losses = floor_and_tail(np.random.default_rng(seed).uniform(size=len(kinds)))
    losses = losses * np.where([kind == names[-1] for kind in kinds], factor, 1.0)
    return made, trials, losses.tolist()


def an_option_is_better(sizes: Sequence[int], factor: float = 1.0) -> Callable[[int], bool]:
    return lambda seed: any(
        one.beaten for one in compare_choices(evidence(*_options(sizes, factor, seed)))
    )


def an_option_is_better_on_units(
    split: dict[str, str], units: int, lead: float = 0.0
) -> Callable[[int], bool]:
    """Two options, of which the first leads on average over all groups or times there are.

    On one of these the one or the other is better, by .05 as a rule; trials of an option differ by
    .01. All are measured on so many of them.
    """
    data = {"source": "patients.csv", "target": "y", "split": split}
    cut = ({"dev": float(units)}, {"dev": units})

    def is_better(seed: int) -> bool:
        random = np.random.default_rng(seed)
        made, trials, _ = _options((20, 20), 1.0, seed)
        of_units = np.array([0.2 - lead, 0.2]) + 0.05 * random.normal(size=(2, units)).mean(axis=1)
        losses = (np.repeat(of_units, 20) + 0.01 * random.normal(size=40)).tolist()
        found = compare_choices(evidence(made, trials, losses, cut=cut, data=data))
        return any(one.beaten for one in found)

    return is_better


def _ranges(count: int, dimensions: int, random: np.random.Generator) -> tuple[Any, Any]:
    made = {f"p{at}": {"float": [0.0, 1.0]} for at in range(dimensions)}
    return made, [{name: float(random.uniform()) for name in made} for _ in range(count)]


def an_alarm_on_draws(ranges: int) -> Callable[[int], bool]:
    def alarms(seed: int) -> bool:
        random = np.random.default_rng(seed)
        made, trials = _ranges(60, ranges, random)
        return bool(boundary_alarms(evidence(made, trials, random.normal(size=60).tolist())))

    return alarms


def an_alarm_on_a_grid(seed: int) -> bool:
    """A grid of ten by ten, whose accuracies on 30 dev rows are chance."""
    axis = np.linspace(0, 1, 10).tolist()
    made = {f"p{at}": {"float": [0.0, 1.0], "points": 10} for at in range(2)}
    trials = [{"p0": one, "p1": other} for one in axis for other in axis]
    values = (np.random.default_rng(seed).binomial(30, 0.9, 100) / 30).tolist()
    objective = Objective("dev_accuracy", "max")
    return bool(boundary_alarms(evidence(made, trials, values, objective=objective)))


def an_end_is_missed(seed: int) -> bool:
    """Whether the optimum, which lies beyond the high end at 1.3, raises an alarm."""
    random = np.random.default_rng(seed)
    made, trials = _ranges(100, 1, random)
    losses = [(one["p0"] - 1.3) ** 2 + 0.1 * float(random.normal()) for one in trials]
    return bool(boundary_alarms(evidence(made, trials, losses)))


def a_parameter_stands_out(effect: float) -> Callable[[int], bool]:
    def stands_out(seed: int) -> bool:
        random = np.random.default_rng(seed)
        made, trials = _ranges(40, 6, random)
        losses = [effect * one["p0"] + float(random.normal()) for one in trials]
        found = importances(evidence(made, trials, losses))
        return isinstance(found, Importances) and bool(found.standing_out)

    return stands_out


def _curve(law: Callable[[Any], Any], count: int, seed: int) -> TuningCurve:
    random = np.random.default_rng(seed)
    made, trials = _ranges(count, 1, random)
    found = tuning_curve(evidence(made, trials, law(random.uniform(size=count)).tolist()))
    assert isinstance(found, TuningCurve)
    return found


def band_misses(count: int) -> Callable[[int], bool]:
    def misses(seed: int) -> bool:
        found = _curve(floor_and_tail, count, seed)
        truth = floor_and_tail(1 - 0.5 ** (1 / found.numbers))
        return not bool((found.low <= truth).all() and (truth <= found.high).all())

    return misses


def more_is_judged(word: str, law: Callable[[Any], Any], count: int) -> Callable[[int], bool]:
    return lambda seed: _curve(law, count, seed).more == word


Draw = Callable[[np.random.Generator, tuple[int, int]], Any]


def normal_seeds(random: np.random.Generator, shape: tuple[int, int]) -> Any:
    """Results of seeds around a mean of 10, as those below."""
    return 10 + random.normal(size=shape)


def log_normal_seeds(random: np.random.Generator, shape: tuple[int, int]) -> Any:
    return 10 * np.exp(0.5 * random.normal(size=shape) - 0.125)


def exponential_seeds(random: np.random.Generator, shape: tuple[int, int]) -> Any:
    return 10 * random.exponential(size=shape)


def winner_interval_misses(candidates: int, draw: Draw = normal_seeds) -> Callable[[int], bool]:
    def misses(seed: int) -> bool:
        winner = _ranked(np.zeros(candidates), seed, draw)[0]
        assert winner.low is not None
        assert winner.high is not None
        return not winner.low <= 10 <= winner.high

    return misses


def winner_of_shares_misses(seeds: int) -> Callable[[int], bool | None]:
    """Whether the winner's interval misses where the objective is a share of 36 dev rows.

    Seeds move it by about half a row, so that all repeats are often right on as many rows.
    """
    rows, spread = 36, 0.5

    def misses(seed: int) -> bool | None:
        random = np.random.default_rng(seed)
        middle = 32 + random.uniform()
        right = np.arange(rows + 1)
        ends = norm.cdf((right[:, None] + [-0.5, 0.5] - middle) / spread)
        truth = float(right @ (ends[:, 1] - ends[:, 0])) / rows
        values = (middle + spread * random.normal(size=(3, seeds))).round() / rows
        objective = Objective("dev_accuracy", "max")
        repeats = record(values.ravel().tolist(), seeds, objective)
        winner = rank_candidates(record([0.9] * 3, 1, objective), repeats)[0]
        missing = winner.low is None or winner.high is None
        return None if missing else not winner.low <= truth <= winner.high  # type: ignore[operator]

    return misses


def _ranked(means: Any, seed: int, draw: Draw = normal_seeds) -> Any:
    values = means[:, None] + draw(np.random.default_rng(seed), (len(means), 5))
    objective = Objective("dev_loss", "min")
    searched = record([0.5] * len(means), 1, objective)
    return rank_candidates(searched, record(values.ravel().tolist(), 5, objective))


def a_long_tail_is_said(draw: Draw) -> Callable[[int], bool]:
    def is_said(seed: int) -> bool:
        found = tuple(_ranked(np.zeros(3), seed, draw))
        return bool(
            words_of_skewed_seeds(replace(choice(1.0, "dev_loss", "min"), candidates=found))
        )

    return is_said


def lead_is_more_than_noise(lead: float) -> Callable[[int], bool]:
    def is_said(seed: int) -> bool:
        p_value = welch_p_value(*_ranked(np.array([0.0, lead, lead]), seed)[:2])
        return p_value is not None and p_value <= ALPHA

    return is_said


def run(path: Path) -> Results:
    """Run a whole sweep in this process, without its report, which takes half of the time."""
    with patch("sweeps.report.report.write_report"):
        return sweeps.run(path, runs=path.parent / "runs", runner="local", tracking_uri="none")


def twins_are_learned(seed: int) -> bool:
    """Whether a whole sweep misses .5 on test rows: each row is there twice, labels are tossed."""
    with TemporaryDirectory() as folder:
        random = np.random.default_rng(seed)
        rows = np.column_stack(
            [random.normal(size=(150, 4)).round(6), random.integers(2, size=150)]
        )
        lines = [",".join([*map(str, row[:4]), f"c{int(row[4])}"]) for row in rows]
        (Path(folder) / "twice.csv").write_text("\n".join(["a,b,c,d,y", *lines, *lines, ""]))
        path = write_sweep(Path(folder), seed=str(seed), data="{source: twice.csv, target: y}",
                           final="{top_k: 1, seeds: 2}", search="{method: random, trials: 4}",
                           space=space("{kind: mlp, hidden_units: 64}", epochs=15))  # fmt: skip
        found = run(path)
        accuracy = found.openings[-1].metrics["test_accuracy"]
        assert accuracy.low is not None
        assert accuracy.high is not None
        return not accuracy.low <= 0.5 <= accuracy.high


def an_alarm_on_a_trained_grid(seed: int) -> bool:
    """A whole sweep over a grid on which nothing matters, ranked by accuracy on 30 dev rows."""
    with TemporaryDirectory() as folder:
        ends = "{float: [1.0e-9, 1.0e-7], log: true, points: 6}"
        made = space("{kind: linear}", f"{{kind: adamw, lr: 0.01, weight_decay: {ends}}}", epochs=2,
                     more=f", regularization: {{l2: {ends}}}")  # fmt: skip
        path = write_sweep(Path(folder), seed=str(seed), objective="{metric: dev_accuracy}",
                           search="{method: grid}", space=made)  # fmt: skip
        found = run(path)
        return bool(boundary_alarms(gather(found.folder, found.record)))


def same_training_is_better(seed: int) -> bool:
    """A whole sweep on wine with two schedules that are the same training."""
    with TemporaryDirectory() as folder:
        schedule = "{choice: [{kind: constant}, {kind: step, step_epochs: 1000}]}"
        made = space("{kind: linear}", epochs=4, more=f", schedule: {schedule}")
        path = write_sweep(Path(folder), seed=str(seed), data="{source: wine}", space=made,
                           search="{method: random, trials: 24}")  # fmt: skip
        found = run(path)
        return any(one.beaten for one in compare_choices(gather(found.folder, found.record)))

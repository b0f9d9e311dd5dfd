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
from sweeps.analysis.diagnosis import diagnose
from sweeps.analysis.evidence import gather
from sweeps.analysis.importances import Importances, importances
from sweeps.analysis.tuning_curve import TuningCurve, tuning_curve
from sweeps.models.scoring.objective import Objective
from sweeps.record.final_ranking import (
    ALPHA,
    rank_candidates,
    welch_p_value,
    words_of_skewed_seeds,
)
from sweeps.record.results import Results
from tests.sweeps.analysis.evidence_examples import evidence
from tests.sweeps.record.test_final_ranking import record
from tests.sweeps.record.test_surprise import choice
from tests.sweeps.sweep_files import space, write_sweep

__all__ = [
    "a_long_tail_is_said",
    "a_parameter_stands_out",
    "an_alarm_on_a_grid",
    "an_alarm_on_a_trained_grid",
    "an_alarm_on_draws",
    "an_end_is_missed",
    "an_option_is_better",
    "band_misses",
    "bias_is_said",
    "bias_is_said_of_groups",
    "exponential_seeds",
    "lead_is_more_than_noise",
    "log_normal_seeds",
    "more_is_judged",
    "normal_seeds",
    "run",
    "same_training_is_better",
    "twins_are_learned",
    "variance_is_said",
    "variance_is_said_of_a_fit",
    "variance_is_said_of_groups",
    "winner_interval_misses",
    "winner_of_shares_misses",
]

FIXED: dict[str, Any] = {"optimizer": {"kind": "adam"}, "training": {"epochs": 3}}


def floor_and_tail(places: Any) -> Any:
    """Quantiles of losses with a floor and a long tail, as sweeps have them."""
    return 0.05 + np.exp(norm.ppf(places) - 2)


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


def variance_is_said(task: str, gap: float, rows: int = 88) -> Callable[[int], bool]:
    """Whether variance is said of a net whose error on unseen rows is larger by `gap`."""
    name = "r2" if task == "regression" else "accuracy"

    def is_said(seed: int) -> bool:
        random = np.random.default_rng(seed)
        scores = [_score(task, share, count, random)
                  for share, count in ((0.5 + gap, 3 * rows), (0.5, rows))]  # fmt: skip
        made = evidence({"lr": {"float": [0.1, 1.0]}}, [{"lr": 0.5}], [1.0])
        made.trials[0].best = {"epoch": 1, f"train_{name}": scores[0], f"dev_{name}": scores[1]}
        curve = {key: np.ones(1) for key in ("epoch", "dev_loss", "train_loss")}
        found = diagnose(
            replace(made, task=task, dev_rows=rows, train_rows=3 * rows, curves=[curve])
        )
        return "variance" in found[0].findings

    return is_said


def variance_is_said_of_a_fit(columns: int, rows: int) -> Callable[[int], bool]:
    """Whether variance is said of least squares on so many columns, of which all tell as much.

    R2 is .5 for whoever knows the slopes. A fit errs a little less on its own 3 times `rows` rows:
    by about 2 (columns + 1) (1 - R2) / rows of train.
    """

    def is_said(seed: int) -> bool:
        random = np.random.default_rng(seed)
        x = random.normal(size=(4 * rows, columns))
        y = x.sum(axis=1) / columns**0.5 + random.normal(size=4 * rows)
        table = np.column_stack([np.ones(4 * rows), x])
        answers = table @ np.linalg.lstsq(table[rows:], y[rows:], rcond=None)[0]
        parts = (("train_r2", slice(rows, None)), ("dev_r2", slice(0, rows)))
        scores = {
            name: float(1 - ((y[part] - answers[part]) ** 2).mean() / y[part].var())
            for name, part in parts
        }
        made = evidence({"lr": {"float": [0.1, 1.0]}}, [{"lr": 0.5}], [1.0])
        made.trials[0].best = {"epoch": 1, **scores}
        curve = {key: np.ones(1) for key in ("epoch", "dev_loss", "train_loss")}
        seen = {"dev_rows": rows, "train_rows": 3 * rows, "curves": [curve]}
        return "variance" in diagnose(replace(made, task="regression", **seen))[0].findings

    return is_said


def variance_is_said_of_groups(task: str, gap: float, groups: int) -> Callable[[int], bool]:
    """Whether variance is said where dev rows are so many groups of 40, and train has 3 times them.

    Rows of a group are alike: classes are as often right as a share that each group draws anew
    (intraclass correlation .3), and numbers have half of their error in common.
    """
    name = "r2" if task == "regression" else "accuracy"

    def is_said(seed: int) -> bool:
        random = np.random.default_rng(seed)
        scores = [_score_of_groups(task, share, count, random)
                  for share, count in ((0.5 + gap, 3 * groups), (0.5, groups))]  # fmt: skip
        made = evidence({"lr": {"float": [0.1, 1.0]}}, [{"lr": 0.5}], [1.0])
        made.trials[0].best = {"epoch": 1, f"train_{name}": scores[0], f"dev_{name}": scores[1]}
        curve = {key: np.ones(1) for key in ("epoch", "dev_loss", "train_loss")}
        independent = {"train": 3.0 * groups, "dev": float(groups)}
        seen = {"dev_rows": 40 * groups, "train_rows": 120 * groups, "independent": independent}
        found = diagnose(replace(made, task=task, curves=[curve], **seen))
        return "variance" in found[0].findings

    return is_said


def _score_of_groups(task: str, share: float, groups: int, random: np.random.Generator) -> float:
    if task == "classification":
        tightness = 1 / 0.3 - 1  # beta-binomial, intraclass correlation .3
        own = random.beta(share * tightness, (1 - share) * tightness, groups)
        return float(random.binomial(40, own).mean()) / 40
    common, own = random.normal(size=(2, groups, 1)), random.normal(size=(2, groups, 40))
    signal, noise = (common + own) / 2**0.5
    return float(1 - np.var(noise) / np.var((share / (1 - share)) ** 0.5 * signal + noise))


def bias_is_said(task: str, gap: float, rows: int = 88) -> Callable[[int], bool]:
    """Whether avoidable bias is said of a net that is as good as nine others, and by `gap` worse.

    One more overfits: it has no training error at all.
    """
    name = "r2" if task == "regression" else "accuracy"

    def is_said(seed: int) -> bool:
        random = np.random.default_rng(seed)
        shares = [0.7 - gap, *[0.7] * 9]
        scores = [(_score(task, share, 3 * rows, random), _score(task, share, rows, random))
                  for share in shares] + [(1.0, 0.4)]  # fmt: skip
        made = evidence(
            {"lr": {"float": [0.1, 1.0]}}, [{"lr": 0.5}] * len(scores), [1.0] * len(scores)
        )
        for trial, (train, dev) in zip(made.trials, scores, strict=True):
            trial.best = {"epoch": 1, f"train_{name}": train, f"dev_{name}": dev}
        curve = {key: np.ones(1) for key in ("epoch", "dev_loss", "train_loss")}
        curves = [curve] * len(scores)
        found = diagnose(
            replace(made, task=task, dev_rows=rows, train_rows=3 * rows, curves=curves)
        )
        return "avoidable bias" in found[0].findings

    return is_said


def bias_is_said_of_groups(task: str, gap: float, groups: int) -> Callable[[int], bool]:
    """The same where dev rows are so many groups of 40 and train has 3 times them, as above."""
    name = "r2" if task == "regression" else "accuracy"

    def is_said(seed: int) -> bool:
        random = np.random.default_rng(seed)
        shares = [0.8 - gap, *[0.8] * 9]
        made = evidence(
            {"lr": {"float": [0.1, 1.0]}}, [{"lr": 0.5}] * len(shares), [1.0] * len(shares)
        )
        for trial, share in zip(made.trials, shares, strict=True):
            train, dev = (_score_of_groups(task, share, n * groups, random) for n in (3, 1))
            trial.best = {"epoch": 1, f"train_{name}": train, f"dev_{name}": dev}
        curve = {key: np.ones(1) for key in ("epoch", "dev_loss", "train_loss")}
        independent = {"train": 3.0 * groups, "dev": float(groups)}
        seen = {"dev_rows": 40 * groups, "train_rows": 120 * groups, "independent": independent}
        found = diagnose(replace(made, task=task, curves=[curve] * len(shares), **seen))
        return "avoidable bias" in found[0].findings

    return is_said


def _score(task: str, share: float, rows: int, random: np.random.Generator) -> float:
    if task == "classification":
        return float(random.binomial(rows, share)) / rows
    x, noise = random.normal(size=(2, rows))
    return float(1 - np.var(noise) / np.var((share / (1 - share)) ** 0.5 * x + noise))


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

"""Nets whose errors on all rows are known: what is said of their bias and variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sweeps.analysis.diagnosis import diagnose
from tests.sweeps.analysis.evidence_examples import evidence

__all__ = [
    "bias_is_said",
    "bias_is_said_of_groups",
    "variance_is_said",
    "variance_is_said_of_a_fit",
    "variance_is_said_of_groups",
]


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

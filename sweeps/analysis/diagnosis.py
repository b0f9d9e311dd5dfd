"""Bias and variance of each trial, and how its training went, read from its own curves.

The rules are those of the deep-learning courses: avoidable bias is the training error above what
could be reached, variance the dev error above the training error, both at the best epoch. Trials
that were pruned are not judged by them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from sweeps.analysis.evidence import Array, Evidence
from sweeps.models.scoring.metrics import METRICS
from sweeps.models.scoring.tasks import TASKS
from sweeps.record.sweep_record import CUT_SHORT, Outcome

__all__ = ["RULES", "THRESHOLDS", "Diagnosis", "Finding", "count", "diagnose"]

Finding = Literal[
    "avoidable bias", "variance", "still improving", "saturated early", "diverged", "unstable"
]


@dataclass(frozen=True)
class Thresholds:
    """Where each rule begins to speak.

    Attributes:
        bias: Training error above the target error; errors are 1 less the task's score. Where the
            target is the lowest dev error, also above what chance does to the lowest.
        variance: Dev error above training error, by more than `standard_errors` of that gap, as
            few dev rows give a wrong picture: whoever fits errs a little less on the fit's own
            rows, and that is no variance worth a remedy.
        late_share: A best epoch in this last share of the epochs is late.
        late_gain: Share of the whole improvement that the last fifth of the epochs must bring for
            a trial to be still improving.
        early_share: A best epoch in this first share of the epochs is early.
        fewest_epochs: Curves shorter than this are not judged by their shape.
        rise: Sum of the training loss's rises over its range, above which it is unstable; the
            rises must also come to `material` of the median loss.
    """

    bias: float = 0.05
    variance: float = 0.05
    standard_errors: float = 1.64
    late_share: float = 0.1
    late_gain: float = 0.02
    early_share: float = 0.3
    fewest_epochs: int = 8
    rise: float = 0.5
    material: float = 0.25


THRESHOLDS = Thresholds()
_LEVEL = 0.05
# Of one group nothing can be said: another might be answered quite otherwise.
_FEWEST_GROUPS = 1

# What each finding means, and the usual remedies.
RULES: dict[Finding, tuple[str, str]] = {
    "avoidable bias": (
        "the training error is well above the target",
        "a bigger net, more epochs, another optimizer or learning rate, less regularization",
    ),
    "variance": (
        "the dev error is well above the training error",
        "more data, L2 or dropout, early stopping, a smaller net",
    ),
    "still improving": (
        "the objective was still improving at the end",
        "more epochs, or a higher learning rate",
    ),
    "saturated early": (
        "the best epoch came early; later ones brought no improvement",
        "fewer epochs or early stopping, a learning-rate schedule, more regularization",
    ),
    "diverged": (
        "a loss or the objective was not finite",
        "a lower learning rate, gradient clipping, warm-up",
    ),
    "unstable": (
        "the training loss oscillated",
        "a lower learning rate, a larger batch, gradient clipping, a decaying schedule",
    ),
}


@dataclass(frozen=True)
class Diagnosis:
    """What the rules say of one trial.

    Attributes:
        findings: All that hold; empty where nothing is amiss.
        train_error, dev_error: 1 less the score of the task at the best epoch; None without one.
        target_error: What the training error is held against.
        is_judged: Whether bias and variance were looked for: not in a pruned trial.
        is_copy: Whether it copied another trial on the way: its curve is not judged.
    """

    trial: int
    findings: tuple[Finding, ...]
    train_error: float | None
    dev_error: float | None
    target_error: float | None
    is_judged: bool = True
    is_copy: bool = False

    @property
    def words(self) -> str:
        """The findings in words, for a tag or a table."""
        nothing = "no finding" if self.is_judged else "pruned: not judged"
        if self.is_copy and self.is_judged:
            nothing += " (its curve is that of several nets)"
        return ", ".join(self.findings) or nothing


def diagnose(evidence: Evidence) -> list[Diagnosis]:
    """Return the diagnosis of every trial that has a curve.

    Training errors are held against `objective.target_error` of the sweep file, or where it has
    none against the lowest dev error at any trial's best epoch, which some net really came to. The
    lowest training error would be that of whichever trial overfits most.
    """
    errors = [_errors(evidence, at) for at in range(len(evidence.trials))]
    target = evidence.file.objective.target_error
    if target is None:
        target = min((pair[1] for pair in errors if pair is not None), default=None)
    return [
        Diagnosis(
            trial=at,
            findings=tuple(_findings(evidence, at, errors[at], target)),
            train_error=None if pair is None else pair[0],
            dev_error=None if pair is None else pair[1],
            target_error=target,
            is_judged=evidence.trials[at].outcome not in CUT_SHORT,
            is_copy=bool(evidence.trials[at].copies),
        )
        for at, pair in enumerate(errors)
        if evidence.curves[at]
    ]


def count(diagnoses: Sequence[Diagnosis]) -> dict[Finding, int]:
    """Return how many trials have each finding, in the order of the rules."""
    counted = Counter(finding for one in diagnoses for finding in one.findings)
    return {finding: counted[finding] for finding in RULES}


def _errors(evidence: Evidence, at: int) -> tuple[float, float] | None:
    """Return training and dev error at the best epoch of a trial; None where not both are known."""
    best = evidence.trials[at].best
    if best is None or evidence.task is None:
        return None
    name = TASKS[evidence.task].score
    if not {f"train_{name}", f"dev_{name}"} <= best.keys():
        return None
    return 1 - best[f"train_{name}"], 1 - best[f"dev_{name}"]


def _findings(
    evidence: Evidence,
    at: int,
    errors: tuple[float, float] | None,
    target: float | None,
) -> Iterable[Finding]:
    trial, curve = evidence.trials[at], evidence.curves[at]
    # Who was cut short was not given the epochs in which its errors would have come down.
    if errors is not None and target is not None and trial.outcome not in CUT_SHORT:
        train, dev = errors
        if train - target > max(THRESHOLDS.bias, _unsure(evidence, train)):
            yield "avoidable bias"
        if dev > _variance_from(evidence, errors):
            yield "variance"
    if trial.outcome is Outcome.DIVERGED:
        yield "diverged"
        return
    # In a population the curve of a copy is that of two nets or more, one after the other.
    if len(curve["epoch"]) < THRESHOLDS.fewest_epochs or trial.copies:
        return
    objective = curve[evidence.objective.metric]
    losses = objective if evidence.objective.mode == "min" else -objective
    if trial.outcome is Outcome.COMPLETED:
        yield from _shape(losses)
    if "train_loss" in curve and _is_unstable(curve["train_loss"]):
        yield "unstable"


def _shape(losses: Array) -> Iterable[Finding]:
    """What the objective's curve of a whole training says; losses are better when lower."""
    epochs, best = len(losses), int(np.argmin(losses)) + 1
    gained = losses[0] - losses.min()
    before = losses[: epochs - max(1, epochs // 5)].min()
    is_late = best > (1 - THRESHOLDS.late_share) * epochs
    if is_late and gained > 0 and (before - losses.min()) / gained > THRESHOLDS.late_gain:
        yield "still improving"
    elif best <= THRESHOLDS.early_share * epochs:
        yield "saturated early"


def _is_unstable(losses: Array) -> bool:
    rises = float(np.maximum(np.diff(losses), 0).sum())
    spread = float(losses.max() - losses.min())
    least = max(THRESHOLDS.rise * spread, THRESHOLDS.material * float(np.median(losses)))
    return rises > least


def _unsure(evidence: Evidence, train: float) -> float:
    """Return how far the target may lie below a training error by chance; 0 if it was given.

    The lowest of k dev errors is low by chance, too: were all nets as good as this one, one of them
    would lie so far off in 1 of 20 sweeps (Bonferroni).
    """
    if evidence.file.objective.target_error is not None:
        return 0.0
    trials = sum(trial.best is not None for trial in evidence.trials)
    return _reach_of_noise(evidence, (train, train), 1 - _LEVEL / trials)


def _variance_from(evidence: Evidence, errors: tuple[float, float]) -> float:
    """Return the dev error that chance stays below with a gap of at most `THRESHOLDS.variance`.

    Errors of numbers, 1 - R2, are judged by their ratio: on few rows R2 itself strays farther down
    than up. The standard error of ln(1 - R2) is 2 R / sqrt(n), by the delta method from `_of_r2`.
    """
    assert evidence.task is not None, "errors were read by its task"
    held = errors[0] + THRESHOLDS.variance
    if evidence.independent or METRICS[TASKS[evidence.task].score].is_share:
        sure = NormalDist().cdf(THRESHOLDS.standard_errors)
        return held + _reach_of_noise(evidence, errors, sure)
    rows = (evidence.train_rows or math.inf, evidence.dev_rows)
    noise = 2 * math.sqrt(_of_some_size(1 - held)) * math.hypot(*(n**-0.5 for n in rows))
    return held * math.exp(THRESHOLDS.standard_errors * noise)


def _reach_of_noise(evidence: Evidence, errors: tuple[float, float], sure: float) -> float:
    """Return what chance alone keeps the gap of a training and a dev error below, so surely.

    Where rows were cut by groups, these are what was drawn: the standard error is that of so many
    independent rows as the groups come to, taken of both errors together, as without a gap both
    are one; of so few that Student's t says how far it may itself be off.
    """
    train_rows = evidence.train_rows or math.inf  # with folds nets differ in it: no noise
    if not evidence.independent:
        rows = (train_rows, evidence.dev_rows)
        return NormalDist().inv_cdf(sure) * _noise(evidence, errors, rows)
    from scipy.stats import t

    train, dev = min(evidence.independent["train"], train_rows), evidence.independent["dev"]
    if dev <= _FEWEST_GROUPS:
        return math.inf
    share = dev / (train + dev)
    both = (1 - share) * errors[0] + share * errors[1]
    if evidence.train_rows is None:
        train, both = math.inf, errors[1]
    noise = _noise(evidence, (both, both), (train, dev))
    return float(t.ppf(sure, dev - 1)) * noise


def _noise(evidence: Evidence, errors: tuple[float, float], rows: tuple[float, float]) -> float:
    """Return the standard error of the gap between a training and a dev error on so many rows."""
    assert evidence.task is not None, "errors were read by its task"
    score = TASKS[evidence.task].score
    if METRICS[score].is_share:
        return math.hypot(*(_of_share(error, n) for error, n in zip(errors, rows, strict=True)))
    return math.hypot(*(_of_r2(1 - error, n) for error, n in zip(errors, rows, strict=True)))


def _of_share(share: float, rows: float) -> float:
    """Return the standard error of a share of so many rows (binomial)."""
    return math.sqrt(share * (1 - share) / rows) if 0 < share < 1 else 0.0


def _of_r2(r2: float, rows: float) -> float:
    """Return the standard error of R2 on so many rows: 2 R (1 - R2) / sqrt(n).

    Olkin and Finn, Correlations redux (Psychological Bulletin 1995). Near 0 it would come to
    nothing, although a small R2 is as unsure: below 0.2 it is taken at 0.2.
    """
    size = _of_some_size(r2)
    return 2 * math.sqrt(size) * (1 - size) / math.sqrt(rows)


def _of_some_size(r2: float) -> float:
    return min(max(r2, 0.2), 1.0)

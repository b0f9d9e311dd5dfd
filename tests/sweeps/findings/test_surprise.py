"""Sentences about the final that hold as often as they say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, norm

from sweeps.findings.wording import MeasuredOn, surprise_sentence
from sweeps.models.scoring.intervals import bootstrap_interval, rows_of_units, share_interval
from sweeps.record.final import Candidate, FinalChoice, FinalModel, Interval, Opening


def choice(mean: float | None, metric: str = "dev_accuracy", mode: str = "max") -> FinalChoice:
    winner = Candidate(0, "a", 0.9, (), 0, mean, 0.01, 0.0, 1.0)
    model = FinalModel("refit", "", 3, "w", "p", "0")
    return FinalChoice(metric, mode, 3, (winner,), None, None, model, 0.0)


def opening(rows: int, **metrics: Interval) -> list[Opening]:
    return [Opening(0.0, 0, "a", "0", rows, metrics)]


R2 = Interval(0.28, 0.14, 0.39)
LOSS = Interval(0.5, 0.4, 0.6)


@pytest.mark.parametrize(
    ("made", "metrics", "word"),
    [
        (choice(0.46, "dev_r2"), {"test_r2": R2}, "worse"),
        (choice(0.05, "dev_r2"), {"test_r2": R2}, "better"),
        (choice(0.2, "dev_loss", "min"), {"test_loss": LOSS}, "worse"),
        (choice(0.9, "dev_loss", "min"), {"test_loss": LOSS}, "better"),
    ],
)
def test_test_rows_outside_of_what_was_promised_are_said(
    made: FinalChoice, metrics: dict[str, Interval], word: str
) -> None:
    text = surprise_sentence(made, opening(89, **metrics), MeasuredOn(200, 1))
    assert text.startswith(f"The 89 test rows are {word} than the search suggested")


@pytest.mark.parametrize(
    ("mean", "metrics"),
    [
        (0.4, {"test_r2": R2}),  # outside of the interval, and within what dev rows add
        (None, {"test_r2": R2}),
        (0.46, {"test_r2": Interval(0.28, None, None, "too few")}),
        (0.46, {}),
    ],
)
def test_nothing_is_said_within_chance_or_without_an_interval(
    mean: float | None, metrics: dict[str, Any]
) -> None:
    assert (
        surprise_sentence(choice(mean, "dev_r2"), opening(89, **metrics), MeasuredOn(89, 1)) == ""
    )
    assert surprise_sentence(choice(mean, "dev_r2"), [], MeasuredOn(89, 1)) == ""


def test_few_dev_groups_move_a_promise_more_than_their_rows_say() -> None:
    made, figures = choice(0.43, "dev_r2"), opening(89, test_r2=R2)
    assert surprise_sentence(made, figures, MeasuredOn(400, 1))
    assert surprise_sentence(made, figures, MeasuredOn(400, 1, test_to_dev=1.0)) == ""


@pytest.mark.parametrize(("dev", "test"), [(100, 100), (30, 200)])
def test_dev_and_test_rows_of_one_kind_seldom_surprise(dev: int, test: int) -> None:
    random = np.random.default_rng(0)

    def surprises() -> bool:
        hits = int(random.binomial(test, 0.85))
        one = Interval(hits / test, *share_interval(hits, test))
        made = choice(random.binomial(dev, 0.85) / dev)
        return bool(surprise_sentence(made, opening(test, test_accuracy=one), MeasuredOn(dev, 1)))

    assert sum(surprises() for _ in range(400)) <= binom.ppf(0.999, 400, 0.05)


@pytest.mark.parametrize(("dev", "test", "seeds"), [(60, 30, 3), (30, 60, 2)])
def test_seeds_and_rows_of_one_kind_seldom_surprise(dev: int, test: int, seeds: int) -> None:
    random = np.random.default_rng(0)

    def surprises() -> bool:
        nets = 0.15 * random.standard_normal((seeds + 1, 1))
        values = ((random.standard_normal(dev) + nets[:-1]) ** 2).mean(axis=1)
        losses = (random.standard_normal(test) + nets[-1]) ** 2
        [(low, high)] = bootstrap_interval(
            lambda rows: np.array([losses[rows].mean()]), rows_of_units(None, test), random
        )
        error = float(values.std(ddof=1)) / seeds**0.5
        winner = Candidate(0, "a", 1.0, tuple(values), 0, values.mean(), error, 0.0, 1.0)
        made = replace(choice(0.0, "dev_loss", "min"), candidates=(winner,))
        one = Interval(float(losses.mean()), low, high)
        return bool(surprise_sentence(made, opening(test, test_loss=one), MeasuredOn(dev, 1)))

    assert sum(surprises() for _ in range(100)) <= binom.ppf(0.999, 100, 0.05)


def test_nothing_is_said_of_fewer_than_30_test_rows() -> None:
    made = choice(0.9, "dev_loss", "min")
    assert surprise_sentence(made, opening(29, test_loss=LOSS), MeasuredOn(200, 1)) == ""
    assert surprise_sentence(made, opening(30, test_loss=LOSS), MeasuredOn(200, 1))


@pytest.mark.parametrize(("rows", "trials", "alike"), [(40, 60, 0.5), (100, 100, 0.9)])
def test_the_luck_of_the_best_of_many_trials_seldom_surprises(
    rows: int, trials: int, alike: float
) -> None:
    random = np.random.default_rng(0)

    def hits() -> Any:
        """Of equal trials that err alike on a part of what makes a row hard."""
        common, own = random.normal(size=rows), random.normal(size=(trials, rows))
        return (alike**0.5 * common + (1 - alike) ** 0.5 * own < norm.ppf(0.85)).sum(axis=1)

    def surprises() -> bool:
        dev, test = hits(), hits()
        best = int(dev.argmax())
        one = Interval(test[best] / rows, *share_interval(int(test[best]), rows))
        made = choice(dev[best] / rows)
        return bool(
            surprise_sentence(made, opening(rows, test_accuracy=one), MeasuredOn(rows, trials))
        )

    assert sum(surprises() for _ in range(300)) <= binom.ppf(0.999, 300, 0.05)


def test_how_many_trials_were_compared_is_said_where_rows_are_worse_than_promised() -> None:
    made = choice(0.95)
    figures = Interval(0.6, *share_interval(60, 100))
    text = surprise_sentence(made, opening(100, test_accuracy=figures), MeasuredOn(100, 50))
    assert "Rows, seeds, and its being the best of 50 on these dev rows, alone cause" in text

"""What people read of a sweep's results: one sentence each, for terminal, report and MLflow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

from sweeps.findings.chances import how_often, prediction_reach
from sweeps.findings.choosing import Choosing
from sweeps.findings.measurement import (
    dev_rows,
    estimate_words,
    folds,
    format_metric,
    interval_words,
    intervals_hold,
    standard_error,
)
from sweeps.findings.stages import Audited
from sweeps.models.scoring.objective import Objective
from sweeps.record.description import DataDescription
from sweeps.record.final import Candidate, FinalChoice, Opening
from sweeps.record.sweep_record import Outcome, SweepRecord, TrialRecord

__all__ = [
    "MeasuredOn",
    "audit_sentence",
    "choice_sentence",
    "newer_candidates",
    "no_winner_words",
    "noise_sentence",
    "one_error_sentence",
    "searched_sentence",
    "searched_words",
    "sentence_of_test_rows",
    "surprise_sentence",
    "winner_sentence",
    "words_of_test_rows",
]

_MOST_NAMED = 3
# Of fewer rows a bootstrap interval misses too often: rare large losses are not among them.
_FEWEST_TEST_ROWS = 30


@dataclass(frozen=True)
class MeasuredOn:
    """What a sweep's figures were measured on.

    Attributes:
        rows: Those that the search chose on: of dev, or of all folds.
        trials: How many were compared by them.
        test_to_dev: How many independent test rows there are to one of dev, where rows were cut by
            groups; None where each row is one.
        folds: 0 without.
        groups: By part, dev and test, where rows were cut by groups.
    """

    rows: int
    trials: int
    test_to_dev: float | None = None
    folds: int = 0
    groups: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, data: DataDescription, record: SweepRecord) -> MeasuredOn:
        """Return those of a sweep."""
        independent = data.independent
        ratio = independent["test"] / independent["dev"] if independent else None
        return cls(dev_rows(data), len(record.ranked()), ratio, folds(data), data.groups)

    def counted(self, rows: int, part: str) -> str:
        """Return `72 test rows of 6 groups`."""
        groups = self.groups.get(part)
        return counted(rows, f"{part} row") + (f" of {counted(groups, 'group')}" if groups else "")


def counted(number: int, what: str) -> str:
    """Return `1 epoch`, `2 epochs`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def no_winner_words(record: SweepRecord) -> str:
    """Return why there is no winner."""
    rejected = record.outcomes[Outcome.REJECTED]
    if rejected and rejected == record.outcomes.total():
        every = (
            f"all {rejected} trials that ended were" if rejected > 1 else "the one that ended was"
        )
        return f"There is no winner: {every} rejected by `require`."
    if record.outcomes.total():
        return "No trial has a finite objective: there is no winner."
    return "No trial has reported anything yet: there is no winner."


def searched_sentence(record: SweepRecord, on: MeasuredOn) -> str:
    """Return the best value of a search, of how many, and on how many rows."""
    best = record.best
    if best is None:
        return no_winner_words(record)
    return f"Best of the search: {searched_words(record, best, on)}"


def searched_words(record: SweepRecord, best: TrialRecord, on: MeasuredOn, digits: int = 4) -> str:
    """Return the best trial's value with its epoch, of how many it is the best, and its rows."""
    metric = record.objective.metric
    measured = [on.counted(on.rows, "dev")] if on.rows else []
    if standard_error(best.best, metric) is not None:
        measured = [f"mean and standard error over {on.folds} folds", *measured]
    rows = f" ({', '.join(measured)})" if measured else ""
    luck = f"; optimistically biased, as the best of {on.trials} trials" if on.trials > 1 else ""
    value = format_metric(best.best, metric, digits)
    return (
        f"trial {best.trial.index}, {metric} = {value} at epoch {best.best_epoch} of "
        f"{best.epochs}{rows}{luck}."
    )


def one_error_sentence(record: SweepRecord) -> str:
    """Return how many others folds cannot tell from the best; empty without folds.

    That is the rule of one standard error (Breiman and others, CART, 1984).
    """
    metric, best = record.objective.metric, record.best
    error = None if best is None else standard_error(best.best, metric)
    if best is None or not error:
        return ""
    top = record.value(best)
    others = [record.value(one) for one in record.ranked() if one is not best]
    near = sum(top is not None and one is not None and abs(one - top) <= error for one in others)
    if not near:
        return f"No other trial is within its standard error over folds, {error:.2g}."
    are = "1 other trial is" if near == 1 else f"{near} other trials are"
    rule = "by the one-standard-error rule, take the simplest of them"
    return f"{are} within its standard error over folds, {error:.2g}: {rule}."


def winner_sentence(choice: FinalChoice) -> str:
    """Return the final's winner with its mean over seeds, how sure that is, and its lead."""
    winner = choice.winner
    text = f"Final winner: trial {winner.trial}"
    if winner.mean is None:
        return f"{text}. {noise_sentence(choice)}"
    n = f"n = {len(winner.values)}"
    if winner.low is not None and winner.high is not None:
        n = f"{interval_words(winner.low, winner.high)}, {n}"
    elif len(winner.values) > 1:
        n = f"no interval, as all seeds gave the same value, {n}"
    seeds = counted(choice.seeds, "fresh seed")
    mean = f"mean {choice.metric} {winner.mean:.4g} over {seeds} ({n})"
    return f"{text}, {mean}. {noise_sentence(choice)}"


def sentence_of_test_rows(choice: FinalChoice, openings: Sequence[Opening], on: MeasuredOn) -> str:
    """Return what the test rows say, with intervals and what these mean; empty for nothing yet."""
    if choice.untested:
        return f"Not tested: {choice.untested}."
    if not openings or not openings[-1].metrics:
        return ""
    metrics = openings[-1].metrics
    figures = ", ".join(f"{name} {estimate_words(one)}" for name, one in metrics.items())
    text = f"On {words_of_test_rows(choice, openings, on)}: {figures}."
    if all(one.low is None for one in metrics.values()):
        return text
    return f"{text} {intervals_hold('groups' if on.groups else 'rows')}"


def choice_sentence(choice: FinalChoice) -> str:
    """Return what candidates had to satisfy, and who no longer did; empty where it is nothing."""
    if not choice.where:
        return ""
    text = f"Chosen by {choice.metric} among trials that satisfy {choice.where}."
    if not choice.left_out:
        return text
    s, names = "" if len(choice.left_out) == 1 else "s", ", ".join(map(str, choice.left_out))
    return (
        f"{text} Trial{s} {names} satisfied it in the search, but not in the mean of the repeats."
    )


def noise_sentence(choice: FinalChoice) -> str:
    """Return whether seeds alone could explain the order of the first two."""
    if len(choice.candidates) < 2:
        return "It was the only candidate."
    second = choice.candidates[1].trial
    if choice.p_value is None:
        return f"Too few repeats of it, or of trial {second}, have a value to test its lead."
    is_clean = all(len({*one.values}) == 1 for one in choice.candidates[:2])
    test = "permutation test" if is_clean else "Welch's t-test"
    seeds = " and ".join(str(len(one.values)) for one in choice.candidates[:2])
    found = "not significant" if choice.within_noise else "significant"
    often = how_often(choice.p_value, "finals")
    return (
        f"Its lead over trial {second} is {found} ({test}, n = {seeds} seeds): equal trials would "
        f"differ this much in {often}."
    )


def words_of_test_rows(choice: FinalChoice, openings: Sequence[Opening], on: MeasuredOn) -> str:
    """Return on what the last figures were measured, and whether anybody had looked before."""
    rows, times = openings[-1].rows, choice.uses(openings)
    what = on.counted(rows, "test") if rows else "its own test data"
    if times == 1:
        return f"{what} that no trial had seen (used once)" if rows else f"{what} (used once)"
    again = "so these figures may be optimistic"
    if not choice.opened_before:
        return f"{what} (used {times} times, {again})"
    names = list(dict.fromkeys(choice.opened_before))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    by = ", ".join(names[:_MOST_NAMED])
    return f"{what} (opened before by {by}{more}, {times} times in all, {again})"


def surprise_sentence(choice: FinalChoice, openings: Sequence[Opening], seen: MeasuredOn) -> str:
    """Return that the test rows differ from what the search promised; empty within chance.

    The promise is the winner's mean over fresh seeds. It is of as many dev rows, so that chance
    moves it, too: the test interval is widened by sqrt(1 + test rows / dev rows), as variances add
    (Schenker and Gentleman, On judging the significance of differences, 2001; independent rows,
    where they come in groups), and by what one more
    seed may differ from the mean of those that there were. The winner is the best of many on these
    dev rows, which makes the promise too good (`_luck_of_the_best`). Nothing is said of fewer than
    30 rows.
    """
    test = openings[-1].metrics.get(choice.test_metric) if openings else None
    promised = choice.winner.mean
    if test is None or test.low is None or test.high is None or promised is None:
        return ""
    if openings[-1].rows < _FEWEST_TEST_ROWS:
        return ""
    is_worse = (promised < test.value) == (choice.mode == "min")
    end = test.low if promised < test.value else test.high
    by_test_rows = abs(end - test.value)
    by_dev_rows = by_test_rows * math.sqrt(
        seen.test_to_dev or openings[-1].rows / max(seen.rows, 1)
    )
    luck, beyond = _luck_of_the_best(seen.trials if is_worse else 1)
    by_rows = math.hypot(by_test_rows, beyond * by_dev_rows)
    reach = luck * by_dev_rows + math.hypot(by_rows, _reach_of_a_seed(choice.winner))
    if abs(promised - test.value) <= reach:
        return ""
    how = "worse" if is_worse else "better"
    why = "Rows and seeds"
    if is_worse and seen.trials > 1:
        why = f"Rows, seeds, and its being the best of {seen.trials} on these dev rows,"
    tested, chosen_on = seen.counted(openings[-1].rows, "test"), seen.counted(seen.rows, "dev")
    return (
        f"The {tested} are {how} than the search suggested: "
        f"{choice.metric.removeprefix('dev_')} is {estimate_words(test)}, and under fresh seeds it "
        f"was {promised:.4g} on {chosen_on}. {why} alone cause such a gap in fewer "
        f"than 1 of 20 sweeps."
    )


def _luck_of_the_best(trials: int) -> tuple[float, float]:
    """Return what dev rows do to the best of so many equal trials, in halves of a 95 % interval.

    The largest of n independent normal errors lies below z(p^(1/n)) with chance p (order
    statistics; David and Nagaraja 2003, section 2.1). Trials err alike on rows that are hard for
    all, so that theirs is less.

    Returns:
        Its median, and from there to its 97.5 % point: 0 and 1 of a single one.
    """
    normal = NormalDist()
    middle, far = (normal.inv_cdf(p ** (1 / max(trials, 1))) for p in (0.5, 0.975))
    half = normal.inv_cdf(0.975)
    return middle / half, (far - middle) / half


def _reach_of_a_seed(winner: Candidate) -> float:
    """Return how far another seed lies from the winner's mean in 95 of 100 (a prediction interval).

    0 where there were no two seeds to tell.
    """
    number = len(winner.values)
    if number < 2 or winner.standard_error is None:
        return 0.0
    return prediction_reach(winner.standard_error * math.sqrt(number), number)


def newer_candidates(choice: FinalChoice, record: SweepRecord) -> str:
    """Return which of the search's best were not there when the final chose; empty for none."""
    known = {*(one.trial for one in choice.candidates), *choice.left_out}
    by = Choosing(Objective.of({"metric": choice.metric, "mode": choice.mode}), choice.where)
    best = [one.trial.index for one in by.ranked(record)[: len(known)]]
    newer = [str(trial) for trial in best if trial not in known]
    if not newer:
        return ""
    s = "" if len(newer) == 1 else "s"
    return (
        f"The search has since found trial{s} {', '.join(newer)}, which the final did not consider."
    )


def audit_sentence(audited: Sequence[Audited]) -> str:
    """Return how often pruning was wrong, by pruned trials that were trained to their end."""
    wrong = sum(one.would_win for one in audited)
    return (
        f"Audit: of {len(audited)} pruned trials that were trained to their end, {wrong} would "
        f"have beaten the best of the search."
    )

"""What people read of a sweep's results: one sentence each, for terminal, report and MLflow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from sweeps.models.scoring.objective import Objective
from sweeps.record.chances import how_often, prediction_reach
from sweeps.record.choosing import Choosing
from sweeps.record.description import DataDescription
from sweeps.record.final import Candidate, FinalChoice, Opening
from sweeps.record.measurement import dev_rows
from sweeps.record.stages import Audited
from sweeps.record.sweep_record import Outcome, SweepRecord

__all__ = [
    "DevRows",
    "audit_sentence",
    "choice_sentence",
    "newer_candidates",
    "no_winner_words",
    "noise_sentence",
    "surprise_sentence",
    "words_of_test_rows",
]

_MOST_NAMED = 3
# Of fewer rows a bootstrap interval misses too often: rare large losses are not among them.
_FEWEST_TEST_ROWS = 30


@dataclass(frozen=True)
class DevRows:
    """What the search chose on: so many rows, by which so many trials were compared.

    Attributes:
        test_to_dev: How many independent test rows there are to one of dev, where rows were cut by
            groups; None where each row is one.
    """

    rows: int
    trials: int
    test_to_dev: float | None = None

    @classmethod
    def of(cls, data: DataDescription, trials: int) -> DevRows:
        """Return those of a sweep's data."""
        independent = data.independent
        ratio = independent["test"] / independent["dev"] if independent else None
        return cls(dev_rows(data), trials, ratio)


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


def choice_sentence(choice: FinalChoice) -> str:
    """Return what candidates had to satisfy, and who no longer did; empty where it is nothing."""
    if not choice.where:
        return ""
    text = f"Chosen by {choice.metric} among trials that satisfy {choice.where}."
    if not choice.left_out:
        return text
    s, names = "" if len(choice.left_out) == 1 else "s", ", ".join(map(str, choice.left_out))
    return f"{text} Trial{s} {names} did in the search, and not in the mean of the repeats."


def noise_sentence(choice: FinalChoice) -> str:
    """Return whether seeds alone could explain the order of the first two."""
    if len(choice.candidates) < 2:
        return "It was the only candidate."
    second = choice.candidates[1].trial
    if choice.p_value is None:
        return f"Too few repeats of it, or of trial {second}, have a value to test its lead."
    often = how_often(choice.p_value, "finals")
    is_clean = all(len({*one.values}) == 1 for one in choice.candidates[:2])
    test = "permutation test" if is_clean else "Welch's test"
    seeds = " and ".join(str(len(one.values)) for one in choice.candidates[:2])
    chance = f"equal ones would lie this far apart in {often} ({test}, n = {seeds})"
    if choice.within_noise:
        return f"Its lead over trial {second} is within the noise of seeds: {chance}."
    return f"Its lead over trial {second} is more than the noise of seeds: {chance}."


def words_of_test_rows(choice: FinalChoice, openings: Sequence[Opening]) -> str:
    """Return on what the last figures were measured, and whether anybody had looked before."""
    rows, times = openings[-1].rows, choice.uses(openings)
    what = f"{rows} test rows" if rows else "the own test part"
    if times == 1:
        return f"{what} that no trial had seen (used once)" if rows else f"{what} (used once)"
    again = "so these figures are no longer a first look"
    if not choice.opened_before:
        return f"{what} (used {times} times, {again})"
    names = list(dict.fromkeys(choice.opened_before))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    by = ", ".join(names[:_MOST_NAMED])
    return f"{what} (opened before by {by}{more}, {times} times in all, {again})"


def surprise_sentence(choice: FinalChoice, openings: Sequence[Opening], seen: DevRows) -> str:
    """Return that the test rows differ from what the search promised; empty within chance.

    The promise is the winner's mean over fresh seeds. It is of as many dev rows, so that chance
    moves it, too: the test interval is widened by sqrt(1 + test rows / dev rows), as variances add
    (Schenker and Gentleman, On judging the significance of differences, 2001; independent rows,
    where they come in groups), and by what one more
    seed may differ from the mean of those that there were. The winner is the best of many on these
    dev rows, which makes the promise too good (`_luck_of_the_best`). Nothing is said of fewer than
    30 rows.
    """
    test = openings[-1].metrics.get(choice.metric.replace("dev_", "test_")) if openings else None
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
    why = "Rows and seeds explain"
    if is_worse and seen.trials > 1:
        why = f"Rows, seeds, and that it was the best of {seen.trials} on these dev rows, explain"
    return (
        f"The {openings[-1].rows} test rows are {how} than the search promised, by more than "
        f"chance: {choice.metric.removeprefix('dev_')} is {test.words}, and under fresh seeds it "
        f"was {promised:.4g} on {seen.rows} dev rows. {why} that in fewer than 1 of 20 sweeps."
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
    return f"The search has found trial{s} {', '.join(newer)} since, which the final did not see."


def audit_sentence(audited: Sequence[Audited]) -> str:
    """Return how often pruning was wrong, by pruned trials that were trained to their end."""
    wrong = sum(one.would_win for one in audited)
    return (
        f"Audit: of {len(audited)} pruned trials that were trained to their end, {wrong} would "
        f"have beaten the best of the search."
    )

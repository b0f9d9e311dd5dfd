"""What is said of results claims no more than was tested."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sweeps.definition.planning import PlannedTrial
from sweeps.findings.wording import (
    MeasuredOn,
    noise_sentence,
    searched_sentence,
    sentence_of_test_rows,
    winner_sentence,
)
from sweeps.models.scoring.objective import Objective
from sweeps.record.final import Candidate, FinalChoice, FinalModel, Interval, Opening
from sweeps.record.sweep_record import Outcome, SweepRecord
from sweeps.tracking.mlflow.notes import FinalNote, sweep_note


def candidate(trial: int, *values: float) -> Candidate:
    return Candidate(trial, str(trial), 0.5, values, 0, sum(values) / len(values), None, None, None)


def choice(*candidates: Candidate, p_value: float | None = None) -> FinalChoice:
    model = FinalModel("repeat", "", 3, "w", "p", "0")
    within = None if p_value is None else p_value > 0.05
    return FinalChoice("dev_loss", "min", 2, candidates, p_value, within, model, 0.0)


CASES = {
    "one candidate": (choice(candidate(4, 0.5, 0.6)), "It was the only candidate."),
    "one seed": (
        choice(candidate(4, 0.5), candidate(2, 0.6)),
        "Too few repeats of it, or of trial 2, have a value to test its lead.",
    ),
    "within noise": (
        choice(candidate(4, 0.5, 0.6), candidate(2, 0.6, 0.7), p_value=0.3),
        "Its lead over trial 2 is not significant (Welch's t-test, n = 2 and 2 seeds): equal "
        "trials would differ this much in 30 of 100 finals.",
    ),
    "beyond noise": (
        choice(candidate(4, 0.5, 0.5), candidate(2, 0.6, 0.7), p_value=0.01),
        "Its lead over trial 2 is significant (Welch's t-test, n = 2 and 2 seeds): equal trials "
        "would differ this much in 1 of 100 finals.",
    ),
}


@pytest.mark.parametrize(("made", "sentence"), CASES.values(), ids=CASES)
def test_a_lead_that_was_not_tested_is_not_said_to_be_noise(
    made: FinalChoice, sentence: str
) -> None:
    assert noise_sentence(made) == sentence


@pytest.mark.parametrize(("made", "sentence"), CASES.values(), ids=CASES)
def test_mlflow_shows_the_same_sentence(made: FinalChoice, sentence: str) -> None:
    final = FinalNote(made, [], MeasuredOn(36, 1))
    assert sentence in sweep_note("blobs", searched(dev_loss=0.5), None, final)


def searched(**best: float) -> SweepRecord:
    """A search of one trial, with what its only epoch measured."""
    record = SweepRecord([PlannedTrial(0, "0", 0, {"a": 1})], Objective("dev_loss", "min"))
    record.apply({"event": "report", "t": 1.0, "trial": 0, "epochs": [{"epoch": 1, **best}]})
    return record


def test_outcomes_are_counted_in_words_a_person_reads() -> None:
    record = searched(dev_loss=0.5)
    record.outcomes.update({Outcome.EARLY_STOPPED: 2, Outcome.COMPLETED: 1, Outcome.FAILED: 0})
    record.outcomes[Outcome.STOPPED_BY_HAND] += 1
    assert record.counts == "1 completed, 2 early stopped, 1 stopped by hand"


GROUPED = MeasuredOn(108, 24, folds=4, groups={"dev": 18, "test": 6})
TESTED = [Opening(1.0, 4, "4", "0", 72, {"test_loss": Interval(0.9, 0.8, 1.1)})]


def test_the_best_names_its_rows_its_folds_and_of_how_many_it_is_the_best() -> None:
    assert searched_sentence(searched(dev_loss=0.5), MeasuredOn(36, 24)) == (
        "Best of the search: trial 0, dev_loss = 0.5 at epoch 1 of 1 (36 dev rows); "
        "optimistically biased, as the best of 24 trials."
    )
    assert searched_sentence(searched(dev_loss=0.408, dev_loss_se=0.032), GROUPED) == (
        "Best of the search: trial 0, dev_loss = 0.408 ± 0.032 at epoch 1 of 1 (mean and "
        "standard error over 4 folds, 108 dev rows of 18 groups); optimistically biased, as the "
        "best of 24 trials."
    )
    assert searched_sentence(searched(dev_loss=0.5), MeasuredOn(0, 1)) == (
        "Best of the search: trial 0, dev_loss = 0.5 at epoch 1 of 1."
    )


def test_the_winners_mean_says_how_sure_it_is_and_of_how_many_seeds() -> None:
    sure = replace(candidate(4, 0.5, 0.6), low=0.3, high=0.8)
    words = "trial 4, mean dev_loss 0.55 over 2 fresh seeds (95 % interval 0.3 to 0.8, n = 2). It"
    assert words in winner_sentence(choice(sure))
    agreed = winner_sentence(choice(candidate(4, 0.5, 0.5)))
    assert "over 2 fresh seeds (no interval, as all seeds gave the same value, n = 2)." in agreed
    assert "mean dev_loss 0.5 over 2 fresh seeds (n = 1)." in winner_sentence(
        choice(candidate(4, 0.5))
    )


def test_a_test_figure_says_its_rows_its_groups_and_what_its_interval_means() -> None:
    made = choice(candidate(4, 0.5, 0.6))
    assert sentence_of_test_rows(made, TESTED, GROUPED) == (
        "On 72 test rows of 6 groups that no trial had seen (used once): test_loss 0.9 (95 % "
        "interval 0.8 to 1.1). About 95 % of such intervals contain the value for an unlimited "
        "number of similar groups."
    )
    assert "test rows that no" in sentence_of_test_rows(made, TESTED, MeasuredOn(36, 24))
    few = {"test_loss": Interval(0.9, None, None, "1 error in 36 rows: too few for an interval")}
    said = sentence_of_test_rows(made, [replace(TESTED[0], metrics=few)], GROUPED)
    assert said.endswith("test_loss 0.9 (1 error in 36 rows: too few for an interval).")


def test_a_stage_is_no_search() -> None:
    final = FinalNote(None, [], MeasuredOn(108, 24))
    note = sweep_note("final", searched(dev_loss=0.4), "final", final)
    assert note.startswith("**Best: trial 0, dev_loss = 0.4 at epoch 1 of 1 (108 dev rows)")


def test_mlflow_has_the_first_lines_of_the_report_the_surprise_first() -> None:
    final = FinalNote(choice(candidate(4, 0.5, 0.5)), TESTED, MeasuredOn(108, 24))
    note = sweep_note("blobs", searched(dev_loss=0.4), None, final)
    parts = (
        "**Best of the search: trial 0, dev_loss = 0.4 at epoch 1 of 1 (108 dev rows)",
        "**The 72 test rows are worse than the search suggested",
        "**Final winner: trial 4, mean dev_loss 0.5 over 2 fresh seeds",
        "On 72 test rows that no trial had seen (used once): test_loss 0.9 (95 % interval",
    )
    places = [note.index(part) for part in parts]
    assert places == sorted(places)

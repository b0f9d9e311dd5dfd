"""What is said of results claims no more than was tested."""

from __future__ import annotations

import pytest

from sweeps.definition.planning import PlannedTrial
from sweeps.models.scoring.objective import Objective
from sweeps.record.final import Candidate, FinalChoice, FinalModel
from sweeps.record.sweep_record import SweepRecord
from sweeps.record.wording import noise_sentence
from sweeps.tracking.mlflow.notes import sweep_note


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
        "Its lead over trial 2 is within the noise of seeds: equal ones would lie this far "
        "apart in 30 of 100 finals (Welch's test, n = 2 and 2).",
    ),
    "beyond noise": (
        choice(candidate(4, 0.5, 0.5), candidate(2, 0.6, 0.7), p_value=0.01),
        "Its lead over trial 2 is more than the noise of seeds: equal ones would lie this "
        "far apart in 1 of 100 finals (Welch's test, n = 2 and 2).",
    ),
}


@pytest.mark.parametrize(("made", "sentence"), CASES.values(), ids=CASES)
def test_a_lead_that_was_not_tested_is_not_said_to_be_noise(
    made: FinalChoice, sentence: str
) -> None:
    assert noise_sentence(made) == sentence


@pytest.mark.parametrize(("made", "sentence"), CASES.values(), ids=CASES)
def test_mlflow_shows_the_same_sentence(made: FinalChoice, sentence: str) -> None:
    record = SweepRecord([PlannedTrial(0, "0", 0, {"a": 1})], Objective("dev_loss", "min"))
    row = {"epoch": 1, "dev_loss": 0.5}
    record.apply({"event": "report", "t": 1.0, "trial": 0, "epochs": [row]})
    assert sentence in sweep_note("blobs", record, None, made)

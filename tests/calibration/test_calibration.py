"""Every sentence has a row of docs/truth.md, and says in its simulations what it said there.

The rates are measured by `make calibration`. Here the first simulations of each row are run again,
from the same seeds, and must come to the same, one by one: a rate of few runs would hide twice the
error. Where a change of code turns a share d of the outcomes, it is seen in n simulations with
chance 1 - (1 - d)^n - n d (1 - d)^(n - 1): of the 100 of most rows, d = .05 with .96 and .03 with
.81; of the 30 of a bootstrap, .1 with .82; of the 8 of PED-ANOVA (twice), .2 with .86. A change
that is meant has its rates measured anew. One outcome may differ: other builds of numpy and torch
round otherwise.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from scipy.stats import binom

from sweeps.analysis.diagnosis import RULES
from sweeps.analysis.summary import Analysis
from sweeps.findings import wording
from tests.calibration.claims import CLAIMS, Claim
from tests.calibration.counts import COUNTS
from tests.calibration.measuring import Rate, outcomes, page, read

PAGE = Path(__file__).parents[2] / "docs" / "truth.md"
RECORD = read()
BY_NAME = pytest.mark.parametrize("claim", CLAIMS, ids=lambda one: one.name)
REPLAYED = [claim for claim in CLAIMS if claim.replayed]
SAID = [claim for claim in REPLAYED if claim.true is not None]


def test_every_sentence_that_the_report_can_say_has_a_row() -> None:
    said = {f"analysis:{one.name}" for one in dataclasses.fields(Analysis)}
    said |= {f"diagnosis:{finding}" for finding in RULES}
    said |= {f"wording:{name}" for name in wording.__all__ if name.islower()}
    covered = {name for claim in CLAIMS for name in claim.covers} | {*COUNTS}
    assert said <= covered
    assert {
        name for name in covered if name.partition(":")[0] not in ("test", "final", "plan")
    } <= said


def test_the_page_is_that_of_the_record() -> None:
    assert PAGE.read_text() == page(RECORD)


@BY_NAME
def test_a_sentence_is_no_more_often_wrong_than_it_may_be_or_the_page_says_so(claim: Claim) -> None:
    wrong = RECORD[claim.name].wrong
    is_too_often = wrong.count > binom.ppf(0.999, wrong.runs, claim.nominal)
    assert is_too_often == bool(claim.limit)


@BY_NAME
def test_enough_was_simulated_to_tell_a_rate_from_twice_as_much(claim: Claim) -> None:
    assert RECORD[claim.name].wrong.runs >= 200


@pytest.mark.parametrize("claim", REPLAYED, ids=lambda one: one.name)
def test_a_sentence_is_as_often_wrong_as_it_was_measured(claim: Claim) -> None:
    before = RECORD[claim.name].first_silent
    assert len(before) == claim.replayed
    assert _turned(before, outcomes(claim.silent, range(1, claim.replayed + 1))) <= 1


@pytest.mark.parametrize("claim", SAID, ids=lambda one: one.name)
def test_a_sentence_is_as_often_said_where_it_is_true_as_it_was_measured(claim: Claim) -> None:
    assert claim.true is not None
    before = RECORD[claim.name].first_true
    assert _turned(before, outcomes(claim.true, range(1, claim.replayed + 1))) <= 1


def _turned(before: str, now: str) -> int:
    return sum(one != other for one, other in zip(before, now, strict=True))


def test_a_rate_has_the_error_of_a_share_and_leaves_out_where_nothing_was_said() -> None:
    assert Rate.of("1-" + 99 * "0") == Rate(1, 100)
    assert Rate(25, 100).words == "0.250 ± 0.043"
    assert Rate(0, 99).words == "0.000 ± 0.010"

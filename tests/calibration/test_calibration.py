"""Every sentence has a row of docs/truth.md, and a short form of its simulation holds its level."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from scipy.stats import binom

from sweeps.analysis.diagnosis import RULES
from sweeps.analysis.summary import Analysis
from sweeps.record import wording
from tests.calibration.claims import CLAIMS, COUNTS, Claim
from tests.calibration.measuring import measure, page

PAGE = Path(__file__).parents[2] / "docs" / "truth.md"
QUICK = [claim for claim in CLAIMS if claim.runs >= 300]


def test_every_sentence_that_the_report_can_say_has_a_row() -> None:
    said = {f"analysis:{one.name}" for one in dataclasses.fields(Analysis)}
    said |= {f"diagnosis:{finding}" for finding in RULES}
    said |= {f"wording:{name}" for name in wording.__all__}
    covered = {name for claim in CLAIMS for name in claim.covers} | {*COUNTS}
    assert said <= covered
    assert {name for name in covered if name.partition(":")[0] not in ("test", "final")} <= said


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda one: f"{one.sentence} {one.silent_where}")
def test_the_page_has_the_row(claim: Claim) -> None:
    assert f"| {claim.sentence} | {claim.statistic} | {claim.nominal} " in PAGE.read_text()
    assert f"| {claim.silent_where} | " in PAGE.read_text()


@pytest.mark.parametrize("claim", QUICK, ids=lambda one: f"{one.sentence} {one.silent_where}")
def test_a_sentence_is_no_more_often_wrong_than_it_may_be(claim: Claim) -> None:
    found = measure(dataclasses.replace(claim, true=None), part=0.1)
    assert found.wrong.count <= binom.ppf(0.9999, found.wrong.runs, claim.nominal)
    assert f"({found.wrong.runs})" in page([found])

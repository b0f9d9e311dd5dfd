"""How often a sentence is wrong, and the page that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.calibration.claims import COUNTS, Claim, World

__all__ = ["Measured", "Rate", "measure", "page"]


@dataclass(frozen=True)
class Rate:
    """How often something happened of so many that say."""

    count: int
    runs: int

    @property
    def share(self) -> float:
        """The rate; 0 of none."""
        return self.count / max(self.runs, 1)

    @property
    def words(self) -> str:
        """The rate with its standard error, that of one more case where there was none."""
        share = (self.count + (self.count == 0)) / (self.runs + 1)
        return f"{self.share:.3f} ± {(share * (1 - share) / max(self.runs, 1)) ** 0.5:.3f}"


@dataclass(frozen=True)
class Measured:
    """A claim with its measured rates."""

    claim: Claim
    wrong: Rate
    power: Rate | None


def measure(claim: Claim, part: float = 1.0) -> Measured:
    """Simulate a claim, or a part of its runs."""
    runs = max(5, round(part * claim.runs))
    power = None if claim.true is None else _rate(claim.true, runs)
    return Measured(claim, _rate(claim.silent, runs), power)


def _rate(world: World, runs: int) -> Rate:
    said = [one for one in map(world, range(1, runs + 1)) if one is not None]
    return Rate(sum(said), len(said))


_HEAD = """# How often each sentence is wrong

Written by `make calibration`, which simulates sweeps whose truth is known through the product's
own functions, and trains whole sweeps where the row says so. *Wrong*: said where it should not be,
or an interval that misses the truth, with the standard error of the simulation and the number of
simulations. *Power*: said where it should be, as silence is no cure. The test intervals are counted
where they are given: with fewer than two errors none is.

| sentence | statistic and source | nominal | should be silent | wrong | should be said | power |
| --- | --- | --- | --- | --- | --- | --- |
"""


def page(found: Sequence[Measured]) -> str:
    """Return docs/truth.md."""
    rows = [
        f"| {one.claim.sentence} | {one.claim.statistic} | {one.claim.nominal} "
        f"| {one.claim.silent_where} | {one.wrong.words} ({one.wrong.runs}) "
        f"| {one.claim.true_where} | {'' if one.power is None else one.power.words} |\n"
        for one in found
    ]
    counts = [f"- `{name}`: {what}\n" for name, what in COUNTS.items()]
    tail = "\nThese sentences count what happened and estimate nothing:\n\n"
    return _HEAD + "".join(rows) + tail + "".join(counts)

"""How often a sentence is wrong, the record of it, and the page that says so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.calibration.claims import CLAIMS, Claim, World
from tests.calibration.counts import COUNTS

__all__ = [
    "RECORD",
    "Measured",
    "Rate",
    "measure",
    "measure_at",
    "outcomes",
    "page",
    "read",
    "write",
]

RECORD = Path(__file__).with_name("measured.json")


@dataclass(frozen=True)
class Rate:
    """How often something happened of so many that say."""

    count: int
    runs: int

    @classmethod
    def of(cls, said: str) -> Rate:
        """Count outcomes; a simulation in which nothing was said has none."""
        return cls(said.count("1"), len(said) - said.count("-"))

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
    """A claim's rates, and what came of its first simulations, which a test has again.

    Attributes:
        power: None for an interval.
        first_silent: One of `1` (wrong), `0` (not) and `-` (nothing was said) a simulation.
        first_true: The same where it should be said, `1` being right.
    """

    wrong: Rate
    power: Rate | None
    first_silent: str
    first_true: str


def outcomes(world: World, seeds: Iterable[int]) -> str:
    """Return what comes of a simulation of each seed: `1`, `0`, or `-` where nothing was said."""
    return "".join({True: "1", False: "0", None: "-"}[world(seed)] for seed in seeds)


def measure(claim: Claim, part: float = 1.0) -> Measured:
    """Simulate a claim, or a part of its runs."""
    seeds = range(1, max(5, round(part * claim.runs)) + 1)
    silent = outcomes(claim.silent, seeds)
    true = "" if claim.true is None else outcomes(claim.true, seeds)
    return Measured(
        wrong=Rate.of(silent),
        power=Rate.of(true) if true else None,
        first_silent=silent[: claim.replayed],
        first_true=true[: claim.replayed],
    )


def measure_at(at: int, part: float) -> Measured:
    """Measure a claim by its number: its functions cannot be sent to a process.

    It stands here, as a process that is spawned does not import the `__main__` of a package.
    """
    return measure(CLAIMS[at], part)


def read() -> dict[str, Measured]:
    """Return what was measured, by the claim's name."""
    return {name: _of(one) for name, one in json.loads(RECORD.read_text()).items()}


def _of(one: Mapping[str, Any]) -> Measured:
    power = None if one["power"] is None else Rate(**one["power"])
    return Measured(Rate(**one["wrong"]), power, one["first_silent"], one["first_true"])


def write(found: Mapping[str, Measured], path: Path = RECORD) -> None:
    """Write the record of the claims that there are, in their order."""
    known = {one.name: asdict(found[one.name]) for one in CLAIMS if one.name in found}
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


_HEAD = """# How often each sentence is wrong

Written by `make calibration`, which simulates sweeps whose truth is known through the product's
own functions, and trains whole sweeps where the row says so. *Wrong*: said where it should not be,
or an interval that misses the truth, with the standard error of the simulation and the number of
simulations. *Power*: said where it should be, as silence is no cure. The test intervals are counted
where they are given: with fewer than two errors none is.

| sentence | statistic and source | nominal | should be silent | wrong | should be said | power |
| --- | --- | --- | --- | --- | --- | --- |
"""


def page(found: Mapping[str, Measured]) -> str:
    """Return docs/truth.md."""
    rows = [_row(claim, found[claim.name]) for claim in CLAIMS]
    limits = [f"- {one.sentence}, {one.silent_where}: {one.limit}\n" for one in CLAIMS if one.limit]
    above = "\nWhere a rate is above its nominal one:\n\n"
    counts = [f"- `{name}`: {what}\n" for name, what in COUNTS.items()]
    tail = "\nThese sentences count what happened and estimate nothing:\n\n"
    return "".join([_HEAD, *rows, above, *limits, tail, *counts])


def _row(claim: Claim, one: Measured) -> str:
    return (
        f"| {claim.sentence} | {claim.statistic} | {claim.nominal} "
        f"| {claim.silent_where} | {one.wrong.words} ({one.wrong.runs}) "
        f"| {claim.true_where} | {'' if one.power is None else one.power.words} |\n"
    )

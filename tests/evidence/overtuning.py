"""Is what a search selects better than the default? Schneider, Bischl and Feurer, AutoML 2025."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

import sweeps
from sweeps.findings.results import Results
from tests.evidence.drawing import Chart, Line
from tests.evidence.pages import Finding, mean_and_error, table, with_error
from tests.evidence.trained import Array, Wanted, dev_losses, train, unseen_of

__all__ = ["QUICK", "WHOLE", "incumbents", "overtuning", "relative_overtuning"]


@dataclass(frozen=True)
class Sizes:
    """Data sets with changes to the sweep file, and the seeds of cuts and draws."""

    sources: Mapping[str, tuple[str, ...]]
    cuts: Sequence[int]


WHOLE = Sizes(
    {
        "wine": ("data.split.dev=0.2", "data.split.test=0.5"),
        "breast_cancer": (),
        "diabetes": ("data.split.dev=0.15",),
        "moons": (
            "data.samples=2000",
            "data.noise=0.35",
            "data.split.dev=0.03",
            "data.split.test=0.9",
        ),
    },
    range(1, 9),
)
QUICK = Sizes(
    {"iris": ("search.trials=4", "space.training.epochs=2", "final.top_k=2", "final.seeds=2")},
    (1, 2),
)


@dataclass(frozen=True)
class _Search:
    """One sweep: losses on unseen rows of what could have been taken.

    Attributes:
        default: The baseline's net.
        selected: The net of the best trial on dev rows.
        chosen: The nets of the winner of `final`, on average: one of them is what one would take.
        relative: Relative overtuning of the search, or NaN where the first trial stayed the best.
    """

    default: float
    selected: float
    chosen: float
    relative: float


def overtuning(sizes: Sizes, runs: Path) -> Finding:
    """Run the sweeps with their finals, and measure on unseen rows what they chose."""
    found = {
        source: [_search(source, cut, sizes, runs) for cut in sizes.cuts]
        for source in sizes.sources
    }
    rest = [one for each in found.values() for one in each]
    return Finding(
        title="Overtuning: when the selected trial is worse than the default",
        verdict=_verdict(rest),
        parts=[_worse(found), _gains(found)],
        charts={"gain": _chart(found)},
        seeds=f"Cuts, draws and repeats have the seeds {sizes.cuts[0]} to {sizes.cuts[-1]}.",
    )


def _search(source: str, cut: int, sizes: Sizes, runs: Path) -> _Search:
    here = (f"data.source={source}", *sizes.sources[source], f"data.split.seed={cut}")
    results = train(Wanted("overtuning", f"{source}-{cut}", (*here, f"seed={cut}")), runs)
    dev, unseen = dev_losses(results), unseen_of(results).losses
    return _Search(
        default=float(unseen[0]),
        selected=float(unseen[int(np.argmin(dev))]),
        chosen=_chosen(results),
        relative=relative_overtuning(dev, unseen),
    )


def _chosen(results: Results) -> float:
    """Return the mean loss, on unseen rows, of the repeats of the winner of `final`."""
    assert results.final is not None
    repeats = sweeps.open_run(results.path / "final").record.trials
    own = np.array([one.trial.hash == results.final.winner.hash for one in repeats])
    return float(np.nanmean(unseen_of(results, "final").losses[own]))


def incumbents(dev: Array) -> Array:
    """Return (trials,) which trial was the best on dev rows after each."""
    best = np.minimum.accumulate(dev)
    return np.array([int(np.flatnonzero(dev == one)[0]) for one in best])


def relative_overtuning(dev: Array, unseen: Array) -> float:
    """Return how much of what the search had gained on unseen rows it gave away again.

    The loss of the last incumbent less the least of all incumbents, as a part of what the first
    lost less that least (definition 2 of the paper): above 1, the first trial was better than the
    selected one. NaN where no incumbent was better than the first.
    """
    path = unseen[incumbents(dev)]
    gained = path[0] - path.min()
    lost = path[-1] - path.min()
    if gained > 0:
        return float(lost / gained)
    return float("inf") if lost > 0 else float("nan")


def _worse_than_default(searches: Sequence[_Search], what: str) -> tuple[int, int]:
    return sum(getattr(one, what) > one.default for one in searches), len(searches)


def _share(count: int, total: int) -> str:
    """Return a share with its exact interval (Clopper and Pearson)."""
    found = binomtest(count, total).proportion_ci(method="exact")
    return f"{count / total:.0%} ({found.low:.0%} to {found.high:.0%})"


def _verdict(searches: Sequence[_Search]) -> str:
    count, total = _worse_than_default(searches, "selected")
    found = binomtest(count, total).proportion_ci(method="exact")
    words = "held" if found.low <= 0.1 <= found.high else "did not hold"
    rates = f"{_share(count, total)} of {total} sweeps"
    final = _share(*_worse_than_default(searches, "chosen"))
    mean, error = mean_and_error([np.log(one.chosen / one.selected) for one in searches])
    return (
        f"**The claim {words}** that 1 search in 10 selects what is worse on unseen rows "
        f"than the default: it was so in {rates} (95 % interval). With `final`, which trains the "
        f"best three again under fresh seeds, it was {final}: its choice had {np.exp(mean):.2f} "
        f"times the loss on unseen rows ({np.exp(mean - 2 * error):.2f} to "
        f"{np.exp(mean + 2 * error):.2f})."
    )


def _worse(found: Mapping[str, Sequence[_Search]]) -> str:
    rows = []
    for source, each in found.items():
        relative = np.array([one.relative for one in each])
        total = len(each)
        rows.append([
            source,
            _share(*_worse_than_default(each, "selected")),
            _share(*_worse_than_default(each, "chosen")),
            _share(int((relative > 0).sum()), total),
        ])  # fmt: skip
    head = ["data", "selected worse than the default", "winner of `final` worse", "some overtuning"]
    return "How often, with exact 95 % intervals:\n\n" + table(head, rows)


def _gains(found: Mapping[str, Sequence[_Search]]) -> str:
    rows = []
    for source, each in found.items():
        losses = [
            [getattr(one, what) for one in each] for what in ("default", "selected", "chosen")
        ]
        ratio = np.log(np.array(losses[2]) / np.array(losses[1]))
        rows.append([source, *(with_error(one, 3) for one in losses), with_error(ratio, 3)])
    head = ["data", "default", "selected", "winner of `final`", "log ratio, final to selected"]
    return "Loss on unseen rows (mean and standard error over sweeps):\n\n" + table(head, rows)


def _chart(found: Mapping[str, Sequence[_Search]]) -> Chart:
    """Sorted gains over the default: left of the crossing with 1 the default was better."""
    lines = []
    for what, name in (("selected", "search alone"), ("chosen", "with final")):
        ratios = sorted(getattr(one, what) / one.default for each in found.values() for one in each)
        places = [(at + 0.5) / len(ratios) for at in range(len(ratios))]
        lines.append(Line(name, places, np.minimum(ratios, 2.0).tolist()))
    return Chart(
        title="Loss on unseen rows, in units of the default's (at most 2 is drawn)",
        x_title="share of sweeps",
        y_title="loss / default's",
        lines=lines,
        level=(1.0, "the default"),
    )

"""`make bench`: measures the product against the bare loop, Optuna and stock Ray Tune.

Contestants take turns, so that whatever else the machine does meets all of them; what counts is
the ratio to the floor of the same round. Seconds are not comparable from one machine to another.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tests.benchmarks.cluster_scale import measure_paced, measure_ray_tune, measure_scale
from tests.benchmarks.loaders import measure_loaders
from tests.benchmarks.many_runs import measure_many_runs
from tests.benchmarks.own_code import measure_own_code
from tests.benchmarks.parts import (
    CONTESTANTS,
    Sizes,
    measure_bookkeeping,
    measure_contestant,
    measure_start,
)
from tests.benchmarks.searches import (
    SearchSizes,
    measure_fronts,
    measure_proposals,
    measure_searches,
)
from tests.benchmarks.summary import Rounds, print_summary, summarize

_PARTS = ("a", "b", "c", "d", "e")
# Minutes each: run when asked for.
_LONG_PARTS = ("f", "g", "h", "i", "j", "k", "l")
_QUICK = Sizes(
    trials=4,
    epochs=2,
    ray_tune_trials=2,
    empty_trials=20,
    scale_trials=130,
    paced_trials=32,
    recorded_trials=40,
    searches=SearchSizes(2, 12, 2, 11, 12, (10,)),
)


def main(arguments: Sequence[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    sizes = _QUICK if parsed.quick else Sizes()
    if parsed.trials:
        sizes = replace(sizes, trials=parsed.trials)
    parts, rounds = parsed.only.split(","), 1 if parsed.quick else parsed.rounds
    taken: Rounds = {}
    for name, numbers in _measure(parts, rounds, sizes):
        taken.setdefault(name, []).append(numbers)
        shown = "  ".join(f"{key} {value:.2f}" for key, value in numbers.items())
        print(f"{time.strftime('%H:%M:%S')} {name}: {shown}", flush=True)
    medians = summarize(taken)
    print_summary(medians, rounds, sizes.ray_tune_trials)
    if parsed.out:
        parsed.out.write_text(json.dumps(_answer(sizes, taken, medians), indent=2) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contestant")
    parser.add_argument("--trials", type=int, help="trials of the digits sweep, 64 if not given")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round: does it work")
    parser.add_argument(
        "--only",
        default=",".join(_PARTS),
        metavar="a,d",
        help=f"parts to run, of {', '.join(_PARTS + _LONG_PARTS)}",
    )
    parser.add_argument("--out", type=Path, help="write all numbers as JSON")
    return parser


def _measure(
    parts: Sequence[str], rounds: int, sizes: Sizes
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield measurements as they are taken; b and c bring the floor of a along."""
    contestants = [name for name, part in CONTESTANTS.items() if part in parts]
    if contestants and "floor" not in contestants:
        contestants.insert(0, "floor")
    for _ in range(rounds):
        for name in contestants:
            yield name, measure_contestant(name, sizes)
        if "d" in parts:
            yield "bookkeeping", measure_bookkeeping(sizes)
        if "e" in parts:
            yield "start", measure_start(sizes)
        if "f" in parts:
            yield "scale", measure_scale(sizes.scale_trials)
            yield "scale_ray_tune", measure_ray_tune(sizes.scale_trials // 10)
        if "g" in parts:
            yield "paced", measure_paced(sizes.paced_trials)
        if "h" in parts:
            yield "many_runs", measure_many_runs(sizes.recorded_trials)
        if "i" in parts:
            yield "loaders", measure_loaders(sizes.epochs)
        if "j" in parts:
            yield "own_code", measure_own_code(sizes.epochs)
    # Once: they follow from their seeds, whatever the machine does.
    if "k" in parts:
        yield from measure_searches(sizes.searches)
        yield from measure_fronts(sizes.searches)
    if "l" in parts:
        yield from measure_proposals(sizes.searches)


def _answer(sizes: Sizes, taken: Rounds, medians: Any) -> dict[str, Any]:
    return {
        "sizes": asdict(sizes),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "medians": medians,
        "rounds": taken,
    }


if __name__ == "__main__":
    raise SystemExit(main())

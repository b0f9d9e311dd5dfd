"""`make evidence STUDY=name`: tries a claim out, and writes docs/evidence/<name>.md."""

from __future__ import annotations

import argparse
import resource
from collections.abc import Sequence
from pathlib import Path

from tests.evidence.pages import duration, write
from tests.evidence.studies import STUDIES
from tests.evidence.trained import DOCS

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make evidence STUDY=...", description=__doc__)
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"of {', '.join(STUDIES)}")
    parser.add_argument("--runs", type=Path, default=Path("runs/evidence"), help="what was trained")
    parser.add_argument("--out", type=Path, default=DOCS, help="where the page goes")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run")
    asked = parser.parse_args(arguments)
    unknown = sorted({*asked.studies} - {*STUDIES})
    if unknown:
        parser.error(f"STUDY must be of {', '.join(STUDIES)}, got {', '.join(unknown)}")
    for name in asked.studies or STUDIES:
        is_new, start = not any(asked.runs.glob(f"{name}/*")), _cpu_s()
        study = STUDIES[name]
        found = (study.quick if asked.quick else study.whole)(asked.runs)
        took = duration(_cpu_s() - start, is_new)
        write(name, found, asked.out, took)
        print(f"{name}: {took}", flush=True)


def _cpu_s() -> float:
    """Return seconds of the CPU, which other work on the machine does not change.

    Of this process and of those that it has waited for: own code is tried in one of its own.
    """
    of = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in of)


if __name__ == "__main__":
    main()

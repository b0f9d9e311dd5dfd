"""`make evidence STUDY=name`: tries a claim out, and writes docs/evidence/<name>.md."""

from __future__ import annotations

import argparse
import time
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
        is_new, start = not any(asked.runs.glob(f"{name}/*")), time.process_time()
        study = STUDIES[name]
        found = (study.quick if asked.quick else study.whole)(asked.runs)
        took = duration(time.process_time() - start, is_new)
        write(name, found, asked.out, took)
        print(f"{name}: {took}", flush=True)


if __name__ == "__main__":
    main()

"""`make calibration`: measures every sentence of the report, and writes docs/truth.md."""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.calibration.claims import CLAIMS
from tests.calibration.measuring import RECORD, measure_at, page, read, write

parser = argparse.ArgumentParser(prog="make calibration ARGS=...")
parser.add_argument("--part", type=float, default=1.0, help="of the simulations, for a quick look")
parser.add_argument("--only", default="", help="rows whose name has these words; the rest stays")
parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
parser.add_argument("--out", type=Path, default=Path("docs/truth.md"))


def main() -> None:
    asked = parser.parse_args()
    found = read() if RECORD.exists() else {}
    wanted = [at for at, claim in enumerate(CLAIMS) if asked.only in claim.name]
    # Threads of torch do not live through a fork.
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        for at, one in zip(
            wanted, pool.map(measure_at, wanted, [asked.part] * len(wanted)), strict=True
        ):
            claim = CLAIMS[at]
            found[claim.name] = one
            said = "" if one.power is None else f", power {one.power.words}"
            print(f"{claim.name}: wrong {one.wrong.words} of {claim.nominal}{said}", flush=True)
            write(found)
    asked.out.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()

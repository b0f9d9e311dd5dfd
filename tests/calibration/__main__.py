"""`make calibration`: measures every sentence of the report, and writes docs/truth.md."""

import argparse
from pathlib import Path

from tests.calibration.claims import CLAIMS
from tests.calibration.measuring import measure, page

parser = argparse.ArgumentParser(prog="make calibration ARGS=...")
parser.add_argument("--part", type=float, default=1.0, help="of the simulations, for a quick look")
parser.add_argument("--out", type=Path, default=Path("docs/truth.md"))
arguments = parser.parse_args()
found = []
for claim in CLAIMS:
    found.append(measure(claim, arguments.part))
    power = found[-1].power
    said = "" if power is None else f", power {power.words}"
    place = f"{claim.sentence} [{claim.silent_where}]"
    print(f"{place}: wrong {found[-1].wrong.words} of {claim.nominal}{said}", flush=True)
arguments.out.write_text(page(found))

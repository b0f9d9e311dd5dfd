"""What is made of a sweep once it is over: its report, and a diagnosis of each trial."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from sweeps.analysis.diagnosis import diagnose
from sweeps.analysis.evidence import gather
from sweeps.record.reading import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.report.report import write_report
from sweeps.tracking.follower import Conclusion

__all__ = ["conclude"]


def conclude(folder: RunFolder) -> Conclusion:
    """Write the report of a sweep, and return it with what is to be said of its trials.

    A report that cannot be drawn costs no sweep: what kept it is written to standard error.

    Raises:
        RunFolderError: The folder was damaged.
    """
    found = diagnose(gather(folder, read_record(folder)))
    return Conclusion(_report(folder), {one.trial: one.words for one in found})


def _report(folder: RunFolder) -> Path | None:
    try:
        return write_report(folder)
    except Exception:
        print("the report could not be drawn:", file=sys.stderr)
        traceback.print_exc()
        return None

"""What is made of a sweep once it is over: its report, and a diagnosis of each trial."""

from __future__ import annotations

from sweeps.analysis.diagnosis import diagnose
from sweeps.analysis.evidence import gather
from sweeps.record.reading import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.report.report import write_report
from sweeps.tracking.follower import Conclusion

__all__ = ["conclude"]


def conclude(folder: RunFolder) -> Conclusion:
    """Write the report of a sweep, and return it with what is to be said of its trials.

    Raises:
        RunFolderError: The folder was damaged.
        StorageError: The report cannot be written.
    """
    found = diagnose(gather(folder, read_record(folder)))
    return Conclusion(write_report(folder), {one.trial: one.words for one in found})

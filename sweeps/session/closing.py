"""What is made of a sweep once it is over: its report, and a diagnosis of each trial.

Both are imported when they are wanted: a tracker that starts has trials to record.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.errors import SweepError, require_extra
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from sweeps.tracking.follower import Closing

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["CLOSING", "draw_figures", "draw_report"]


def draw_report(folder: RunFolder) -> Path | None:
    """Write the report of a sweep; returns its file.

    A report that cannot be drawn costs no sweep: one line on standard error says what kept it, and
    `report` has the traceback. An older one is deleted then, as it would be taken for that of all
    that is there now.
    """
    try:
        require_extra("report", "a report")
        from sweeps.report.report import write_report

        return write_report(folder)
    except Exception as err:
        with suppress(OSError):  # what kept the new one keeps the old one
            (folder.path / "report.html").unlink(missing_ok=True)
        why = err if isinstance(err, SweepError) else repr(err)
        print(f"the report could not be drawn: {why}", file=sys.stderr)
        return None


def draw_figures(folder: RunFolder) -> dict[str, go.Figure]:
    """Return the figures of a sweep's report, by their titles."""
    require_extra("report", "a figure")
    from sweeps.report.report import report_sections

    panels = [panel for section in report_sections(folder) for panel in section.panels]
    return {panel.title: panel.figure for panel in panels if panel.figure is not None}


def _diagnoses(folder: RunFolder) -> dict[int, str]:
    from sweeps.analysis.diagnosis import diagnose
    from sweeps.analysis.evidence import gather

    return {one.trial: one.words for one in diagnose(gather(folder, read_record(folder)))}


CLOSING = Closing(_diagnoses, draw_report)

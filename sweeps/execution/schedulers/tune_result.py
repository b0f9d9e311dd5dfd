"""What a scheduler sees of a report."""

from __future__ import annotations

import json
import math
from typing import Any

from sweeps.execution.schedulers.rungs import OBJECTIVE, TIME_ATTR
from sweeps.record.trial_report import Report

__all__ = ["tune_result"]


def tune_result(report: Report, metric: str) -> dict[str, Any]:
    """Return the result that a scheduler sees: epoch, objective, and the report as one string.

    One string, since Tune copies and flattens every result several times.
    """
    last = report.rows[-1] if report.rows else {}
    return {
        TIME_ATTR: int(last.get("epoch", 0)),
        OBJECTIVE: last.get(metric, math.nan),
        "report": json.dumps(report.to_json()),
    }

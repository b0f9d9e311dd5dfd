"""What is left of a sweep that was broken, beside one of the same file that was not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sweeps.findings.results import Results

__all__ = ["leftovers", "lost_trials", "other_values", "repeated_epochs", "tracking_faults"]

# Of trials: the sweep's own run gets its summary again after each command.
_TWICE = """
select 1 from metrics join runs using (run_uuid)
join tags on tags.run_uuid = metrics.run_uuid and tags.key = 'sweeps.trial'
where lifecycle_stage = 'active'
group by metrics.run_uuid, metrics.key, step having count(*) > 1
"""
_OPEN = "select 1 from runs where status = 'RUNNING' and lifecycle_stage = 'active'"
# Trials of the search alone: stages are sweeps of their own.
_POINTS = """
select trial.value, metrics.step, metrics.value from metrics join runs using (run_uuid)
join tags as trial on trial.run_uuid = metrics.run_uuid and trial.key = 'sweeps.trial'
join tags as sweep on sweep.run_uuid = metrics.run_uuid and sweep.key = 'sweeps.sweep'
where metrics.key = 'dev/loss' and lifecycle_stage = 'active' and sweep.value = ?
"""


def lost_trials(whole: Results, broken: Results) -> int:
    return sum(
        mine.outcome is not None and other.outcome is None
        for mine, other in zip(whole.record.trials, broken.record.trials, strict=True)
    )


def repeated_epochs(results: Results) -> int:
    """Return how many epochs stand twice, or are missing before the last."""
    groups: Any = results.epochs().groupby("trial")["epoch"]
    return sum(int(abs(len(one) - one.max()) + len(one) - one.nunique()) for _, one in groups)


def other_values(whole: Results, broken: Results, is_exact: bool) -> int:
    mine, other = _rows(whole), _rows(broken)
    differing: int = sum(mine[key] != other[key] for key in mine.keys() & other.keys())
    if not is_exact:
        return differing
    differing += len(mine.keys() ^ other.keys())
    return differing + int(_ends(whole) != _ends(broken))


def _rows(results: Results) -> dict[tuple[int, int], str]:
    frame = results.epochs().drop(columns="epoch_s")
    return {(row["trial"], row["epoch"]): repr(row) for row in frame.to_dict("records")}


def _ends(results: Results) -> Any:
    best, final = results.record.best, results.final
    repeats = [] if final is None else [(one.trial, one.values) for one in final.candidates]
    outcomes = [(str(one.outcome), one.trial.configuration) for one in results.record.trials]
    return outcomes, best and best.trial.index, repeats, final and final.winner.trial


def tracking_faults(results: Results) -> int:
    """Return how many points MLflow has too few, too many or other than the disk."""
    with closing(sqlite3.connect(results.path.parent / "mlflow.db")) as connection, connection:
        faults: int = sum(len(connection.execute(query).fetchall()) for query in (_TWICE, _OPEN))
        sweep = results.folder.read_description().id
        tracked = set(connection.execute(_POINTS, (sweep,)).fetchall())
    frame: Any = results.epochs()
    mine = set(zip(map(str, frame["trial"]), frame["epoch"], frame["dev_loss"], strict=True))
    return int(faults + len(mine ^ tracked))


def leftovers(run: Path) -> list[str]:
    """Return files in a run folder that only a process which died can have left."""
    return [str(one.relative_to(run)) for one in run.rglob("*") if one.suffix in (".tmp", ".late")]

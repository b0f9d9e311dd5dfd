"""What sweep.json says of a sweep that begins."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

from sweeps.definition.split_identity import split_digest
from sweeps.definition.sweep import Sweep
from sweeps.models.data.configuration import NO_DATA
from sweeps.models.splits.data_checks import DataSummary

__all__ = ["COMMIT", "description_of", "git_commit"]

# Where a job finds the commit of the checkout that it was sent from.
COMMIT = "SWEEPS_GIT_COMMIT"


def description_of(sweep: Sweep) -> dict[str, Any]:
    """Return what sweep.json says of a sweep, but for its plan and where its file is."""
    return {
        "id": uuid.uuid4().hex,
        "created_at": round(time.time(), 3),
        "base_dir": str(sweep.base_dir),
        "module_folders": [str(path) for path in sweep.module_folders()[1:]],
        "overrides": list(sweep.overrides),
        "git_commit": git_commit(sweep.base_dir),
        "goal": sweep.objective.goal,
        "data": _no_data() if sweep.summary is None else _data(sweep),
        "sweep": sweep.file.model_dump(mode="json"),
    }


def _no_data() -> dict[str, Any]:
    return {"source": NO_DATA, "digest": "", "task": None, "split": {}, "splits": []}


def _data(sweep: Sweep) -> dict[str, Any]:
    splits = [
        {
            "name": name,
            "rows": rows,
            "digest": split_digest(sweep.file, sweep.data.digest, sweep.data.cut, name),
        }
        for name, rows in _split_rows(sweep.data).items()
    ]
    return {
        "source": sweep.file.data.source,
        "digest": sweep.data.digest,
        "task": sweep.data.task,
        "class_names": list(sweep.data.class_names),
        "target_names": list(sweep.data.columns.targets),
        "split": sweep.file.data.split.model_dump(),
        "cut": sweep.data.cut,
        "notes": list(sweep.data.notes),
        "splits": splits,
        **({"independent": sweep.data.independent} if sweep.data.independent else {}),
        **({"groups": sweep.data.groups} if sweep.data.groups else {}),
    }


def _split_rows(data: DataSummary) -> dict[str, int]:
    """Return how many rows each split has; folds are named by their dev rows, so each row once."""
    if data.fold_rows:
        folds = {f"fold{number}": rows for number, rows in enumerate(data.fold_rows, start=1)}
        return {**folds, "test": data.test_rows}
    return {"train": data.train_rows, "dev": data.dev_rows, "test": data.test_rows}


def git_commit(folder: Path) -> str | None:
    """Return the commit of the checkout that a folder is in; None where it is in none.

    Files that were shipped to a cluster are in none there: whoever shipped them says which.
    """
    if shipped := os.environ.get(COMMIT):
        return shipped
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

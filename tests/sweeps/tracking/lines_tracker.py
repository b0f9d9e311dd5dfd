"""A second tracker, as small as one can be: a file of JSON lines for each sweep and stage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sweeps.record.run_folder import RunFolder
from sweeps.record.sweep_record import SweepRecord, TrialRecord
from sweeps.tracking.tracker import Rows

__all__ = ["LinesTracker"]


class LinesTracker:
    """Appends what a sweep's file does not have yet; its whole content is the set of its lines."""

    def __init__(self, folder: RunFolder, uri: str, inside: str | None) -> None:
        self.parent_id = folder.read_description().id
        self._file = Path(uri) / f"{self.parent_id}.jsonl"
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.touch()
        self._lines = set(self._file.read_text().splitlines())
        self._add(run=self.parent_id, inside=inside)

    def record_trials(
        self, trials: Sequence[TrialRecord], rows: Mapping[int, Rows], is_over: bool
    ) -> Iterator[int]:
        for trial in trials:
            index = trial.trial.index
            for row in rows.get(index, []):
                self._add(trial=index, epoch=row["epoch"], dev_loss=row["dev_loss"])
            if trial.outcome is not None or is_over:
                self._add(trial=index, outcome=str(trial.outcome or "unfinished"))
            yield index

    def record_sweep(self, record: SweepRecord, is_over: bool) -> None:
        if is_over:
            self._add(ended=len([one for one in record.trials if one.outcome is not None]))

    def record_model(self, record: SweepRecord) -> None:
        if record.best is not None:
            self._add(model=record.best.trial.index)

    def note_diagnoses(self, diagnoses: Mapping[int, str]) -> None:
        for trial, words in diagnoses.items():
            self._add(trial=trial, diagnosis=words)

    def log_file(self, path: Path) -> None:
        self._add(file=path.name)

    def _add(self, **what: Any) -> None:
        line = json.dumps(what)
        if line in self._lines:
            return
        with self._file.open("a") as file:
            file.write(line + "\n")
        self._lines.add(line)

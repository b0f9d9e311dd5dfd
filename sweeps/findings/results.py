"""The results of a sweep, read from its ledger: tables for people and programs.

trials.jsonl, epochs.parquet and winner.json are written from the ledger alone, so they can be
made again at any time.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from sweeps.definition.configurations import flatten, varied_keys
from sweeps.findings.measurement import standard_error
from sweeps.findings.pareto import front_trials
from sweeps.findings.stages import Audited, is_over, read_audit, why_no_winner
from sweeps.models.scoring.objective import SIZES
from sweeps.record.final import FinalChoice, Opening, read_final, read_openings
from sweeps.record.kept_weights import best_weights
from sweeps.record.ledger import read_events, to_line
from sweeps.record.net_files import lost_net_words
from sweeps.record.run_folder import RunFolder, write_atomically
from sweeps.record.sweep_record import SweepRecord, TrialRecord

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

__all__ = [
    "Results",
    "epoch_rows",
    "restore_results",
    "trial_line",
    "write_results",
    "write_winner",
]

# Draws the figures of a run folder's report, by their titles.
Draw: TypeAlias = "Callable[[RunFolder], dict[str, go.Figure]]"
# Trials that a notebook shows; `trials()` has all.
_MOST_SHOWN = 10
_TRIALS, _EPOCHS, _WINNER = "trials.jsonl", "epochs.parquet", "winner.json"


def epoch_rows(folder: RunFolder) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield (trial, row) for each recorded epoch, in the order of the ledger."""
    for event in read_events(folder.ledger):
        if event["event"] == "report":
            for row in event["epochs"]:
                yield event["trial"], row


def trial_line(record: SweepRecord, trial: TrialRecord) -> dict[str, Any]:
    """Return all that is known of one trial but its curves, as plain values."""
    return {
        "trial": trial.trial.index,
        "hash": trial.trial.hash,
        "seed": trial.trial.seed,
        "outcome": None if trial.outcome is None else str(trial.outcome),
        "reason": trial.reason,
        "best_epoch": trial.best_epoch,
        "best": trial.best,
        "epochs": trial.epochs,
        "train_s": round(trial.train_s, 6),
        "started_at": trial.started_at,
        "ended_at": trial.ended_at,
        "failures": trial.failures,
        "configuration": trial.trial.configuration,
        **({"sizes": dict(trial.sizes)} if trial.sizes else {}),
        **({"copies": [asdict(one) for one in trial.copies]} if trial.copies else {}),
    }


def write_results(folder: RunFolder, record: SweepRecord) -> None:
    """Write trials.jsonl, epochs.parquet and, where there is one, winner.json."""
    lines = b"".join(to_line(trial_line(record, trial)) for trial in record.trials)
    write_atomically(folder.path / _TRIALS, lines)
    write_atomically(folder.path / _EPOCHS, _epochs_parquet(folder))
    write_winner(folder, record)


def write_winner(folder: RunFolder, record: SweepRecord) -> None:
    """Write winner.json where there is a winner: of the final, or of a search without one."""
    choice = read_final(folder)
    won = _won(choice, record)
    if won is None:
        return
    kept = best_weights(folder.weights, won).relative_to(folder.path)
    objective = {"metric": record.objective.metric, "value": record.value(won)}
    error = standard_error(won.best, record.objective.metric)
    winner = trial_line(record, won) | {
        "objective": objective if error is None else objective | {"standard_error": error},
        "weights": str(kept) if choice is None else choice.model.weights,
    }
    write_atomically(folder.path / _WINNER, json.dumps(winner, indent=2).encode())


def _won(choice: FinalChoice | None, record: SweepRecord) -> TrialRecord | None:
    """Return the trial that the final chose, or the best of a search that has no final."""
    return record.best if choice is None else record.trials[choice.winner.trial]


def restore_results(folder: RunFolder, record: SweepRecord) -> None:
    """Write the results of a finished sweep again where one of them was lost."""
    names = [_TRIALS, _EPOCHS] + ([] if record.best is None else [_WINNER])
    if not all((folder.path / name).exists() for name in names):
        write_results(folder, record)


def _epochs_parquet(folder: RunFolder) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, list[Any]] = {"trial": []}
    for count, (trial, row) in enumerate(epoch_rows(folder)):
        for key in [key for key in row if key not in columns]:
            columns[key] = [None] * count
        columns["trial"].append(trial)
        for key, values in columns.items():
            if key != "trial":
                values.append(row.get(key))
    for key in ("trial", "epoch"):
        columns[key] = [int(value) for value in columns.get(key, [])]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue())


class Results:
    """What a sweep has found so far; reads its folder, changes nothing.

    Attributes:
        missing_in_mlflow: Why MLflow lacked a part of the record when the session ended; empty
            when it had all.
    """

    def __init__(
        self,
        folder: RunFolder,
        record: SweepRecord,
        missing_in_mlflow: str = "",
        draw: Draw | None = None,
    ) -> None:
        self.folder = folder
        self.record = record
        self.missing_in_mlflow = missing_in_mlflow
        self._draw = draw

    def __repr__(self) -> str:
        return f"<results of {self.path}: {self.record.progress}>"

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to run, of the search and of the stages after it."""
        return is_over(self.folder, self.record)

    @property
    def final(self) -> FinalChoice | None:
        """The winner that was frozen after repeats under fresh seeds, or None."""
        return read_final(self.folder)

    @property
    def openings(self) -> list[Opening]:
        """All evaluations on the test set, with their metrics."""
        return read_openings(self.folder)

    @property
    def why_no_final(self) -> str:
        """Why a final that is over has no winner; empty where it has one, or is not over."""
        return why_no_winner(self.folder)

    @property
    def lost_net(self) -> str:
        """That the net which the sweep ended with was lost, and the way out; empty if it was not.

        Its figures remain valid.
        """
        return lost_net_words(self.folder, self.record)

    @property
    def audited(self) -> list[Audited]:
        """The pruned trials that were trained to their end after all."""
        return read_audit(self.folder, self.record)

    @property
    def best(self) -> dict[str, Any] | None:
        """The best trial of the search, as in trials.jsonl; None while there is none."""
        best = self.record.best
        return None if best is None else trial_line(self.record, best)

    @property
    def winner(self) -> dict[str, Any] | None:
        """The trial that the final chose, as `best`; without a final, the best of the search."""
        won = _won(self.final, self.record)
        return None if won is None else trial_line(self.record, won)

    def trials(self) -> pd.DataFrame:
        """Return one row a trial, best first; what was varied stands before all that was not."""
        import pandas as pd

        ranked = self.record.ranked()
        rest = [trial for trial in self.record.trials if trial.best is None]
        on = front_trials(self.record)
        frame = pd.DataFrame([self._frame_row(trial, on) for trial in [*ranked, *rest]])
        first = [one for one in self._first_columns() if one in frame]
        return frame[[*first, *(one for one in frame if one not in first)]]

    def _first_columns(self) -> list[str]:
        """Return what people look for first: how a trial ended, how good, and what was varied."""
        flat = [flatten(one.trial.configuration) for one in self.record.trials]
        best = f"best_{self.record.objective.metric}"
        others = [
            one.metric if one.metric in SIZES else f"best_{one.metric}"
            for one in self.record.objective.others
        ]
        front = ["front"] if others else []
        return ["trial", "outcome", best, *others, *front, "best_epoch", *varied_keys(flat)]

    def figures(self) -> dict[str, go.Figure]:
        """Return the figures of the report, by their titles.

        Raises:
            MissingExtraError: The packages that draw are not installed.
        """
        if self._draw is None:
            raise AssertionError("results that were made without a way to draw them")
        return self._draw(self.folder)

    def epochs(self) -> pd.DataFrame:
        """Return one row per trial and epoch with every metric."""
        import pandas as pd

        rows = [{"trial": trial, **row} for trial, row in epoch_rows(self.folder)]
        frame = pd.DataFrame(rows, columns=None if rows else ["trial", "epoch"])
        return frame.astype({"trial": int, "epoch": int})

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the outcomes, the best, and a table of the best trials."""
        record, best = self.record, self.record.best
        words = record.progress
        words += f" ({record.counts})" if record.counts else ""
        if best is not None:
            metric = record.objective.metric
            words += f"; best {metric} {record.value(best):.4g}, trial {best.trial.index}"
            if (choice := self.final) is not None:
                words += (
                    f"; the final chose trial {choice.winner.trial}, mean {choice.metric} "
                    f"{choice.winner.mean:.4g} over {choice.seeds} seeds"
                )
        frame = self.trials().head(_MOST_SHOWN)
        reasons = ["reason"] if "reason" in frame and frame["reason"].any() else []
        table = frame[[one for one in [*self._first_columns(), *reasons] if one in frame]]
        shown = table.to_html(index=False, escape=True, na_rep="")
        return f"<p><b>{html.escape(self.folder.name)}</b>: {html.escape(words)}.</p>{shown}"

    def _frame_row(self, trial: TrialRecord, on_front: Collection[int]) -> dict[str, Any]:
        line = trial_line(self.record, trial)
        best = {f"best_{key}": value for key, value in (trial.best or {}).items()}
        kept = ("trial", "hash", "outcome", "reason", "epochs", "train_s")
        has_front = {"front": line["trial"] in on_front} if self.record.objective.others else {}
        known = {key: line[key] for key in kept} | best | has_front | dict(trial.sizes)
        return known | flatten(trial.trial.configuration)

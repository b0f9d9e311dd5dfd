"""What was found of the best trials after the search: final/final.json, and openings.jsonl.

final.json is written once the winner and its model are fixed; only then does a test evaluation take
place. Each adds lines to openings.jsonl, which nothing ever deletes. The ledger has both, too
(sweeps.record.final_files).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sweeps.errors import RunFolderError, StorageError
from sweeps.record.ledger import to_line
from sweeps.record.run_folder import RunFolder, write_atomically
from sweeps.record.seals import DAMAGES, parsed

__all__ = [
    "FINAL",
    "OPENINGS",
    "Candidate",
    "FinalChoice",
    "FinalModel",
    "Interval",
    "Opening",
    "final_bytes",
    "note_opened",
    "note_result",
    "read_final",
    "read_openings",
    "whole_lines",
    "write_final",
]

FINAL, OPENINGS = "final/final.json", "openings.jsonl"


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its 95 % interval.

    Attributes:
        value: NaN where the metric has none on these rows.
        low, high: None where there are too few rows for an interval.
        note: Why they are None; else empty.
    """

    value: float
    low: float | None
    high: float | None
    note: str = ""

    @property
    def ends(self) -> str:
        """The interval in words, for a column that has its level, or why there is none."""
        if self.low is None or self.high is None:
            return self.note
        return f"{self.low:.4g} to {self.high:.4g}"


@dataclass(frozen=True)
class Candidate:
    """One of the search's best, under fresh seeds.

    Attributes:
        trial: Its index in the search.
        hash: Of its configuration.
        search_value: Its objective in the search.
        values: The objective at the best epoch of each repeat; failed ones are left out.
        failed: Repeats that have no value.
        mean: Of `values`; None where there are none.
        standard_error: Of the mean; None below two values.
        low, high: Ends of the t interval of the mean: those of all candidates hold together in 95
            of 100 sweeps, so that of whichever wins does. None below two values.
    """

    trial: int
    hash: str
    search_value: float
    values: tuple[float, ...]
    failed: int
    mean: float | None
    standard_error: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class FinalModel:
    """The one net that a sweep ends with.

    Attributes:
        how: `refit` on train and dev, or `repeat`: the winner's median repeat.
        note: Why it is not a refit although one was wanted, or what is wrong with it; else empty.
        epochs: How long it was trained.
        weights: Its file, relative to the run folder.
        preprocessing: Its file, relative to the run folder.
        sha256: Of the weights' file.
        preprocessing_sum: The checksum of the preprocessing's file; empty in older records.
    """

    how: str
    note: str
    epochs: int
    weights: str
    preprocessing: str
    sha256: str
    preprocessing_sum: str = ""


@dataclass(frozen=True)
class FinalChoice:
    """The frozen winner.

    Attributes:
        metric: The objective, or what `final.choose` goes by, with `mode` min or max.
        seeds: Repeats that each candidate was given.
        candidates: Best first, by mean.
        p_value: Of Welch's test between the first two; None where there are too few values.
        within_noise: Whether that test cannot tell them apart; None where it could not be made.
        cut: By which rule test rows were cut off; empty in a record of an older version.
        untested: Why nothing is measured on test rows; empty where something is.
        opened_before: The other sweeps of the storage that had opened the same test rows by then, a
            name for each time.
        where: What candidates had to satisfy, in the search and in the mean of their repeats.
        left_out: Those that did in the search, and not in the mean of their repeats.
    """

    metric: str
    mode: str
    seeds: int
    candidates: tuple[Candidate, ...]
    p_value: float | None
    within_noise: bool | None
    model: FinalModel
    frozen_at: float
    cut: str = ""
    untested: str = ""
    opened_before: tuple[str, ...] = ()
    where: str = ""
    left_out: tuple[int, ...] = ()

    @property
    def winner(self) -> Candidate:
        """The first of the candidates."""
        return self.candidates[0]

    @property
    def test_metric(self) -> str:
        """What `metric` is called of the test rows."""
        return "test_" + self.metric.removeprefix("dev_")

    def uses(self, openings: Sequence[Opening]) -> int:
        """Return how often the test rows were opened, by this sweep and by others before it."""
        return len(openings) + len(self.opened_before)

    def own(self, openings: Sequence[Opening]) -> list[Opening]:
        """Return the evaluations of this winner's model.

        Those before it was frozen are of another final, whose model may be the same.
        """
        sha256, frozen_at = self.model.sha256, self.frozen_at
        return [one for one in openings if one.sha256 == sha256 and one.opened_at >= frozen_at]


@dataclass(frozen=True)
class Opening:
    """One evaluation of a frozen model on the test set.

    Attributes:
        opened_at: Seconds since 1970.
        trial: The winner's index in the search.
        hash: Of its configuration.
        sha256: Of the model's weights.
        rows: How many test rows there are.
        metrics: By name (`test_loss`, ...); empty where a kill came before the result.
    """

    opened_at: float
    trial: int
    hash: str
    sha256: str
    rows: int
    metrics: Mapping[str, Interval]


def write_final(folder: RunFolder, choice: FinalChoice) -> None:
    """Write final.json; raises StorageError where that fails."""
    write_atomically(folder.path / FINAL, final_bytes(asdict(choice)))


def final_bytes(values: Mapping[str, Any]) -> bytes:
    """Return the content of a final.json."""
    return json.dumps(values, indent=2).encode()


def read_final(folder: RunFolder) -> FinalChoice | None:
    """Return the frozen winner, or None while there is none.

    Raises:
        RunFolderError: The file was damaged.
    """
    path = folder.path / FINAL
    if not path.exists():
        return None
    try:
        value = parsed(path.read_bytes())
        candidates = tuple(
            Candidate(**{**one, "values": tuple(one["values"])}) for one in value["candidates"]
        )
        model = FinalModel(**value["model"])
        before = tuple(value.get("opened_before", ()))
        values = {
            "candidates": candidates,
            "model": model,
            "opened_before": before,
            "left_out": tuple(value.get("left_out", ())),
        }
        return FinalChoice(**{**value, **values})
    except (OSError, *DAMAGES) as err:
        raise RunFolderError(f"{path} was damaged ({err!r}); restore it from a backup") from err


def note_opened(folder: RunFolder, opening: Opening) -> None:
    """Record, before a test evaluation, that it will take place; raises StorageError."""
    about = {**asdict(opening), "event": "opened"}
    del about["metrics"]
    _append(folder, about)


def note_result(folder: RunFolder, metrics: Mapping[str, Interval]) -> None:
    """Record what the last test evaluation found; raises StorageError."""
    _append(folder, {"event": "result", "metrics": {k: asdict(v) for k, v in metrics.items()}})


def read_openings(folder: RunFolder) -> list[Opening]:
    """Return all evaluations on the test set, first to last.

    Raises:
        RunFolderError: A line was damaged.
    """
    path = folder.path / OPENINGS
    found: list[Opening] = []
    for line in whole_lines(path):
        try:
            event = parsed(line)
            if event.pop("event") == "opened":
                found.append(Opening(**event, metrics={}))
            else:
                metrics = {name: _interval(one) for name, one in event["metrics"].items()}
                found[-1] = Opening(**{**vars(found[-1]), "metrics": metrics})
        except DAMAGES as err:
            raise RunFolderError(f"{path} was damaged ({err!r}); restore it from a backup") from err
    return found


def _interval(written: Mapping[str, Any]) -> Interval:
    """Return an estimate; one that is not finite is written by its name."""
    return Interval(**{**written, "value": float(written["value"])})


def whole_lines(path: Path) -> Sequence[bytes]:
    """Return a file's lines; one that a kill cut short was not followed by anything."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as err:
        raise RunFolderError(f"cannot read {path}: {err}; restore it from a backup") from err
    return data[: data.rfind(b"\n") + 1].splitlines()


def _append(folder: RunFolder, line: Mapping[str, Any]) -> None:
    path = folder.path / OPENINGS
    whole = b"".join(kept + b"\n" for kept in whole_lines(path))
    try:
        with path.open("r+b" if path.exists() else "xb") as file:
            file.truncate(len(whole))
            file.seek(len(whole))
            file.write(to_line(line))
            file.flush()
            os.fsync(file.fileno())
    except OSError as err:
        raise StorageError(
            f"cannot write {path}: {err}; nothing was evaluated on the test set"
        ) from err

"""Shows a running sweep to the person who waits: live in a terminal, as lines elsewhere.

Reads the sweep's record from a thread of its own; what it shows goes to standard error, so that
standard output holds the answer alone.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from sweeps.findings.measurement import format_metric
from sweeps.infra.plain_text import shown
from sweeps.record.sweep_record import SweepRecord
from sweeps.terminal.cell import is_notebook, show_in_cell

if TYPE_CHECKING:
    from sweeps.tracking.process import TrackingProcess

__all__ = ["Display", "EpochRate", "duration", "status_line", "time_left_s"]

Mode = Literal["live", "plain", "notebook", "silent"]
_LIVE_PERIOD_S = 0.25
_PLAIN_PERIOD_S = 5.0
# A rate is that of the last seconds, but of no fewer epochs than these: some take minutes.
_RATE_WINDOW_S = 20.0
_RATE_EPOCHS = 10
# A tracker is always a trial or two behind; more is worth a word.
_SHOWN_BACKLOG = 5


class Display:
    """Progress: `live` (a terminal), `plain` (lines), `notebook` (a bar in a cell) or `silent`."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._phase = "starting"
        self._rate = EpochRate()
        self._shown: SweepRecord | None = None
        self._title = self._stage = ""
        self._told = ""

    @classmethod
    def silent(cls) -> Display:
        """Return a display that shows nothing."""
        return cls("silent")

    @classmethod
    def for_terminal(cls) -> Display:
        """Return a live display in a terminal, and plain lines elsewhere."""
        return cls("live" if sys.stderr.isatty() else "plain")

    @classmethod
    def for_caller(cls) -> Display:
        """Return a bar in a notebook's cell, and what shows nothing elsewhere."""
        return cls("notebook" if is_notebook() else "silent")

    @contextmanager
    def showing(self, record: SweepRecord, tracking: TrackingProcess) -> Iterator[None]:
        """Show `record` until the block is left."""
        if self._mode == "silent":
            yield
            return
        self.switch_to(record, "")
        done = threading.Event()

        def line() -> str:
            return self._line(self._shown or record, tracking)

        shown_by: dict[str, Callable[..., None]] = {
            "live": _show_live,
            "plain": _show_plain,
            "notebook": lambda line, done: show_in_cell(
                line, lambda: _share(self._shown or record), done
            ),
        }
        thread = threading.Thread(
            target=shown_by[self._mode], args=(line, done), name="progress", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def switch_to(self, record: SweepRecord, title: str) -> None:
        """Show `record` from now on, under the title of a stage."""
        self._rate = EpochRate()
        self._phase = "starting" if record.is_open else "finished"
        self._shown, self._title, self._stage = record, title, title

    def print_line(self, text: str) -> None:
        """Print a line about what is waited for before anything is shown."""
        if self._mode != "silent":
            print(shown(text), file=sys.stderr, flush=True)

    def set_title(self, title: str) -> None:
        """Put another title before what is shown."""
        self._title = title

    def show_recording(self) -> None:
        """Say that training is over and the record is being completed."""
        self._phase = "recording"
        self._shown, self._title, self._stage = None, "", ""

    def _line(self, record: SweepRecord, tracking: TrackingProcess) -> str:
        epochs = sum(trial.epochs for trial in record.trials)
        busy_s = sum(one.train_s for one in record.trials)
        workers = max(1, sum(one.is_running for one in record.trials))
        rate = self._rate.update(epochs, time.monotonic(), busy_s / workers)
        if self._phase == "recording":  # nothing trains any more
            rate = None
        text = status_line(record, rate, is_search=not self._stage)
        if self._phase == "starting" and not epochs and not record.nodes.words:
            text = f"starting workers; {text}"
        if self._title:
            text = f"{self._title}: {text}"
        status = tracking.status()
        of_stages = status.get("recorded_in", {})
        ended = record.outcomes.total()
        recorded = of_stages.get(self._stage, 0) if self._stage else status.get("recorded", 0)
        if self._phase == "recording" and tracking.is_on:
            more = f", {sum(of_stages.values())} in stages" if of_stages else ""
            doing = f"logged to MLflow: {recorded}/{ended}{more}"
            text = f"{'drawing the report' if status.get('stage') == 'report' else doing}; {text}"
        elif ended - recorded > _SHOWN_BACKLOG and tracking.is_on:
            text += f" | MLflow {ended - recorded} trials behind"
        if tracking.error:
            later = "`sync` will complete it" if tracking.has_ended else "retrying"
            text += f" | {self._told_once(f'{tracking.error} (nothing is lost; {later})')}"
        return text

    def _told_once(self, trouble: str) -> str:
        """Return what keeps MLflow from recording: in lines that stay, the whole of it once."""
        if self._mode == "plain" and trouble == self._told:
            return "MLflow is still behind"
        self._told = trouble
        return trouble


def _share(record: SweepRecord) -> float:
    """Return which part of the trials has ended, from 0 to 1."""
    return record.outcomes.total() / max(1, record.wanted)


def status_line(record: SweepRecord, epochs_per_s: float | None, is_search: bool = True) -> str:
    """Return trials by outcome, best so far, epochs a second and the time still needed.

    Args:
        is_search: Whether the record is of a search: a stage numbers its own trials from 0.
    """
    total, ended = record.wanted, record.outcomes.total()
    parts = [f"{ended}/{total} trials" + (f" ({record.counts})" if record.counts else "")]
    if record.nodes.words:
        parts.append(record.nodes.words)
    best = record.best
    if best is not None:
        value = format_metric(best.best, record.objective.metric, digits=5)
        which = f" (trial {best.trial.index})" if is_search else ""
        parts.append(f"best {record.objective.metric} {value}{which}")
    if epochs_per_s:
        parts.append(_pace(epochs_per_s))
    left_s = time_left_s(record, epochs_per_s)
    if left_s is not None:
        parts.append(f"about {duration(left_s)} left")
    return " | ".join(parts)


def time_left_s(record: SweepRecord, epochs_per_s: float | None) -> float | None:
    """Return the seconds that a sweep still needs, or None while that cannot be told.

    Trials without an outcome are taken to train as many epochs as those that have ended did.
    """
    ended = record.outcomes.total()
    if not epochs_per_s or not ended or not record.is_open:
        return None
    each = sum(trial.epochs for trial in record.trials if trial.outcome is not None) / ended
    left = sum(max(1.0, each - trial.epochs) for trial in record.unfinished)
    return (left + record.to_come * max(1.0, each)) / epochs_per_s


class EpochRate:
    """Epochs a second over the last seconds, or, where epochs are slow, over the last few."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        self._busy_s = 0.0

    def update(self, epochs: int, t: float, busy_s: float | None = None) -> float | None:
        """Return the rate at `t` (s, of any clock), when so many epochs have been trained.

        The first call says from where to count, and has no rate.

        Args:
            busy_s: For how long those epochs have kept each worker busy; None if it is not known.
                The time before the first of them is that of the workers' start, and no pace.
        """
        if not self._seen or epochs > self._seen[-1][1]:
            if len(self._seen) == 1 and busy_s is not None:
                start, before = self._seen[0]
                self._seen[0] = max(start, t - max(0.0, busy_s - self._busy_s)), before
            self._seen.append((t, epochs))
        if len(self._seen) == 1:
            self._busy_s = busy_s or 0.0
        while len(self._seen) > 1 and self._is_enough(self._seen[1], epochs, t):
            self._seen.popleft()
        since, before = self._seen[0]
        gained = epochs - before
        return gained / (t - since) if gained and t > since else None

    @staticmethod
    def _is_enough(start: tuple[float, int], epochs: int, t: float) -> bool:
        return t - start[0] >= _RATE_WINDOW_S and epochs - start[1] >= _RATE_EPOCHS


def _pace(epochs_per_s: float) -> str:
    """Return a rate in the unit that makes a number above 1 of it."""
    units = {"s": 1, "min": 60, "h": 3600}
    unit = next((name for name, n in units.items() if n * epochs_per_s >= 0.95), "h")
    return f"{units[unit] * epochs_per_s:.0f} epochs/{unit}"


def _show_live(line: Callable[[], str], done: threading.Event) -> None:
    from rich.live import Live
    from rich.spinner import Spinner

    from sweeps.terminal.console import PlainConsole

    console = PlainConsole(stderr=True)
    spinner = Spinner("dots", text=line())
    with Live(spinner, console=console, transient=True, refresh_per_second=8):
        while not done.wait(_LIVE_PERIOD_S):
            spinner.update(text=line())


def _show_plain(line: Callable[[], str], done: threading.Event) -> None:
    started, last = time.monotonic(), ""
    while True:
        is_done = done.wait(_PLAIN_PERIOD_S if last else 1.0)
        text = line()
        if text != last:
            elapsed = duration(time.monotonic() - started)
            print(f"[{elapsed:>6}] {shown(text)}", file=sys.stderr, flush=True)
            last = text
        if is_done:
            return


def duration(seconds: float) -> str:
    """Return seconds as a person says them: `40 s`, `12 min`, `3 h 20 min`."""
    if round(seconds) < 100:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"

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

from sweeps.record.measurement import measured
from sweeps.record.records import SweepRecord

if TYPE_CHECKING:
    from sweeps.tracking.process import TrackingProcess

__all__ = ["Display", "duration", "status_line"]

Mode = Literal["live", "plain", "silent"]
_LIVE_PERIOD_S = 0.25
_PLAIN_PERIOD_S = 5.0
_RATE_WINDOW_S = 20.0
# A tracker is always a trial or two behind; more is worth a word.
_SHOWN_BACKLOG = 5


class Display:
    """Progress in one of three modes: `live` (a terminal), `plain` (lines), `silent`."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._phase = "starting"
        self._rate = _Rate()
        self._shown: SweepRecord | None = None
        self._title = self._stage = ""

    @classmethod
    def silent(cls) -> Display:
        """Return a display that shows nothing."""
        return cls("silent")

    @classmethod
    def for_terminal(cls) -> Display:
        """Return a live display in a terminal, and plain lines elsewhere."""
        return cls("live" if sys.stderr.isatty() else "plain")

    @contextmanager
    def showing(self, record: SweepRecord, tracking: TrackingProcess) -> Iterator[None]:
        """Show `record` until the block is left."""
        if self._mode == "silent":
            yield
            return
        self.turn_to(record, "")
        done = threading.Event()

        def line() -> str:
            return self._line(self._shown or record, tracking)

        show = _show_live if self._mode == "live" else _show_plain
        thread = threading.Thread(target=show, args=(line, done), name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def turn_to(self, record: SweepRecord, title: str) -> None:
        """Show `record` from now on, under the title of a stage."""
        self._rate = _Rate()
        self._phase = "starting" if record.unfinished else "finished"
        self._shown, self._title, self._stage = record, title, title

    def note(self, text: str) -> None:
        """Print a line about what is waited for before anything is shown."""
        if self._mode != "silent":
            print(text, file=sys.stderr, flush=True)

    def say(self, title: str) -> None:
        """Put another title before what is shown."""
        self._title = title

    def recording(self) -> None:
        """Say that training is over and the record is being completed."""
        self._phase = "recording"
        self._shown, self._title, self._stage = None, "", ""

    def _line(self, record: SweepRecord, tracking: TrackingProcess) -> str:
        epochs = sum(trial.epochs for trial in record.trials)
        text = status_line(record, epochs, self._rate.update(epochs))
        if self._phase == "starting" and not epochs:
            text = f"starting workers; {text}"
        if self._title:
            text = f"{self._title}: {text}"
        status = tracking.status()
        of_stages = status.get("recorded_in", {})
        ended = record.outcomes.total()
        recorded = of_stages.get(self._stage, 0) if self._stage else status.get("recorded", 0)
        if self._phase == "recording" and tracking.is_on:
            more = f" and {sum(of_stages.values())} of stages" if of_stages else ""
            doing = f"recording in MLflow {recorded}/{ended}{more}"
            text = f"{'drawing the report' if status.get('stage') == 'report' else doing}; {text}"
        elif ended - recorded > _SHOWN_BACKLOG and tracking.is_on:
            text += f" | MLflow {ended - recorded} trials behind"
        if tracking.error:
            later = "sync completes it later" if tracking.has_ended else "retrying"
            text += f" | MLflow: {tracking.error} (nothing is lost; {later})"
        return text


def status_line(record: SweepRecord, epochs: int, epochs_per_s: float | None) -> str:
    """Return trials by outcome, best so far, epochs a second and the time still needed."""
    total, ended = len(record.trials), record.outcomes.total()
    counts = ", ".join(f"{n} {name}" for name, n in sorted(record.outcomes.items()) if n)
    parts = [f"{ended}/{total} trials" + (f" ({counts})" if counts else "")]
    best = record.best
    if best is not None:
        value = measured(best.best, record.goal.metric, digits=5)
        parts.append(f"best {record.goal.metric} {value} (trial {best.trial.index})")
    if epochs_per_s:
        parts.append(f"{epochs_per_s:.0f} epochs/s")
        if 0 < ended < total:
            left_s = epochs / ended * (total - ended) / epochs_per_s
            parts.append(f"about {duration(left_s)} left")
    return " | ".join(parts)


class _Rate:
    """Epochs a second over the last seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def update(self, epochs: int) -> float | None:
        now = time.monotonic()
        self._seen.append((now, epochs))
        while now - self._seen[0][0] > _RATE_WINDOW_S:
            self._seen.popleft()
        since, before = self._seen[0]
        gained = epochs - before
        return gained / (now - since) if gained and now > since else None


def _show_live(line: Callable[[], str], done: threading.Event) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner

    console = Console(stderr=True)
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
            print(f"[{elapsed:>6}] {text}", file=sys.stderr, flush=True)
            last = text
        if is_done:
            return


def duration(seconds: float) -> str:
    """Return seconds as a person says them: `40 s`, `12 min`, `3 h 20 min`."""
    seconds = round(seconds)
    if seconds < 100:
        return f"{seconds} s"
    minutes, hours = round(seconds / 60), seconds // 3600
    return f"{minutes} min" if minutes < 100 else f"{hours} h {minutes - 60 * hours} min"

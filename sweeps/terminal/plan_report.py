"""`plan`: what a sweep file would run, before anything is started or written."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sweeps.definition.configurations import flatten, varied_keys
from sweeps.definition.loading import check_sweep
from sweeps.definition.patience import patience_notes
from sweeps.definition.planning import PlannedTrial, most_epochs, trials_in_all
from sweeps.definition.stage_plans import can_be_refitted
from sweeps.definition.sweep import Sweep
from sweeps.execution.placement import gpu_note, slots, this_machine
from sweeps.models.data.kinds import ColumnKinds
from sweeps.rehearsal.expected_epochs import expected_epochs
from sweeps.rehearsal.rehearsal_apart import rehearse_sweep
from sweeps.schedulers.scheduler import Scheduler
from sweeps.search_methods.learning import LearningSearch, require_sampler

__all__ = ["START_S", "PlanReport", "describe_plan", "plan_report"]

# What a sweep needs besides training: Ray and its workers (10 to 20 s), the last of the record.
START_S = 15.0
# No line of a pipe or a file is too long.
_PIPE_WIDTH = 100_000


@dataclass(frozen=True)
class PlanReport:
    """The size of a sweep.

    Attributes:
        folds: Nets that a trial trains at once; an epoch is one of each. None without folds.
        rungs: Epochs after which the scheduler decides.
        chosen: Which search method `auto` chose, and why; None where the file names one.
        proposed: How many of the trials are not fixed: the search method proposes them from the
            results before. Each counts with the most epochs that it can have.
        expected_epochs: What the scheduler lets run; early stopping is not foreseen.
        expected_range: The epochs are among these in 19 of 20 sweeps.
        follow_up_epochs: Epochs at most of what follows the search: audit, final and its refit.
        kept: Trials of the search whose weights stay.
        columns: What each column of the data was taken for.
        epoch_s: Mean seconds of a measured epoch over some of the trials; None if not measured.
        eta_s: Wall time to expect, from expected and follow-up epochs and the start of Ray and its
            workers; None if not measured.
        weights_bytes: Of all weights on disk at the end; None if not measured.
        checkpoint_bytes: Of all checkpoints on disk at once, at most; None if not measured.
        sanity: What own code does not keep, where the file accepts that.
    """

    name: str
    trials: int
    proposed: int
    folds: int | None
    max_epochs: int
    expected_epochs: float
    expected_range: tuple[int, int]
    rungs: list[int]
    slots: int
    follow_up_epochs: int
    kept: int
    columns: ColumnKinds
    chosen: str | None = None
    epoch_s: float | None = None
    eta_s: float | None = None
    weights_bytes: int | None = None
    checkpoint_bytes: int | None = None
    sanity: tuple[str, ...] = ()


def plan_report(sweep: Sweep, planned: Sequence[PlannedTrial], probe: bool) -> PlanReport:
    """Return the size of a sweep; with `probe`, after training one epoch of a few trials."""
    trials = trials_in_all(sweep.file.search, len(planned))
    epochs = [trial.config.training.epochs for trial in planned]
    epochs += [_longest(sweep, planned)] * (trials - len(planned))
    scheduler = _scheduler(sweep, planned)
    at_once = min(slots(sweep.file.resources, (this_machine(),)), trials)
    expected = expected_epochs(sweep.file.stopping, epochs, at_once)
    report = PlanReport(
        name=sweep.file.name,
        trials=trials,
        proposed=trials - len(planned),
        folds=sweep.file.data.split.folds,
        max_epochs=sum(epochs),
        expected_epochs=round(expected.mean, 1),
        expected_range=(expected.low, expected.high),
        rungs=sorted(scheduler.milestones or ()),
        slots=at_once,
        follow_up_epochs=_followers(sweep, planned) * max(epochs),
        kept=min(sweep.file.checkpoints.keep_weights or trials, trials),
        columns=ColumnKinds() if sweep.summary is None else sweep.summary.columns,
        chosen=None if sweep.chosen is None else str(sweep.chosen),
    )
    return _measured(report, sweep, planned) if probe else report


def _measured(report: PlanReport, sweep: Sweep, planned: Sequence[PlannedTrial]) -> PlanReport:
    """Return the report with what a probe of the plan adds: time and bytes."""
    from sweeps.rehearsal.probe import probe_plan

    probe = probe_plan(sweep, planned)
    epochs = report.expected_epochs + report.follow_up_epochs
    # Where trials are paused, all may have a checkpoint at once.
    pauses = _scheduler(sweep, planned).pauses
    return replace(
        report,
        epoch_s=probe.epoch_s,
        eta_s=round(START_S + epochs * probe.epoch_s / report.slots, 1),
        weights_bytes=probe.weights_bytes * (report.kept + _followers(sweep, planned)),
        checkpoint_bytes=probe.checkpoint_bytes * (report.trials if pauses else report.slots),
    )


def _scheduler(sweep: Sweep, planned: Sequence[PlannedTrial]) -> Scheduler:
    return sweep.file.stopping.build(sweep.objective, _longest(sweep, planned))


def _longest(sweep: Sweep, planned: Sequence[PlannedTrial]) -> int:
    return most_epochs(planned, sweep.space if sweep.file.search.learns else None)


def _followers(sweep: Sweep, planned: Sequence[PlannedTrial]) -> int:
    """Return how many trials follow a search at most, whichever win; their weights all stay."""
    number = sweep.file.stopping.audit
    final = sweep.file.final
    if final is not None:
        number += min(final.top_k, trials_in_all(sweep.file.search, len(planned))) * final.seeds
        number += final.refit and any(map(can_be_refitted, planned))
    return number


def describe_plan(path: Path, overrides: Sequence[str], *, as_json: bool, probe: bool) -> int:
    """Print the plan of a sweep file; returns the exit code."""
    sweep, planned = check_sweep(path, overrides)
    require_sampler(sweep.file.search)
    if probe:
        print("measuring an epoch of a few trials ...", file=sys.stderr)
    report = plan_report(sweep, planned, probe)
    if probe:
        report = replace(report, sanity=rehearse_sweep(sweep, planned, _say))
    if as_json:
        print(json.dumps(asdict(report) | {"plan": [trial.to_json() for trial in planned]}))
        return 0
    _print_trials(planned)
    _print_report(report, sweep, planned)
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _print_trials(planned: Sequence[PlannedTrial]) -> None:
    """Print one line a trial: what fits a terminal, and everything into a pipe or a file."""
    from sweeps.terminal.console import PlainConsole
    from sweeps.terminal.tables import fitting_table, left_out_words, parameter_columns

    flats = [flatten(trial.configuration) for trial in planned]
    columns = {
        "trial": [str(trial.index) for trial in planned],
        "hash": [trial.hash for trial in planned],
        **parameter_columns(varied_keys(flats), flats),
    }
    console = PlainConsole(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    table, left_out = fitting_table(columns, console.width)
    console.print(table)
    if left_out:
        console.print(f"{left_out_words(left_out)}; --json has all", highlight=False)


def _print_report(report: PlanReport, sweep: Sweep, planned: Sequence[PlannedTrial]) -> None:
    scheduler = sweep.file.stopping.scheduler
    print(f"{report.name}: {report.trials} trials, {report.slots} at once, scheduler {scheduler}")
    if sweep.chosen is not None:
        print(sweep.chosen)
    if report.proposed:
        fixed = report.trials - report.proposed
        print(
            f"the first {fixed} are fixed; the other {report.proposed} are proposed by "
            f"{sweep.file.search.method}, each from the results before it{_of_objectives(sweep)}"
        )
    elif sweep.file.search.learns:
        print(f"all are fixed, so {sweep.file.search.method} proposes none and learns nothing")
    if sweep.summary is not None:
        for line in report.columns.lines():
            print(line)
        print(f"rows are split {sweep.summary.cut}")
        for note in sweep.summary.notes:
            print(f"note: {note}")
    of_gpus = gpu_note(sweep.file.resources, this_machine())
    of_search = _slow_proposals(sweep, report.trials)
    for note in (*patience_notes(planned), *report.sanity, *filter(None, [of_search, of_gpus])):
        print(f"note: {note}")
    if report.folds is not None:
        print(
            f"{report.folds} folds: a trial trains {report.folds} nets, and an epoch is one of each"
        )
    if report.rungs:
        print(f"the scheduler decides after epochs {', '.join(map(str, report.rungs))}")
    print(f"at most {report.max_epochs:,} epochs, {_expected(report)}")
    if report.follow_up_epochs:
        print(f"then at most {report.follow_up_epochs:,} epochs after the search")
    if report.eta_s is not None and report.epoch_s is not None:
        print(
            f"about {_time(report.eta_s)}: {1000 * report.epoch_s:.1f} ms an epoch (measured), and "
            f"{START_S:.0f} s to start Ray and its workers, which --local saves"
        )
    from rich.filesize import decimal

    if report.weights_bytes is not None and report.checkpoint_bytes is not None:
        whose = "all trials" if report.kept == report.trials else f"the best {report.kept} trials"
        print(
            f"about {decimal(report.weights_bytes)} of weights ({whose}), and at most "
            f"{decimal(report.checkpoint_bytes)} of checkpoints while trials run"
        )


def _slow_proposals(sweep: Sweep, trials: int) -> str:
    """Return what proposals come to where there are so many trials; empty where it is little."""
    search = sweep.file.search
    if not isinstance(search, LearningSearch) or not search.slow_words:
        return ""
    if trials < search.slow_from:
        return ""
    return (
        f"a proposal of {search.method} takes longer the more trials there are, and a free slot "
        f"waits for it: {search.slow_words} (docs/performance.md)"
    )


def _of_objectives(sweep: Sweep) -> str:
    """Return by which of several objectives the method goes; empty of one."""
    search, objective = sweep.file.search, sweep.objective
    if not objective.others or not isinstance(search, LearningSearch):
        return ""
    return ", by all objectives" if search.weighs_all else f", by {objective.metric} alone"


def _expected(report: PlanReport) -> str:
    """Return how many epochs to expect, and how sure that is."""
    low, high = report.expected_range
    about = f"about {report.expected_epochs:,.0f} expected"
    if low == high:
        return about
    return f"{about} (95 % interval: {low:,} to {high:,}, if only the scheduler stops trials)"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

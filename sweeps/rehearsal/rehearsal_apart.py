"""The rehearsal in a process of its own, which own code may hang, kill or change as it likes.

A few seconds at most: what they do not suffice for is left out, and said.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sweeps.definition.loading import located
from sweeps.definition.planning import PlannedTrial
from sweeps.definition.sweep import Sweep
from sweeps.definition.trial_checks import template_place
from sweeps.errors import SweepFileError
from sweeps.models.own_code.roles import metric_functions, trial_functions
from sweeps.models.process.child_program import ChildProgram, ProgramEnd
from sweeps.models.trial_kinds import is_program
from sweeps.rehearsal.changed_options import changing_options
from sweeps.rehearsal.fresh_process import (
    LIMIT_S,
    FreshProcess,
    Order,
    command_of,
    environment_of,
    limit_computing,
)
from sweeps.search_spaces.problems import Problem

if TYPE_CHECKING:
    from sweeps.rehearsal.rehearsal import GoOn

__all__ = ["rehearse_sweep"]

_HANGS_S = 90.0
# For processes that own code has left running, from SIGTERM to SIGKILL.
_GRACE_S = 1.0
_ORDER, _FOUND, _OUTPUT = "order.pickle", "found.jsonl", "output.log"
_MOST_TRIALS = 64
_WAY_OUT = "`trial: {sanity_check: warn}` runs the sweep anyway and records this"


def rehearse_sweep(
    sweep: Sweep, planned: Sequence[PlannedTrial], say: Callable[[str], object]
) -> tuple[str, ...]:
    """Try own code on a few rows; returns what it does not keep, where the file accepts that.

    Does nothing, in no time, where trials have no code of the user's. A program is tried itself.

    Args:
        say: told what goes on.

    Raises:
        SweepFileError: own code does not keep what the sweep would rely on.
    """
    if not _has_own_code(sweep, planned):
        return ()
    if sweep.file.trial.sanity_check == "skip":
        return ("the sanity check of your own code was skipped",)
    if is_program(planned[0].configuration):
        say("checking two epochs of the program (trial.sanity_check) ...")
        found, left = _found_of_program(sweep, planned[0])
    else:
        say("checking your own code on a few rows (trial.sanity_check) ...")
        found, left = _found_apart(_order(sweep, planned))
    uncertain = [one for one in found if not one["is_certain"]]
    if uncertain:
        found, left = [], f"on a few rows and a CPU it {uncertain[0]['rule']}"
    if left:
        say(f"the sanity check of your own code was not completed: {left}")
    problems = [_problem(sweep, planned, one) for one in found]
    if problems and sweep.file.trial.sanity_check == "error":
        hinted = [
            replace(one, hint="; ".join(filter(None, [one.hint, _WAY_OUT]))) for one in problems
        ]
        raise SweepFileError(located(sweep, hinted))
    notes = [f"{'.'.join(map(str, one.path))}: {one.rule}" for one in problems]
    return (
        *notes,
        *([f"the sanity check of your own code was not completed: {left}"] if left else []),
    )


def _has_own_code(sweep: Sweep, planned: Sequence[PlannedTrial]) -> bool:
    configurations = [trial.configuration for trial in planned]
    if is_program(configurations[0]):
        from sweeps.rehearsal.program_rehearsal import is_tried

        return is_tried(planned[0])
    is_measured = any(True for _ in metric_functions(sweep.file.metrics))
    return is_measured or any(True for one in configurations for _ in trial_functions(one))


def _found_of_program(sweep: Sweep, trial: PlannedTrial) -> tuple[list[dict[str, Any]], str]:
    """Return what is found of a program, and why it was not tried to the end; empty if it was."""
    from sweeps.rehearsal.program_rehearsal import rehearse_program

    broken, left = rehearse_program(sweep, trial)
    return [] if broken is None else [asdict(broken)], left


def _order(sweep: Sweep, planned: Sequence[PlannedTrial]) -> Order:
    return Order(
        trials=tuple(planned[:: -(-len(planned) // _MOST_TRIALS)]),
        data=() if sweep.summary is None else sweep.summary.few,
        objective=replace(sweep.objective, recorded=sweep.file.recorded_metrics),
        threads=math.ceil(sweep.file.resources.cpu),
        wants_gpu=sweep.file.resources.gpu > 0,
        import_paths=tuple(map(str, sweep.module_folders())),
        changing=changing_options(sweep.file, sweep.space, planned),
    )


def _problem(sweep: Sweep, planned: Sequence[PlannedTrial], found: dict[str, Any]) -> Problem:
    """Return what was found, at its place in the sweep file."""
    key = tuple(found["key"])
    problem = Problem(key, None, found["rule"], hint=found["hint"])
    if key[0] == "metrics":
        return problem
    configuration = next(one for one in planned if one.index == found["trial"]).configuration
    place = template_place(sweep.space, configuration, problem)
    return replace(problem, path=("space", *place))


def _found_apart(order: Order) -> tuple[list[dict[str, Any]], str]:
    """Return what another process finds, and why it did not come to its end; empty if it did.

    It and all that own code starts there end before this returns.
    """
    with TemporaryDirectory(prefix="sweeps-") as name:
        folder = Path(name)
        (folder / _ORDER).write_bytes(pickle.dumps(order))
        (folder / _FOUND).touch()
        command = [*command_of(__name__), name]
        output = folder / _OUTPUT
        program = ChildProgram(command, Path.cwd(), environment_of(), output, _GRACE_S)
        try:
            end = program.wait(_HANGS_S)
        finally:
            program.stop()
        lines = [json.loads(line) for line in (folder / _FOUND).read_bytes().splitlines()]
        left = _why_left(end, output)
    found = [line for line in lines if "rule" in line]
    return found, next((line["left"] for line in lines if "left" in line), left)


def _why_left(end: ProgramEnd | None, output: Path) -> str:
    """Return why a rehearsal did not come to its end; empty if it did."""
    if end is None:
        return f"it took more than {_HANGS_S:g} s"
    if end.code == -signal.SIGXCPU:
        return f"it computed for more than {LIMIT_S} s"
    if end.code == 0:
        return ""
    return f"its process ended with {end.code}: {end.error or _last_line(output.read_bytes())}"


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "without a message"


def main() -> None:
    """Rehearse what is in the folder that is named; adds one line of JSON for each finding."""
    folder = Path(sys.argv.pop())
    limit_computing()
    fresh = FreshProcess()
    packed = (folder / _ORDER).read_bytes()
    with (folder / _FOUND).open("a", encoding="utf-8") as answer:
        for line in _rehearsed(pickle.loads(packed), partial(fresh.go_on, packed)):
            answer.write(f"{json.dumps(line)}\n")
            answer.flush()
    os._exit(0)  # whatever own code has left running


def _rehearsed(order: Order, go_on: GoOn) -> Iterator[dict[str, Any]]:
    import torch

    from sweeps.rehearsal.rehearsal import rehearse

    order.take_place()
    try:
        found = rehearse(
            order.trials,
            order.data,
            order.objective,
            go_on_apart=go_on,
            wants_gpu=order.wants_gpu,
            changing=order.changing,
        )
        yield from map(asdict, found)
    except (OSError, MemoryError, torch.OutOfMemoryError) as err:
        yield {"left": f"{type(err).__name__}: {err}"}

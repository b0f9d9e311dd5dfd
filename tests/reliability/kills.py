"""Kills at random instants, and what is then left of a sweep beside one that nothing has broken."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

import sweeps
from sweeps.findings.results import Results
from tests.reliability.comparison import (
    leftovers,
    lost_trials,
    other_values,
    repeated_epochs,
    tracking_faults,
)
from tests.reliability.page import Found
from tests.reliability.stories import Story
from tests.sweeps.drivers import (
    Driver,
    driver,
    epochs_trained,
    events,
    run_command,
    wait_for,
)

__all__ = ["kill_at_random"]

_MOST_TRIES = 12
_LIMIT_S = 400.0
_NAME = "blobs"
# A killed driver's Ray ends within some seconds; its two agents take a minute.
_ENDED_WITHIN_S = 90.0
_ENDED = {-signal.SIGKILL, 0, 9}
_VICTIMS = {
    "local": ("driver", "driver", "group", "tracker"),
    "ray": ("driver", "driver", "group", "tracker", "worker", "raylet", "gcs_server"),
}


class Play:
    """One telling of a story, in a folder of its own."""

    def __init__(self, story: Story, folder: Path, chance: random.Random | None) -> None:
        """Play a story unbroken, or broken by `chance`."""
        self.story = story
        self.folder = folder
        self.chance = chance
        self.path = story.write(folder)
        self.runs = folder / "runs"
        self.run = self.runs / _NAME
        self.took_s: dict[str, float] = {}
        self.kills: list[str] = []
        self.left: list[str] = []
        self.problems: list[str] = []

    def play(self, took_s: dict[str, float]) -> None:
        """Type all commands, each until it has ended by itself.

        Args:
            took_s: Seconds of each command of the unbroken telling.
        """
        for command in self.story.commands:
            if command[0] == "retry":
                (self.folder / "fails").unlink()
            kills = 0 if self.chance is None else self.chance.randint(1, 2)
            started = time.monotonic()
            self._until_ended(command, kills, took_s.get(command[0], 0.0))
            self.took_s[command[0]] = time.monotonic() - started
        if "tracker" in self.kills:  # a command says then that `sync` completes MLflow's record
            uri = f"sqlite:///{self.runs / 'mlflow.db'}"
            code, said = run_command("sync", self.run, MLFLOW_TRACKING_URI=uri)
            self.problems += [f"`sync` ended with {code}: {said[-400:]!r}"] * (code != 0)

    def results(self) -> Results:
        return sweeps.open_run(self.run)

    def _until_ended(self, command: tuple[str, ...], kills: int, took_s: float) -> None:
        for _ in range(_MOST_TRIES):
            code, said = self._type(self._next(command), took_s if kills else None)
            kills -= 1
            if code == 0 and self._is_over(command):
                return
            if code not in _ENDED or "Traceback" in said:
                self.problems.append(f"`{command[0]}` ended with {code}: {said[-400:]!r}")
        self.problems.append(f"`{command[0]}` was not over after {_MOST_TRIES} tries")

    def _next(self, command: tuple[str, ...]) -> tuple[str | Path, ...]:
        if command[0] == "run":
            return ("run", self.path, "--runs", self.runs, "--id", _NAME)
        again = ("resume", self.run) if self._has_begun(command[0]) else None
        return again or (command[0], self.run, *command[1:])

    def _has_begun(self, name: str) -> bool:
        """Return whether a command has changed the folder, so that `resume` goes on with it."""
        if name == "final":
            return (self.run / "final" / "sweep.json").exists()
        if name == "extend":
            return len(self.results().record.trials) > 4
        return bool(events(self.run, "reopened"))

    def _is_over(self, command: tuple[str, ...]) -> bool:
        return command[0] == "run" or self._has_begun(command[0])

    def _type(self, words: tuple[str | Path, ...], kill_within_s: float | None) -> tuple[int, str]:
        local = ["--local"] if self.story.runner == "local" else []
        uri = f"sqlite:///{self.runs / 'mlflow.db'}"
        with driver(*words, *local, MLFLOW_TRACKING_URI=uri, RAY_TMPDIR="/tmp") as one:
            if kill_within_s is not None and self.chance is not None:
                self._kill(one, self.chance.uniform(0.3, max(1.0, kill_within_s)))
            code, said = one.wait(_LIMIT_S)
            with suppress(AssertionError):
                wait_for(lambda: not one.left_running(), _ENDED_WITHIN_S)
            self.left += one.left_running()
        return code, said

    def _kill(self, one: Driver, after_s: float) -> None:
        assert self.chance is not None
        with suppress(subprocess.TimeoutExpired):
            one.process.wait(after_s)
            return
        name = self.chance.choice(_VICTIMS[self.story.runner])
        if name == "group":
            one.signal_group(signal.SIGKILL)
        else:
            victim = _found(one, name)
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        self.kills.append(name)


def _found(one: Driver, name: str) -> psutil.Process:
    """Return the part of a running command, or the driver where that part does not run yet."""
    own = psutil.Process(one.process.pid)
    for child in own.children(recursive=True):
        with suppress(psutil.Error):
            is_tracker = name == "tracker" and "--follow" in child.cmdline()
            is_worker = name == "worker" and child.name().startswith("ray::")
            if is_tracker or is_worker or child.name() == name:
                return child
    return own


def kill_at_random(story: Story, folder: Path, rounds: int, seed: int) -> Found:
    """Play a story unbroken and then broken, so many times."""
    found = Found(f"kills: {story.name}")
    whole = Play(story, folder / "unbroken", None)
    whole.play({})
    found.notes += [f"unbroken: {one}" for one in whole.problems]
    for number in range(rounds):
        chance = random.Random(f"{seed} {story.name} {number}")
        broken = Play(story, folder / f"broken-{number}", chance)
        broken.play(whole.took_s)
        _compare(whole, broken, found)
    return found


def _compare(whole: Play, broken: Play, found: Found) -> None:
    found.rounds += 1
    found.faults += len(broken.kills)
    found.left += len(broken.left) + len(leftovers(broken.run))
    trained = [len(epochs_trained(play.folder)) for play in (whole, broken)]
    found.again += max(0, trained[1] - trained[0])
    checks: list[Callable[[], int]] = [
        lambda: lost_trials(whole.results(), broken.results()),
        lambda: repeated_epochs(broken.results()),
        lambda: other_values(whole.results(), broken.results(), whole.story.is_exact),
        lambda: tracking_faults(broken.results()),
    ]
    numbers, problems = [], list(broken.problems)
    for check in checks:
        try:
            numbers.append(int(check()))
        except Exception as err:  # the campaign goes on; the page says it
            numbers.append(0)
            problems.append(f"{type(err).__name__}: {err}")
    for name, number in zip(("lost", "repeated", "other", "tracked"), numbers, strict=True):
        setattr(found, name, getattr(found, name) + number)
    found.survived += not problems and not any(numbers)
    kills = ", ".join(broken.kills)
    found.notes += [f"after kills of {kills or 'nothing'}: {one}" for one in problems]
    if any(numbers):
        found.notes.append(f"after kills of {kills}: lost, repeated, other, MLflow {numbers}")
    found.notes += [f"left: {one}" for one in (*broken.left, *leftovers(broken.run))]

"""A final's files that were changed, cut or lost are noticed by all, and `retry` mends them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.errors import RunFolderError
from tests.sweeps.drivers import run_command
from tests.sweeps.sweep_files import space, write_sweep

ON_DISK: Any = {"runner": "local", "tracking_uri": "none"}
FILES = ("final/final.json", "final-1/final.json", "openings.jsonl")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep with two finals, so with four lines of test evaluations."""
    folder = tmp_path_factory.mktemp("final")
    path = write_sweep(
        folder,
        search="{method: random, trials: 2}",
        space=space(epochs=2),
        final="{top_k: 2, seeds: 2, refit: false}",
    )
    run = sweeps.run(path, runs=folder / "runs", **ON_DISK).path
    return sweeps.final(run, again=True, **ON_DISK).path


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "runs" / "blobs"))


def another_digit(file: Path) -> None:
    digit = re.compile(r'("(?:mean|value)": ?\d\.)\d')
    text, count = digit.subn(r"\g<1>9", file.read_text("utf-8"), count=1)
    assert count == 1
    file.write_text(text, "utf-8")


def later(file: Path) -> None:
    """Winners that were frozen later have not been tested; evaluations later count for more."""
    text = re.sub(r'("(?:frozen|opened)_at": ?)\d', r"\g<1>2", file.read_text("utf-8"))
    file.write_text(text, "utf-8")


def lost(line: int) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        lines = file.read_text("utf-8").splitlines(keepends=True)
        file.write_text("".join(lines[:line] + lines[line + 1 :]), "utf-8")

    return damage


def empty(file: Path) -> None:
    file.write_text("", "utf-8")


def delete(file: Path) -> None:
    file.unlink()


def deep(file: Path) -> None:
    file.write_text("[" * 99_999 + "\n", "utf-8")


EVERY = [(name, damage) for name in FILES for damage in (another_digit, later, empty, delete, deep)]
LINES = [("openings.jsonl", lost(line)) for line in range(3)]
damaged = pytest.mark.parametrize(("name", "damage"), [*EVERY, *LINES])


@damaged
def test_what_was_damaged_is_named_and_retry_writes_it_again(
    run: Path, whole: Path, name: str, damage: Callable[[Path], None]
) -> None:
    damage(run / name)
    named = rf"cannot read {re.escape(str(run / name))}: .* from a backup, or .* retry "
    with pytest.raises(RunFolderError, match=named) as caught:
        sweeps.open_run(run)
    assert caught.value.exit_code == 3
    with pytest.raises(RunFolderError, match=named):
        sweeps.resume(run, **ON_DISK)
    before = sweeps.open_run(whole)
    after = sweeps.retry(run, **ON_DISK)
    assert (after.final, after.openings) == (before.final, before.openings)
    assert (run / name).read_bytes() == (whole / name).read_bytes()
    assert sweeps.open_run(run).is_finished


def test_every_command_that_reads_says_it_and_sync_writes_nothing(run: Path) -> None:
    another_digit(run / "final/final.json")
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{run.parent}/mlflow.db"}
    for command in ("show", "report", "resume", "sync"):
        code, said = run_command(command, run, **store)
        assert (code, "final/final.json: it was damaged or edited" in said) == (3, True), command
        assert "Traceback" not in said
    assert not (run.parent / "mlflow.db").exists()
    code, said = run_command("retry", run)
    assert (code, "final/final.json was written again" in said) == (0, True)


def test_a_last_line_that_is_lost_is_missed_as_well(run: Path) -> None:
    lost(3)(run / "openings.jsonl")
    with pytest.raises(RunFolderError, match=r"openings\.jsonl: it was damaged"):
        sweeps.open_run(run)


def test_a_final_that_no_ledger_noted_is_read_and_noted_by_the_next(run: Path) -> None:
    lines = (run / "ledger.jsonl").read_text().splitlines()
    older = [re.sub(r',"sum":"[0-9a-f]{16}"\}$', "}", line) for line in lines]
    kept = [one for one in older if json.loads(one)["event"] not in ("final", "test")]
    assert len(older) - len(kept) == 6
    (run / "ledger.jsonl").write_text("".join(f"{line}\n" for line in kept))
    assert len(sweeps.open_run(run).openings) == 2
    sweeps.final(run, again=True, **ON_DISK)
    assert len(sweeps.open_run(run).openings) == 3
    lost(0)(run / "openings.jsonl")
    with pytest.raises(RunFolderError, match=r"openings\.jsonl"):
        sweeps.open_run(run)

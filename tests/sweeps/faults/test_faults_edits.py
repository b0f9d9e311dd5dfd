"""An edit of a run folder, or a loss in it, is refused with its place; nothing is taken silently.

Each damage is made to a copy of one finished sweep, of which nothing was damaged otherwise.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.errors import RunFolderError
from tests.sweeps.drivers import EVERY_EPOCH, run_command
from tests.sweeps.sweep_files import space, write_sweep

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    path = write_sweep(
        folder,
        search="{method: random, trials: 3}",
        stopping=EVERY_EPOCH,
        space=space(epochs=4),
    )
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none").path


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "blobs"))


def lines_of(run: Path, name: str) -> list[str]:
    return (run / name).read_text().splitlines()


def edited(name: str, edit: Callable[[list[str]], list[str]]) -> Damage:
    def damage(run: Path) -> None:
        lines = edit(lines_of(run, name))
        (run / name).write_text("".join(f"{line}\n" for line in lines))

    return damage


def reports(lines: list[str]) -> list[int]:
    """The places of the reports that have another of their trial before and behind them."""
    found = [at for at, line in enumerate(lines) if '"report"' in line]
    return found[1:3]


def lost(lines: list[str]) -> list[str]:
    at = reports(lines)[0]
    return lines[:at] + lines[at + 1 :]


def swapped(lines: list[str]) -> list[str]:
    one, other = reports(lines)
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def twice(lines: list[str]) -> list[str]:
    at = reports(lines)[0]
    return lines[: at + 1] + lines[at:]


def another_digit(lines: list[str]) -> list[str]:
    at = reports(lines)[0]
    lines[at] = re.sub(r'("dev_loss":)\d\.\d+', r"\g<1>0.0001", lines[at])
    return lines


def added(**event: Any) -> Callable[[list[str]], list[str]]:
    def add(lines: list[str]) -> list[str]:
        return [*lines[:-1], json.dumps({"t": 1.0, **event}, separators=(",", ":")), lines[-1]]

    return add


def outcome_twice(lines: list[str]) -> list[str]:
    at = next(at for at, line in enumerate(lines) if '"event":"outcome"' in line)
    return [*lines[: at + 1], *lines[at:]]


def described(change: Callable[[dict[str, Any]], Any]) -> Damage:
    def damage(run: Path) -> None:
        description = json.loads((run / "sweep.json").read_text())
        change(description)
        (run / "sweep.json").write_text(json.dumps(description, indent=2))

    return damage


def another_seed(lines: list[str]) -> list[str]:
    lines[1] = json.dumps(json.loads(lines[1]) | {"seed": 7}, separators=(",", ":"))
    return lines


def a_folder(run: Path) -> None:
    (run / "ledger.jsonl").unlink()
    (run / "ledger.jsonl").mkdir()


OUTCOME = {"event": "outcome", "outcome": "completed", "reason": "", "best": None}
ROW = {"epoch": 1, "dev_loss": 0.1}
# From Python 3.12 on JSON of this depth can be parsed, yet not be walked through.
DEEP = f'{{"t":1.0,"event":"note","a":{"[" * 5000}{"]" * 5000}}}'
LEDGER: dict[str, Damage] = {
    "a report lost": edited("ledger.jsonl", lost),
    "two reports swapped": edited("ledger.jsonl", swapped),
    "a report twice": edited("ledger.jsonl", twice),
    "the first line lost": edited("ledger.jsonl", lambda lines: lines[1:]),
    "a digit": edited("ledger.jsonl", another_digit),
    "an outcome twice": edited("ledger.jsonl", outcome_twice),
    "trial -1": edited("ledger.jsonl", added(**OUTCOME, trial=-1)),
    "trial 77": edited("ledger.jsonl", added(event="report", trial=77, epochs=[ROW])),
    "text": edited("ledger.jsonl", lambda lines: [lines[0], "hello", *lines[1:]]),
    "deep JSON": edited("ledger.jsonl", lambda lines: [*lines, '{"event":' * 9999 + "1"]),
    "deep event": edited("ledger.jsonl", lambda lines: [*lines[:-1], DEEP, lines[-1]]),
    "a folder": a_folder,
}
DESCRIPTION: dict[str, Damage] = {
    "seed": described(lambda it: it["sweep"].update(seed=99)),
    "split": described(lambda it: it["sweep"]["data"]["split"].update(seed=1)),
    "digest": described(lambda it: it["data"]["splits"][0].update(digest="0" * 16)),
    "goal": described(lambda it: it["goal"].update(mode="max")),
    "fewer trials": described(lambda it: it.update(trials=2)),
    "no goal": described(lambda it: it.update(goal={})),
    "no data": described(lambda it: it.update(data=None)),
    "trials in words": described(lambda it: it.update(trials="six")),
    "no checksum": described(lambda it: it.pop("sum")),
    "deep JSON": lambda run: (run / "sweep.json").write_text("[" * 99999) and None,
}
PLAN: dict[str, Damage] = {
    "a seed": edited("plan.jsonl", another_seed),
    "no line": edited("plan.jsonl", lambda lines: []),
    "a line lost": edited("plan.jsonl", lambda lines: lines[1:]),
    "the last line lost": edited("plan.jsonl", lambda lines: lines[:-1]),
    "swapped": edited("plan.jsonl", lambda lines: [lines[1], lines[0], lines[2]]),
}
ALL = [
    *(pytest.param(one, "ledger.jsonl", id=f"ledger: {name}") for name, one in LEDGER.items()),
    *(pytest.param(one, "sweep.json", id=f"sweep: {name}") for name, one in DESCRIPTION.items()),
    *(pytest.param(one, "plan.jsonl", id=f"plan: {name}") for name, one in PLAN.items()),
]


@pytest.mark.parametrize(("damage", "file"), ALL)
def test_a_damaged_folder_is_refused_with_file_and_way_out(
    run: Path, damage: Damage, file: str
) -> None:
    damage(run)
    with pytest.raises(RunFolderError, match=rf"cannot read .*{file}") as caught:
        sweeps.resume(run, runner="local", tracking_uri="none")
    assert caught.value.exit_code == 3
    assert "from a backup" in str(caught.value)
    assert not re.search(r"delete|remove (that|the) line", str(caught.value))
    with pytest.raises(RunFolderError):
        sweeps.open_run(run)


def test_the_way_out_can_be_typed_for_a_folder_of_any_name(run: Path) -> None:
    odd = run.rename(run.with_name("it's; here"))
    edited("ledger.jsonl", lost)(odd)
    with pytest.raises(RunFolderError) as caught:
        sweeps.open_run(odd)
    command = str(caught.value).partition("came after: ")[2]
    subprocess.run(command, shell=True, check=True, cwd=run.parent)
    assert sweeps.open_run(odd).record.unfinished


def test_the_line_is_named_and_going_on_before_it_trains_the_rest_again(run: Path) -> None:
    before = sweeps.open_run(run)
    edited("ledger.jsonl", lost)(run)
    with pytest.raises(RunFolderError) as caught:
        sweeps.open_run(run)
    line = re.search(r"line (\d+): .* head -n (\d+) ", str(caught.value))
    assert line is not None
    kept = lines_of(run, "ledger.jsonl")[: int(line[2])]
    (run / "ledger.jsonl").write_text("".join(f"{one}\n" for one in kept))
    after = sweeps.resume(run, runner="local", tracking_uri="none")
    columns = ["trial", "epoch", "dev_loss"]
    assert after.epochs()[columns].equals(before.epochs()[columns])
    assert after.record.outcomes == {"completed": 3}


def without_sums(lines: list[str]) -> list[str]:
    return [re.sub(r',"sum":"[0-9a-f]{16}"\}$', "}", line) for line in lines]


@pytest.fixture
def older(run: Path) -> Path:
    """The folder as format 1 had it."""
    edited("ledger.jsonl", without_sums)(run)
    edited("plan.jsonl", without_sums)(run)
    first = {"sum", "plan_sum", "source_sum"}
    kept = {k: v for k, v in json.loads((run / "sweep.json").read_text()).items() if k not in first}
    (run / "sweep.json").write_text(json.dumps({**kept, "format": 1}))
    return run


# Not to be told without checksums. From Python 3.12 on, JSON of any depth is read, and an event of
# no known name says nothing.
_UNTOLD = {"a digit", "the first line lost"}
if sys.version_info >= (3, 12):
    _UNTOLD.add("deep event")


@pytest.mark.parametrize("name", [one for one in LEDGER if one not in _UNTOLD])
def test_a_ledger_without_checksums_is_held_to_what_can_follow(older: Path, name: str) -> None:
    LEDGER[name](older)
    with pytest.raises(RunFolderError, match=r"cannot read .*ledger\.jsonl"):
        sweeps.resume(older, runner="local", tracking_uri="none")


@pytest.mark.parametrize("name", ["split", "digest", "fewer trials", "no goal", "no data"])
def test_a_description_without_checksum_is_held_to_the_rest(older: Path, name: str) -> None:
    edited("ledger.jsonl", lambda lines: lines[:-2])(older)  # so that there is a session
    DESCRIPTION[name](older)
    with pytest.raises(RunFolderError, match=r"cannot read .*(sweep\.json|ledger\.jsonl)"):
        sweeps.resume(older, runner="local", tracking_uri="none")


def test_a_folder_of_format_1_goes_on_with_checksums(older: Path) -> None:
    edited("ledger.jsonl", lambda lines: lines[:6])(older)
    results = sweeps.resume(older, runner="local", tracking_uri="none")
    assert results.record.outcomes == {"completed": 3}
    ledger, plan = lines_of(older, "ledger.jsonl"), lines_of(older, "plan.jsonl")
    assert ['"sum":' in line for line in ledger] == [False] * 6 + [True] * (len(ledger) - 6)
    assert all('"sum":' in line for line in plan)
    assert json.loads((older / "sweep.json").read_text())["format"] == 2
    edited("ledger.jsonl", lambda lines: [*lines[:2], *lines[3:]])(older)
    with pytest.raises(RunFolderError, match=r"cannot read .*ledger\.jsonl, line "):
        sweeps.open_run(older)


def test_an_edited_sweep_file_extends_nothing(run: Path) -> None:
    source = run / "sweep.yaml"
    source.write_text(source.read_text().replace("iris", "wine"))
    with pytest.raises(RunFolderError, match=r"cannot read .*sweep\.yaml: it was edited since"):
        sweeps.extend(run, 2, runner="local", tracking_uri="none")


def test_a_command_says_it_without_a_traceback(run: Path) -> None:
    LEDGER["a report lost"](run)
    code, output = run_command("show", run)
    assert code == 3
    assert "Traceback" not in output
    assert re.search(r"ledger\.jsonl, line \d+: its checksum does not follow", output)

"""A run folder that cannot be written to ends what trains with code 5 and the way on, unharmed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import sweeps
from sweeps.errors import StorageError
from sweeps.record.run_folder import RunFolder
from sweeps.session.closing import draw_report
from tests.sweeps.drivers import counted_sweep, run_command
from tests.sweeps.programs import program_sweep
from tests.sweeps.sweep_files import space, write_sweep


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of which one trial is left, without a final."""
    folder = tmp_path_factory.mktemp("readonly")
    path = write_sweep(
        folder,
        search="{method: random, trials: 2}",
        space=space(epochs=2),
        budget="{trials: 1}",
    )
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none").path


@pytest.fixture
def readonly(run: Path) -> Iterator[Path]:
    """The same, as nobody may change it."""
    paths = [run, *run.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    yield run
    for path, mode in modes.items():
        path.chmod(mode)


@pytest.mark.parametrize(
    "command",
    [
        ("resume", "--set", "budget.trials=null", "--local"),
        ("extend", "--trials", "1", "--local"),
        ("final", "--local"),
    ],
    ids=lambda words: words[0],
)
def test_a_folder_that_may_only_be_read_is_said_so(readonly: Path, command: tuple[str]) -> None:
    before = {path: path.read_bytes() for path in readonly.rglob("*") if path.is_file()}
    code, said = run_command(command[0], readonly, *command[1:])
    assert code == 5, said
    assert f"error: cannot write to {readonly}: Permission denied; " in said
    assert "Traceback" not in said
    assert {path: path.read_bytes() for path in before} == before


def test_a_place_of_weights_that_turns_readonly_costs_no_trial(tmp_path: Path) -> None:
    closes = (
        "        if self.training and self.number == 0: (HERE / 'runs/blobs/weights').chmod(0o555)"
    )
    path = counted_sweep(
        tmp_path,
        "closes_weights",
        closes,
        trials=2,
        epochs=1,
        epoch_s=0,
        stopping="{scheduler: none}",
        trial="{retries: 0}",
    )
    code, said = run_command("run", path, "--runs", tmp_path / "runs", "--local")
    assert code == 5, said
    assert "change its permissions, then resume the sweep" in said
    (tmp_path / "runs" / "blobs" / "weights").chmod(0o755)
    resumed = sweeps.resume(tmp_path / "runs" / "blobs", runner="local", tracking_uri="none")
    assert resumed.record.outcomes == {"completed": 2}


def test_a_folder_of_programs_that_turns_readonly_costs_no_trial(tmp_path: Path) -> None:
    closes = "report(1)\nos.chmod(os.path.join(os.environ['SWEEPS_CHECKPOINTS'], '../..'), 0o555)"
    two = {"search": "{method: random, trials: 2}", "trial": "{retries: 0}"}
    path = program_sweep(tmp_path, closes, "epochs: 1", **two)
    code, said = run_command("run", path, "--runs", tmp_path / "runs", "--local")
    assert code == 5, said
    assert "change its permissions, then resume the sweep" in said
    (tmp_path / "runs" / "blobs" / "programs").chmod(0o755)
    resumed = sweeps.resume(tmp_path / "runs" / "blobs", runner="local", tracking_uri="none")
    assert resumed.record.outcomes == {"completed": 2}


def test_what_a_kill_left_and_nobody_can_delete_is_named(run: Path) -> None:
    left = run / "weights" / ".one.tmp"
    left.mkdir()
    with pytest.raises(StorageError, match=r"cannot delete .*/\.one\.tmp: .*; delete it"):
        sweeps.resume(run, overrides=["budget.trials=null"], runner="local", tracking_uri="none")
    left.rmdir()


def test_a_report_that_can_be_neither_drawn_nor_deleted_costs_no_sweep(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = run / "report.html"
    page.unlink(missing_ok=True)
    page.mkdir()
    assert draw_report(RunFolder.open(run)) is None
    assert "the report could not be drawn" in capsys.readouterr().err
    page.rmdir()


def test_a_log_of_the_tracker_that_cannot_be_written_is_named(run: Path, tmp_path: Path) -> None:
    log = run / "tracking.log"
    log.mkdir()
    with pytest.raises(StorageError, match=r"cannot write .*tracking\.log: Is a directory; delete"):
        sweeps.extend(run, trials=1, runner="local", tracking_uri=f"sqlite:///{tmp_path}/m.db")
    log.rmdir()

"""How a sweep was run holds for what follows, until a person says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

import sweeps
from sweeps.record.run_folder import RunFolder
from sweeps.service.run_options import MLFLOW_OFF, RunOptions
from sweeps.terminal.progress import Display
from tests.sweeps.drivers import events, run_command
from tests.sweeps.sweep_files import space, write_sweep


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("remembered")
    path = write_sweep(
        folder,
        search="{method: random, trials: 2}",
        budget="{trials: 1}",
        space=space(epochs=1),
    )
    runs = folder / "runs"
    code, said = run_command("run", path, "--runs", runs, "--local", "--no-mlflow", "--quiet")
    assert code == 0, said
    return runs / "blobs"


def as_before(run: Path, runner: object = None, uri: str | None = None) -> RunOptions:
    options = RunOptions(runner, uri, Display.silent(), False)  # type: ignore[arg-type]
    return options.as_before(RunFolder.open(run))


def test_what_was_left_out_is_as_in_the_last_session(begun: Path) -> None:
    now = as_before(begun)
    assert (now.runner_name, now.tracking_uri) == ("local", MLFLOW_OFF)


def test_what_is_said_counts(begun: Path) -> None:
    now = as_before(begun, "ray", "sqlite:///other.db")
    assert (now.runner_name, now.tracking_uri) == ("ray", "sqlite:///other.db")


def test_a_cluster_of_the_environment_says_where_to_train(
    begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    now = as_before(begun)
    assert (now.runner_name, now.tracking_uri) == ("ray", MLFLOW_OFF)


def test_a_sweep_without_a_session_has_nothing_to_remember(begun: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for name in ("sweep.json", "plan.jsonl"):
        (tmp_path / "new" / name).write_bytes((begun / name).read_bytes())
    assert as_before(tmp_path / "new").runner_name == "ray"


def test_a_final_and_an_extension_need_not_be_told_again(begun: Path) -> None:
    code, said = run_command("extend", begun, "--trials", "1")
    assert code == 0, said
    assert "as in the sweep's last session, in this process" in said
    sweeps.final(begun, overrides=["final.seeds=1"])
    sessions = events(begun, "session")
    assert [(one["action"], one["runner"], one.get("mlflow")) for one in sessions] == [
        ("run", "local", False),
        ("extend", "local", False),
        ("final", "local", False),
    ]
    assert not (begun.parent / "mlflow.db").exists()


def test_a_flag_has_mlflow_take_part_again(begun: Path) -> None:
    store = begun.parent / "other.db"
    flags = ("--again", "--seeds", "1", "--mlflow")
    code, said = run_command("final", begun, *flags, MLFLOW_TRACKING_URI=f"sqlite:///{store}")
    assert code == 0, said
    assert store.exists()
    assert "mlflow" not in events(begun, "session")[-1]

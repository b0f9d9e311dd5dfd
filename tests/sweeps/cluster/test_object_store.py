"""Runs in an object store: what one machine began, another lists, resumes and asks."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import sweeps
from sweeps.findings.results import Results
from sweeps.infra.local.cluster import LocalCluster
from tests.free_port import free_port
from tests.object_store import ACCOUNT, ObjectStore, started_store
from tests.sweeps.drivers import (
    counted_sweep,
    driver,
    epochs_trained,
    events,
    run_command,
    wait_for,
)
from tests.sweeps.sweep_files import write_sweep

pytestmark = pytest.mark.cluster
TRIALS, EPOCHS = 6, 9


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with started_store(tmp_path_factory.mktemp("store")) as one:
        yield one


def machine(store: ObjectStore, folder: Path) -> dict[str, str]:
    """Return the environment of a machine that keeps its copies in `folder`."""
    folder.mkdir(exist_ok=True)
    return {**ACCOUNT, "SWEEPS_STORAGE": store.uri, "TMPDIR": str(folder)}


def copy_on(folder: Path, name: str) -> Path:
    [path] = folder.glob(f"sweeps-*/*/{name}")
    return path


def is_stored(store: ObjectStore, copy: Path) -> bool:
    """Return whether the store has the ledger of a driver that waits: it has the rest before."""
    return store.has(f"{copy.name}/ledger.jsonl", (copy / "ledger.jsonl").read_bytes())


def curves(results: Results) -> list[dict[str, float]]:
    frame = results.epochs().drop(columns="epoch_s").sort_values(["trial", "epoch"])
    return frame.to_dict("records")


def test_a_sweep_is_listed_and_asked_on_a_machine_that_did_not_run_it(
    store: ObjectStore, tmp_path: Path
) -> None:
    final = "{top_k: 1, seeds: 2}"
    path = write_sweep(tmp_path, checkpoints="{keep_weights: 2}", final=final)
    whole = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    here, there = machine(store, tmp_path / "here"), machine(store, tmp_path / "there")
    code, said = run_command("run", path, "--id", "asked", "--local", **here)
    assert code == 0, said
    assert "and to s3://runs/team/asked?" in said, said
    found = store.names("asked")
    assert {"sweep.json", "ledger.jsonl", "winner.json", "report.html", "final/final.json"} <= found
    assert len([name for name in found if name.startswith("weights/")]) == 2
    assert not any("checkpoints" in name for name in found)
    code, said = run_command("list", **there)
    assert "asked" in said, said
    assert "6/6 trials" in said, said
    (tmp_path / "rows.csv").write_text(
        "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5,3,1.5,0.2\n"
    )
    code, said = run_command("predict", "asked", tmp_path / "rows.csv", **there)
    assert code == 0, said
    copied = sweeps.open_run(copy_on(tmp_path / "there", "asked"))
    assert curves(copied) == curves(whole)
    assert copied.winner["configuration"] == whole.winner["configuration"]
    code, said = run_command("final", "asked", "--again", "--local", **there)
    assert code == 0, said
    found = store.names("asked")
    assert {"final/final.json", "final-1/final.json"} <= found
    assert any(name.startswith("final-1/weights/") for name in found)


def test_an_older_copy_is_replaced_and_a_lost_file_comes_back(
    store: ObjectStore, tmp_path: Path
) -> None:
    path = write_sweep(tmp_path, name="older", final="{top_k: 1, seeds: 2, refit: false}")
    here, there = machine(store, tmp_path / "here"), machine(store, tmp_path / "there")
    code, said = run_command("run", path, "--id", "older", "--local", **here)
    assert code == 0, said
    assert run_command("show", "older", **here)[0] == 0
    rows = tmp_path / "rows.csv"
    head = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)"
    rows.write_text(f"{head}\n5,3,1.5,0.2\n6,3,4,1.2\n")
    code, first = run_command("predict", "older", rows, **here)
    assert code == 0, first
    again = ["final", "older", "--again", "--seeds", "5", "--local"]
    code, said = run_command(*again, **there)
    assert code == 0, said
    answers = [run_command("predict", "older", rows, **one)[1] for one in (here, there)]
    assert answers[0] == answers[1] != first
    copy = copy_on(tmp_path / "here", "older")
    (copy / "openings.jsonl").unlink()
    (copy / "sweep.yaml").unlink()
    code, said = run_command("extend", "older", "--trials", "1", "--local", **here)
    assert code == 0, said
    assert {"sweep.yaml", "openings.jsonl", "final-1/final.json"} <= store.names("older")
    # What this machine had before is no reason to take the other's work back.
    code, said = run_command("show", "older", "--json", **there)
    assert len(json.loads(said)["trials"]) == 7
    assert len(json.loads(said)["openings"]) == 2


def test_a_killed_sweep_is_resumed_on_another_machine(store: ObjectStore, tmp_path: Path) -> None:
    size = {"trials": TRIALS, "epochs": EPOCHS, "waits_at": 2 * EPOCHS + 12}
    path = counted_sweep(tmp_path, "stored_killed", **size)
    here, there = machine(store, tmp_path / "here"), machine(store, tmp_path / "there")
    with driver("run", path, "--id", "killed", "--local", **here) as one:
        wait_for(lambda: len(epochs_trained(tmp_path)) >= 2 * EPOCHS + 12)
        code, said = run_command("resume", "killed", "--local", **there)
        assert code == 3, said
        assert "is in use by" in said, said
        wait_for(lambda: is_stored(store, copy_on(tmp_path / "here", "killed")))
        one.signal(signal.SIGKILL)
        one.process.wait()
    (tmp_path / "go").touch()
    trained = len(epochs_trained(tmp_path))
    code, said = run_command("resume", "killed", "--local", **there)
    assert code == 0, said
    resumed = sweeps.open_run(copy_on(tmp_path / "there", "killed"))
    # Of each of the two trials that ran, the epoch that had not ended is trained again.
    assert len(epochs_trained(tmp_path)) <= TRIALS * EPOCHS + 2
    assert trained < TRIALS * EPOCHS
    other = tmp_path / "unbroken"
    other.mkdir()
    unbroken = counted_sweep(other, "stored_unbroken", trials=TRIALS, epochs=EPOCHS, epoch_s=0)
    whole = sweeps.run(unbroken, runs=other, runner="local", tracking_uri="none")
    assert curves(resumed) == curves(whole)
    assert [str(one.outcome) for one in resumed.record.trials] == ["completed"] * TRIALS
    outcomes = [event["trial"] for event in events(resumed.path, "outcome")]
    assert sorted(outcomes) == list(range(TRIALS))
    # The machine that was killed takes what the other has done.
    code, said = run_command("show", "killed", "--json", **here)
    assert json.loads(said)["unfinished"] == 0


def test_a_second_run_of_a_file_has_a_name_of_its_own_on_every_machine(
    store: ObjectStore, tmp_path: Path
) -> None:
    path = write_sweep(tmp_path, name="twice", search="{method: random, trials: 1}")
    for folder in ("here", "there"):
        code, said = run_command("run", path, "--local", **machine(store, tmp_path / folder))
        assert code == 0, said
    assert store.names("twice")
    assert store.names("twice-2")


def test_a_store_that_does_not_answer_is_named_before_anything_starts(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    uri = "s3://runs/team?endpoint_override=127.0.0.1:9&scheme=http&region=us-east-1"
    nowhere = machine(ObjectStore(9), tmp_path / "here") | {"SWEEPS_STORAGE": uri}
    code, said = run_command("run", path, "--local", **nowhere)
    assert code == 5, said
    assert "127.0.0.1:9" in said, said
    assert "Traceback" not in said


def test_mlflow_needs_a_place_of_its_own_beside_a_store(store: ObjectStore, tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    here = machine(store, tmp_path / "here") | {"MLFLOW_TRACKING_URI": ""}
    code, said = run_command("run", path, "--local", **here)
    assert code == 2, said
    assert "set MLFLOW_TRACKING_URI to a server, or to none" in said, said


def test_nodes_keep_what_they_learn_in_the_store(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ACCOUNT.items():
        monkeypatch.setenv(name, value)
    path = counted_sweep(
        tmp_path, "stored_by_nodes", trials=TRIALS, epochs=EPOCHS, epoch_s=0.5,
        checkpoints="{keep_weights: 2}",
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as name:
        cluster = LocalCluster(Path(name) / "cluster")
        try:
            cluster.up(port=free_port(), dashboard=free_port(), workers=2, cpus=1)
            joining = cluster.variables() | {
                "RAY_ADDRESS": f"127.0.0.1:{cluster.port}",
                "SWEEPS_STORAGE": store.uri,
            }
            with driver("run", path, "--id", "by_nodes", **joining) as one:
                wait_for(lambda: len(epochs_trained(tmp_path)) >= 12)
                assert any("checkpoints/" in name for name in store.names("by_nodes"))
                cluster.kill("worker-1")
                code, said = one.wait()
            assert code == 0, said
        finally:
            cluster.down()
    found = store.names("by_nodes")
    assert len([name for name in found if name.startswith("weights/")]) == 2
    assert "inputs/stored_by_nodes.py" in found
    assert not any(name.startswith("checkpoints/") for name in found)
    there = machine(store, tmp_path / "there")
    code, said = run_command("show", "by_nodes", **there)
    assert code == 0, said
    copied = sweeps.open_run(copy_on(tmp_path / "there", "by_nodes"))
    other = tmp_path / "unbroken"
    other.mkdir()
    unbroken = counted_sweep(other, "by_nodes_unbroken", trials=TRIALS, epochs=EPOCHS, epoch_s=0)
    whole = sweeps.run(unbroken, runs=other, runner="local", tracking_uri="none")
    assert curves(copied) == curves(whole)

"""Faults of a cluster: its workers, head, storage and drivers are lost, its clocks are apart."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.findings.results import Results
from sweeps.infra.local.cluster import LocalCluster
from sweeps.report.lineage_figure import ancestry
from tests.free_port import free_port
from tests.sweeps.clocks import other_clock
from tests.sweeps.drivers import (
    counted_sweep,
    driver,
    epochs_trained,
    events,
    run_command,
    wait_for,
)
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

pytestmark = pytest.mark.cluster
TRIALS, EPOCHS = 6, 9
FAULTY = """        if self.training and self.number == 1 and self.calls > 7:
            if not (HERE / 'killed').exists():
                (HERE / 'killed').touch()
                os.kill(os.getpid(), signal.SIGKILL)
        if self.training and self.number == 2 and self.calls > 4: time.sleep(3600)
"""
CLOCK = """        if self.training:
            ahead_s = time.time() - (HERE / 'now').stat().st_mtime
            (HERE / f'{os.getpid()}.clock').write_text(str(ahead_s))
"""


@contextmanager
def started(port: int, dashboard: int, folder: Path, workers: int = 1) -> Iterator[LocalCluster]:
    one = LocalCluster(folder)
    one.up(port=port, dashboard=dashboard, workers=workers, cpus=1)
    try:
        yield one
    finally:
        one.down()


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with (
        tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as folder,
        started(free_port(), free_port(), Path(folder) / "cluster") as one,
    ):
        yield one


def joining(cluster: LocalCluster) -> dict[str, str]:
    """Return the environment of a driver that joins the cluster."""
    return cluster.variables() | {"RAY_ADDRESS": f"127.0.0.1:{cluster.port}"}


def curves(results: Results) -> list[dict[str, float]]:
    frame = results.epochs().drop(columns="epoch_s").sort_values(["trial", "epoch"])
    return frame.to_dict("records")


def unbroken(folder: Path, module: str) -> Results:
    folder.mkdir()
    path = counted_sweep(folder, module, trials=TRIALS, epochs=EPOCHS)
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def endings(results: Results) -> list[str]:
    return [str(trial.outcome) for trial in results.record.trials]


def test_a_killed_and_a_hung_worker_cost_what_they_did(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    # Far longer than a trial takes, on a busy machine, too.
    limits = "{timeout_s: 20}"
    path = counted_sweep(tmp_path, "faulty", FAULTY, trials=TRIALS, epochs=EPOCHS, trial=limits)
    code, said = run_command("run", path, "--id", "faulty", **joining(cluster))
    assert code == 0, said
    results = sweeps.open_run(cluster.storage / "faulty")
    assert endings(results) == [*["completed"] * 2, "failed", *["completed"] * 3]
    assert 'faulty.py", line' in results.record.trials[2].reason
    assert max(Counter(epochs_trained(tmp_path)).values()) <= EPOCHS + 1
    whole = unbroken(tmp_path / "unbroken", "faulty_unbroken")
    assert [row for row in curves(results) if row["trial"] != 2] == [
        row for row in curves(whole) if row["trial"] != 2
    ]


def waiting_sweep(cluster: LocalCluster, folder: Path, kind: str, **sections: str) -> Path:
    """Write a sweep whose nets wait for a file `go` once two events of a kind are on record.

    Its run folder is called by the kind, too.
    """
    ledger = str(cluster.storage / kind / "ledger.jsonl")
    waits = f"""        while not (HERE / 'go').exists():
            if Path({ledger!r}).read_text().count('"event":"{kind}"') < 2: break
            time.sleep(0.01)
"""
    target = own_net(folder, f"waits_{kind}", waits)
    rate = "{kind: adam, lr: {float: [1.0e-4, 1.0], log: true}}"
    return write_sweep(folder, space=space(custom_model(target), rate, epochs=6), **sections)


def killed_and_resumed(
    cluster: LocalCluster, path: Path, kind: str
) -> tuple[Path, list[dict[str, Any]], str]:
    """Kill the driver of such a sweep and resume it, which keeps what was on record.

    Returns:
        The run folder, the events that it had by then, and what `replay` says of it.
    """
    run = cluster.storage / kind
    with driver("run", path, "--id", kind, **joining(cluster)) as one:
        wait_for(lambda: len(events(run, kind)) >= 2)
        one.signal(signal.SIGKILL)
        one.process.wait()
    before = events(run, kind)
    (path.parent / "go").touch()
    code, said = run_command("resume", kind, **joining(cluster))
    assert code == 0, said
    assert events(run, kind)[: len(before)] == before
    code, said = run_command("replay", run)
    assert code == 0, said
    return run, before, said


def test_a_search_that_learns_keeps_its_proposals_and_follows_from_its_ledger(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    search = "{method: tpe, trials: 9, startup: 4}"
    path = waiting_sweep(cluster, tmp_path, "proposed", search=search)
    run, before, said = killed_and_resumed(cluster, path, "proposed")
    assert endings(sweeps.open_run(run)) == ["completed"] * 9
    # Both nodes had a trial: that one still ran is on record with each proposal.
    assert all(event["saw"]["running"] for event in before)
    assert "all 9 planned trials follow from the sweep file and the ledger" in said, said


def test_a_population_copies_on_a_cluster_as_on_one_machine(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    stopping = "{scheduler: pbt, interval_epochs: 2, quantile_fraction: 0.5}"
    path = waiting_sweep(cluster, tmp_path, "copied", stopping=stopping)
    run, _, said = killed_and_resumed(cluster, path, "copied")
    assert "all 6 planned trials and all 6 copies follow" in said, said
    results = sweeps.open_run(run)
    whole = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    assert curves(results) == curves(whole)
    lineages = [[ancestry(one.record.trials, at) for at in range(6)] for one in (results, whole)]
    assert lineages[0] == lineages[1]
    assert [one.copies for one in results.record.trials] == [
        one.copies for one in whole.record.trials
    ]


def test_a_full_storage_ends_the_sweep_with_the_way_out_and_it_is_resumed(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a storage that is full needs the right to mount one")
    try:
        path = counted_sweep(tmp_path, "full", trials=TRIALS, epochs=EPOCHS, waits_at=10)
        environment = joining(cluster) | {"SWEEPS_STORAGE": str(small)}
        with driver("run", path, "--id", "full", **environment) as one:
            wait_for(lambda: len(epochs_trained(tmp_path)) >= 10)
            filler = small / "filler"
            with suppress(OSError):  # the driver writes meanwhile
                filler.write_bytes(bytes(shutil.disk_usage(small).free))
            (tmp_path / "go").touch()
            code, said = one.wait()
        assert code == 5, said
        assert "free some space, then resume the sweep" in said, said
        filler.unlink()
        code, said = run_command("resume", "full", **environment)
        assert code == 0, said
        resumed = sweeps.open_run(small / "full")
        whole = unbroken(tmp_path / "unbroken", "full_unbroken")
        assert curves(resumed) == curves(whole)
        assert endings(resumed) == ["completed"] * TRIALS
        assert events(small / "full", "failure") == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_head_that_goes_ends_the_driver_and_the_sweep_is_resumed(
    tmp_path: Path, comes_back: bool
) -> None:
    ports = free_port(), free_port()
    module = f"headless_{comes_back}"
    path = counted_sweep(tmp_path, module, trials=TRIALS, epochs=EPOCHS, waits_at=10)
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as name:
        folder = Path(name) / "cluster"
        with started(*ports, folder) as cluster:
            with driver("run", path, "--id", "headless", **joining(cluster)) as one:
                wait_for(lambda: len(epochs_trained(tmp_path)) >= 10)
                cluster.kill("head")
                if comes_back:
                    cluster.kill("worker-1")  # on one machine, Ray starts no head beside it
                    cluster.start_head(1)
                code, said = one.wait()
            (tmp_path / "go").touch()
            if comes_back:  # Ray ends a driver that the new head does not know
                assert code != 0, said
            else:
                assert code == 9, said
                assert "has not answered for 30 s" in said, said
                assert "resume the sweep" in said, said
        done = {event["trial"] for event in events(folder / "storage" / "headless", "outcome")}
        trained = Counter(epochs_trained(tmp_path))
        with started(*ports, folder) as cluster:
            code, said = run_command("resume", "headless", **joining(cluster))
            assert code == 0, said
        after = Counter(epochs_trained(tmp_path))
        assert {number: after[number] - trained[number] for number in done} == dict.fromkeys(
            done, 0
        )
        whole = unbroken(tmp_path / "unbroken", f"headless_{comes_back}_unbroken")
        assert curves(sweeps.open_run(folder / "storage" / "headless")) == curves(whole)


def test_clocks_that_are_minutes_apart_change_nothing(
    cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        for name, ahead_s in (("late", -7 * 60), ("early", 13 * 60)):
            for variable, text in other_clock(tmp_path / name, ahead_s).items():
                patch.setenv(variable, text)
            cluster.add_worker(name, 1)
    (tmp_path / "now").touch()
    # Long trials: each node is to start its worker while the others are at their first one.
    path = counted_sweep(tmp_path, "clocks", CLOCK, trials=TRIALS, epochs=EPOCHS, epoch_s=1.5)
    code, said = run_command("run", path, "--id", "clocks", **joining(cluster))
    assert code == 0, said
    assert "checking 4 nodes" in said, said
    # Seconds by each worker's own clock since the sweep began, which took less than three minutes.
    seen = [float(file.read_text()) for file in tmp_path.glob("*.clock")]
    assert min(seen) < -4 * 60, seen
    assert max(seen) > 13 * 60, seen
    results = sweeps.open_run(cluster.storage / "clocks")
    whole = unbroken(tmp_path / "unbroken", "clocks_unbroken")
    assert curves(results) == curves(whole)
    assert endings(results) == ["completed"] * TRIALS
    assert all(0 <= row < 60 for row in results.epochs()["epoch_s"])

"""Sweeps on a real cluster of three nodes: sent as jobs, joined, and with parts of it killed."""

from __future__ import annotations

import json
import random
import re
import signal
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import sweeps
from sweeps.findings.results import Results
from sweeps.infra.local.cluster import LocalCluster
from tests.free_port import free_port
from tests.sweeps.drivers import (
    PROJECT,
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


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as folder:
        one = LocalCluster(Path(folder) / "cluster")
        one.up(port=free_port(), dashboard=free_port(), workers=2, cpus=1)
        try:
            yield one
        finally:
            one.down()


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


def submitted(path: Path, environment: dict[str, str]) -> str:
    """Send a sweep to the cluster, and return the name that it has there."""
    code, said = run_command("submit", path, **environment)
    assert code == 0, said
    return said.splitlines()[0]


def test_a_submitted_sweep_is_followed_listed_extended_and_is_the_local_one(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    target = own_net(tmp_path, "sent_net", "")
    path = write_sweep(tmp_path, space=space(custom_model(target)))
    whole = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    environment = cluster.variables()
    name = submitted(path, environment)
    code, logs = run_command("logs", "-f", name, **environment)
    assert code == 0, logs
    assert "6 of 6 trials ended: 6 completed." in logs, logs
    sent = sweeps.open_run(cluster.storage / name)
    assert curves(sent) == curves(whole)
    assert (cluster.storage / name / "inputs" / "sent_net.py").exists()
    (session,) = events(cluster.storage / name, "session")
    assert [node["cpus"] for node in session["nodes"]] == [1, 1, 1]
    code, said = run_command("list", **environment)
    assert code == 0
    assert name in said
    assert "ended" in said
    code, said = run_command("status", name, **environment)
    assert code == 0
    assert f"{name}: ended" in said
    nodes = re.findall(r"^node (\S+): 1 CPU core$", said, re.MULTILINE)
    assert sorted(nodes) == ["head", "worker-1", "worker-2"]
    assert run_command("extend", name, "--trials", "2", **environment)[0] == 0
    code, logs = run_command("logs", "-f", name, **environment)
    assert code == 0, logs
    assert "8 of 8 trials ended: 8 completed." in logs, logs


LOOP = """import torch
from torch.nn.functional import cross_entropy
from sent_parts import make_net

def train(trial, lr):
    net = make_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    trial.keep(net=net, optimizer=optimizer)
    for _ in trial.epochs(lambda rows: {"loss": cross_entropy(net(rows.x), rows.y)}):
        loss = cross_entropy(net(trial.train.x), trial.train.y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield {"loss": loss.item()}
"""
PROGRAM = """import json, os, sys
from sent_parts import slope

with open(os.environ["SWEEPS_METRICS"], "a") as file:
    for epoch in range(1, int(os.environ["SWEEPS_EPOCHS"]) + 1):
        loss = slope(float(sys.argv[1])) / epoch
        print(json.dumps({"epoch": epoch, "loss": loss}), file=file, flush=True)
"""
PARTS = """def make_net():
    import torch
    return torch.nn.Linear(4, 3)

def slope(lr):
    return abs(lr - 0.05)
"""
OWN = {
    "loop": "{kind: custom, target: 'sent_loop:train',"
    " options: {lr: {float: [0.01, 0.1]}}, epochs: 3}",
    "program": "{kind: program, command: 'python sent_program.py {lr}',"
    " options: {lr: {float: [0.01, 0.1]}}, epochs: 3}",
}


@pytest.mark.parametrize("kind", OWN)
def test_own_training_is_sent_with_what_it_imports_and_is_the_local_one(
    cluster: LocalCluster, tmp_path: Path, kind: str
) -> None:
    texts = {"sent_loop": LOOP, "sent_program": PROGRAM, "sent_parts": PARTS}
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    path = write_sweep(
        tmp_path,
        name=f"own-{kind}",
        metrics="{loss: {goal: min}}",
        space=f"{{training: {OWN[kind]}}}",
    )
    if kind == "program":
        path.write_text(path.read_text().replace("data: {source: iris}\n", ""))
    whole = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    environment = cluster.variables()
    name = submitted(path, environment)
    code, logs = run_command("logs", "-f", name, **environment)
    assert code == 0, logs
    assert f"{len(whole.record.trials)} completed." in logs, logs
    assert curves(sweeps.open_run(cluster.storage / name)) == curves(whole)


def test_a_stopped_job_is_resumed_as_another(cluster: LocalCluster, tmp_path: Path) -> None:
    path = counted_sweep(tmp_path, "stopped_job", trials=TRIALS, epochs=EPOCHS, epoch_s=0.2)
    environment = cluster.variables()
    name = submitted(path, environment)
    wait_for(lambda: len(epochs_trained(tmp_path)) > 4)
    code, said = run_command("stop", name, **environment)
    assert code == 0, said
    assert "STOPPED" in said, said
    code, said = run_command("status", name, **environment)
    assert "interrupted" in said
    assert "stopped: interrupted by SIGTERM" in said, said
    code, said = run_command("stop", name, **environment)
    assert code == 9
    assert "is not running" in said
    assert run_command("resume", name, **environment)[0] == 0
    code, logs = run_command("logs", "-f", name, **environment)
    assert code == 0, logs
    whole = unbroken(tmp_path / "unbroken", "stopped_unbroken")
    assert curves(sweeps.open_run(cluster.storage / name)) == curves(whole)


def test_a_killed_driver_is_resumed_from_another_folder_by_name(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    moment = random.Random(1).randint(1, TRIALS * EPOCHS - 12)
    size = {"trials": TRIALS, "epochs": EPOCHS, "waits_at": moment}
    path = counted_sweep(tmp_path, "joined_killed", **size)
    with driver("run", path, "--id", "killed", **joining(cluster)) as one:
        wait_for(lambda: len(epochs_trained(tmp_path)) >= moment)
        one.signal(signal.SIGKILL)
        one.process.wait()
    (tmp_path / "go").touch()
    done = {event["trial"] for event in events(cluster.storage / "killed", "outcome")}
    trained = Counter(epochs_trained(tmp_path))
    elsewhere = joining(cluster) | {"PYTHONPATH": str(PROJECT)}
    code, said = run_command("resume", "killed", cwd=tmp_path, **elsewhere)
    assert code == 0, said
    after = Counter(epochs_trained(tmp_path))
    assert {number: after[number] - trained[number] for number in done} == dict.fromkeys(done, 0)
    whole = unbroken(tmp_path / "unbroken", "joined_unbroken")
    resumed = sweeps.open_run(cluster.storage / "killed")
    assert curves(resumed) == curves(whole)
    assert resumed.winner["trial"] == whole.winner["trial"]


def test_a_node_that_goes_mid_sweep_and_another_that_joins_lose_nothing(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    # The node's trial has no retry of its own: it was not its fault.
    path = counted_sweep(
        tmp_path, "lost_node", trials=TRIALS, epochs=EPOCHS, epoch_s=1.0, trial="{retries: 0}"
    )
    run = cluster.storage / "lost"
    with driver("run", path, "--id", "lost", **joining(cluster)) as one:
        # One on each of the three nodes.
        wait_for(lambda: len(events(run, "started")) - len(events(run, "outcome")) == 3)
        cluster.kill("worker-1")
        cluster.add_worker("worker-3", 1)
        code, said = one.wait()
    assert code == 0, said
    whole = unbroken(tmp_path / "unbroken", "lost_unbroken")
    lost = sweeps.open_run(run)
    assert curves(lost) == curves(whole)
    assert [str(trial.outcome) for trial in lost.record.trials] == ["completed"] * TRIALS
    assert "worker-1" not in cluster.processes.pids()
    assert [event["of_node"] for event in events(lost.path, "failure")] == [True]
    changes = events(lost.path, "nodes")
    assert [name for event in changes for name in event["lost"]] == ["worker-1"]
    assert [name for event in changes for name in event["joined"]] == ["worker-3"]
    assert "node worker-1 has left the cluster" in said


def test_nodes_that_start_on_demand_are_waited_for(cluster: LocalCluster, tmp_path: Path) -> None:
    path = write_sweep(tmp_path, resources="{cpu: 2}")
    code, said = run_command("run", path, "--id", "too_large", **joining(cluster))
    assert code == 4, said
    assert "the largest node has 1" in said, said
    assert "SWEEPS_NODES_WAIT_S" in said, said
    patient = joining(cluster) | {"SWEEPS_NODES_WAIT_S": "600"}
    with driver("run", path, "--id", "waited", **patient) as one:
        one.wait_for_line("waiting up to 600 s for a node")
        cluster.add_worker("worker-4", 2)
        code, said = one.wait()
    assert code == 0, said
    assert len(sweeps.open_run(cluster.storage / "waited").record.ranked()) == 6


def test_a_machine_that_does_not_see_the_storage_asks_the_cluster(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    code, said = run_command("submit", write_sweep(tmp_path), **cluster.variables())
    assert code == 0, said
    name = said.splitlines()[0]
    assert run_command("logs", "-f", name, **cluster.variables())[0] == 0
    # The nodes have it in their environment, and this machine another one.
    laptop = cluster.variables() | {"PYTHONPATH": str(PROJECT)}
    del laptop["SWEEPS_STORAGE"]
    code, said = run_command("status", name, cwd=tmp_path, **laptop)
    assert code == 0, said
    assert f"{name}: ended" in said, said
    code, said = run_command("list", cwd=tmp_path, **laptop)
    assert name in said, said
    code, said = run_command("report", name, cwd=tmp_path, **laptop)
    assert code == 0, said
    page = (tmp_path / f"{name}.report.html").read_text()
    assert page.rstrip().endswith("</html>")
    code, said = run_command("show", "no-such-sweep", cwd=tmp_path, **laptop)
    assert code == 1, said
    assert "no-such-sweep" in said, said


def test_a_running_sweep_is_not_sent_again_and_is_stopped_by_its_id(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    path = counted_sweep(tmp_path, "not_hidden", trials=TRIALS, epochs=EPOCHS, epoch_s=5.0)
    environment = cluster.variables()
    name = submitted(path, environment)
    wait_for(lambda: len(epochs_trained(tmp_path)) > 1)
    code, said = run_command("resume", name, **environment)
    assert code == 9, said
    assert f"{name} is running as job" in said, said
    code, said = run_command("stop", name, **environment)
    assert code == 0, said
    assert "STOPPED" in said, said


def exported(cluster: LocalCluster, name: str) -> dict[str, float]:
    """Return the series of one sweep that the nodes export for Prometheus, by name and tag."""
    discovery = Path(cluster.processes.facts["temporary"]) / "head"
    groups = json.loads((discovery / "prom_metrics_service_discovery.json").read_text())
    found = {}
    for target in (target for group in groups for target in group["targets"]):
        with suppress(OSError), urllib.request.urlopen(f"http://{target}/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("ray_sweeps_") and f'sweep="{name}"' in line:
                    outcome = re.search('outcome="([a-z_]+)"', line)
                    key = line.partition("{")[0] + (f":{outcome[1]}" if outcome else "")
                    found[key] = float(line.rpartition(" ")[2])
    return found


def test_the_nodes_export_how_a_sweep_is_doing_and_status_says_it(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    path = counted_sweep(tmp_path, "exported", trials=TRIALS, epochs=EPOCHS, epoch_s=1.5)
    with driver("run", path, "--id", "exported", **joining(cluster)) as one:
        wait_for(lambda: exported(cluster, "exported").get("ray_sweeps_epochs", 0) > 3)
        series = exported(cluster, "exported")
        wait_for(lambda: events(cluster.storage / "exported", "outcome"))
        code, text = run_command("status", "exported", **joining(cluster))
        _, answer = run_command("status", "exported", "--json", **joining(cluster))
        one.signal(signal.SIGINT)
        one.wait()
    after = exported(cluster, "exported")
    states = {key.partition(":")[2]: n for key, n in series.items() if "trials:" in key}
    assert sum(states.values()) == TRIALS
    assert states["running"] > 0
    assert 0 < series["ray_sweeps_best_objective"] < 3
    assert series["ray_sweeps_tracking_backlog"] == 0
    # Its last state stays for one or two scrapes.
    assert after["ray_sweeps_trials:running"] == 0
    assert after["ray_sweeps_trials:waiting"] > 0
    reports = events(cluster.storage / "exported", "report")
    assert after["ray_sweeps_epochs"] == sum(len(report["epochs"]) for report in reports)
    assert code == 0, text
    assert "exported: running" in text
    assert re.search(r"epochs/(s|min) \| about \d+ (s|min) left", text), text
    status = json.loads(answer)
    # At most 45 of the 54 epochs, and three nodes that train one in some seconds.
    assert 0 < status["left_s"] < 45 / status["epochs_per_s"]
    # An epoch takes a CPU 1.5 s at best; reports may come in heaps.
    assert 0 < status["epochs_per_s"] < 2 * sum(cpus for _, cpus, _ in status["nodes"]) / 1.5
    (session,) = events(cluster.storage / "exported", "session")
    assert status["nodes"] == [
        [node["name"], node["cpus"], node["gpus"]] for node in session["nodes"]
    ]
    assert len(status["nodes"]) >= 3


def running(run: Path) -> int:
    return len(events(run, "started")) - len(events(run, "outcome"))


@pytest.mark.timeout(400)  # three drivers start
def test_three_sweeps_share_the_nodes_that_the_first_had(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    runs = first, second, third = [cluster.storage / name for name in ("first", "second", "third")]
    for run in runs:
        (tmp_path / run.name).mkdir()
    paths = [
        counted_sweep(tmp_path / "first", "first", trials=400, epoch_s=0.2),
        counted_sweep(tmp_path / "second", "second", resources="{workers: 1}", epoch_s=0.2),
        counted_sweep(tmp_path / "third", "third", epoch_s=0.2),
    ]
    with driver("run", paths[0], "--id", "first", **joining(cluster)) as one:
        wait_for(lambda: events(first, "outcome"))
        (session,) = events(first, "session")
        cpus = int(sum(node["cpus"] for node in session["nodes"]))
        wait_for(lambda: running(first) == cpus)
        with (
            driver("run", paths[1], "--id", "second", **joining(cluster)) as other,
            driver("run", paths[2], "--id", "third", **joining(cluster)) as another,
        ):
            ended = [driver.wait() for driver in (other, another)]
        wait_for(lambda: running(first) == cpus)  # it has all places again
        one.signal(signal.SIGINT)
        one.wait()
    assert [code for code, _ in ended] == [0, 0], ended
    whole = unbroken(tmp_path / "unbroken", "three_unbroken")
    assert [curves(sweeps.open_run(run)) for run in (second, third)] == [curves(whole)] * 2
    # They were told of one another, and the first when that was over.
    assert any("second holds" in event["text"] for event in events(first, "shared"))
    assert any("first holds" in event["text"] for event in events(second, "shared"))
    assert events(first, "shared")[-1]["text"] == ""
    # One worker, as the file says: a trial begins when the one before has ended.
    started = [event["t"] for event in events(second, "started")]
    over = [event["t"] for event in events(second, "outcome")]
    assert all(begin >= end for begin, end in zip(started[1:], over, strict=False))


def test_a_wrong_token_ends_with_the_way_out(cluster: LocalCluster, tmp_path: Path) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("0" * 64)
    path, before = write_sweep(tmp_path), set(cluster.storage.iterdir())
    for address in (cluster.variables(), joining(cluster)):
        command = "submit" if address["RAY_ADDRESS"].startswith("http") else "run"
        code, said = run_command(command, path, **address | {"RAY_AUTH_TOKEN_PATH": str(wrong)})
        assert code == 9, said
        assert "RAY_AUTH_TOKEN_PATH" in said, said
    assert set(cluster.storage.iterdir()) == before

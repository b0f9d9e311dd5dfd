"""Own code is tried before a sweep starts, in a process of its own: what it breaks is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sweeps
from sweeps.cli.commands import main
from sweeps.errors import SweepFileError
from sweeps.rehearsal import rehearsal_apart
from tests.sweeps.drivers import driver
from tests.sweeps.sweep_files import space, write_sweep

NETS = "tests.sweeps.rehearsal.rehearsed_nets"
UNUSED = "options: {width: 4, rate: {float: [0.1, 0.5]}}"


def swallowing(folder: Path, sanity_check: str) -> Path:
    model = f"{{kind: custom, target: '{NETS}:swallows', {UNUSED}}}"
    return write_sweep(
        folder,
        space=space(model, "{kind: adam}"),
        search="{method: random, trials: 2}",
        trial=f"{{sanity_check: {sanity_check}}}",
    )


def test_a_run_refuses_what_own_code_does_not_keep_and_writes_nothing(tmp_path: Path) -> None:
    path = swallowing(tmp_path, "error")
    with pytest.raises(SweepFileError) as caught:
        sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    (problem,) = caught.value.problems
    assert problem.path == "space.model.options.rate.float"
    assert problem.line == 6
    assert problem.rule.startswith("has no effect: with ")
    assert "sanity_check: warn" in problem.hint
    assert not (tmp_path / "runs").exists()


def test_what_is_accepted_stands_in_the_record_and_the_report(tmp_path: Path) -> None:
    path = swallowing(tmp_path, "warn")
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    folder = results.folder.path
    (note,) = json.loads((folder / "sweep.json").read_text())["sanity"]
    assert note.startswith("space.model.options.rate.float: has no effect")
    assert "has no effect" in (folder / "report.html").read_text()


def test_validate_tries_own_code_only_where_it_may_run_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = swallowing(tmp_path, "error")
    assert main(["validate", str(path)]) == 0
    assert main(["validate", "--run-code", str(path)]) == 2
    assert "has no effect" in capsys.readouterr().err


def test_a_net_that_kills_its_process_is_told_and_left_to_its_trials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = f"{{kind: custom, target: '{NETS}:kills'}}"
    path = write_sweep(tmp_path, space=space(model), trial="{sanity_check: error}")
    assert main(["validate", "--run-code", str(path), "--json"]) == 0
    (note,) = json.loads(capsys.readouterr().out)["sanity"]
    assert "was not completed: its process ended with -9" in note


@pytest.mark.parametrize(("gpu", "code"), [(0, 2), (1, 0)])
def test_a_net_that_insists_on_the_gpu_that_it_is_given_is_left_to_its_trials(
    gpu: int, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(
        tmp_path,
        space=space(f"{{kind: custom, target: '{NETS}:insists_on_a_gpu'}}"),
        trial="{sanity_check: error}",
        resources=f"{{gpu: {gpu}}}",
    )
    assert main(["validate", "--run-code", str(path)]) == code
    assert "no NVIDIA driver" in "".join(capsys.readouterr())


@pytest.mark.parametrize("net", ["RemembersInItsModule", "HashesATextAnew"])
def test_what_no_checkpoint_holds_is_found_in_a_new_process(net: str, tmp_path: Path) -> None:
    model = f"{{kind: custom, target: '{NETS}:{net}'}}"
    path = write_sweep(tmp_path, space=space(model), trial="{sanity_check: error}")
    with pytest.raises(SweepFileError) as caught:
        sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    (problem,) = caught.value.problems
    assert problem.path == "space.model.target"
    assert "continues from its checkpoint in a new process differs in epoch 2 " in problem.rule
    assert "nothing that a module, a class or a function remembers" in problem.hint
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("net", "words"),
    [
        ("RaisesInANewProcess", "raised KeyError: 'a table that only the first process has'"),
        ("ExitsInANewProcess", "raised SystemExit: 3"),
    ],
)
def test_what_going_on_in_a_new_process_raises_is_an_error_at_its_place(
    net: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = f"{{kind: custom, target: '{NETS}:{net}'}}"
    path = write_sweep(tmp_path, space=space(model), trial="{sanity_check: error}")
    assert main(["validate", "--run-code", str(path)]) == 2
    said = capsys.readouterr().err
    assert "space.model.target" in said
    assert f"continues from its checkpoint in a new process {words}" in said


@pytest.mark.parametrize(
    ("net", "words"),
    [
        ("KillsANewProcess", "continuing from a checkpoint in a new process ended it with -9"),
        (
            "ComputesInANewProcess",
            "continuing from a checkpoint in a new process computed for more than 20 s",
        ),
    ],
)
def test_a_new_process_that_ends_without_an_answer_is_told(
    net: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = f"{{kind: custom, target: '{NETS}:{net}'}}"
    path = write_sweep(tmp_path, space=space(model), trial="{sanity_check: error}")
    assert main(["validate", "--run-code", str(path), "--json"]) == 0
    (note,) = json.loads(capsys.readouterr().out)["sanity"]
    assert "the sanity check of your own code was not completed: " in note
    assert words in note


def test_a_new_process_that_never_ends_is_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal_apart, "_HANGS_S", 5.0)
    model = f"{{kind: custom, target: '{NETS}:SleepsInANewProcess'}}"
    path = write_sweep(tmp_path, space=space(model), trial="{sanity_check: error}")
    assert main(["validate", "--run-code", str(path), "--json"]) == 0
    (note,) = json.loads(capsys.readouterr().out)["sanity"]
    assert "was not completed: it took more than 5 s" in note


def test_processes_that_own_code_leaves_end_with_the_rehearsal(tmp_path: Path) -> None:
    (tmp_path / "leaves.py").write_text(
        f"import os, subprocess\nfrom {NETS} import LeavesForksInANewProcess as Forks\n"
        "def build(input_shape, outputs):\n"
        "    subprocess.Popen(['sleep', '3611'])\n"
        "    subprocess.Popen(['sleep', '3612'], start_new_session=True)\n"
        "    os.system('trap \"\" TERM; sleep 3613 &')\n"
        "    return Forks(input_shape, outputs)\n"
    )
    model = "{kind: custom, target: 'leaves:build'}"
    path = write_sweep(tmp_path, space=space(model), trial="{sanity_check: error}")
    with driver("validate", "--run-code", path) as one:
        code, said = one.wait()
        left = one.left_running()
    assert code == 0, said
    assert "not completed" not in said
    assert left == []

"""Code of the user's own that ends, prints or raises what it should not: own words, right codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import sweeps
from tests.sweeps.drivers import PROJECT, counted_sweep, driver, events, run_command
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

_DATA = """
import argparse, os, sys, threading, time
import numpy as np

class Silent(Exception):
    def __str__(self): raise RuntimeError("no text")

class Own(BaseException): pass

{top}

def load():
    {body}
    return np.arange(240.0).reshape(120, 2), np.arange(120) % 2
"""


def own_data(folder: Path, module: str, body: str = "pass", top: str = "") -> Path:
    (folder / f"{module}.py").write_text(_DATA.format(body=body, top=top))
    return write_sweep(
        folder,
        data=f"{{source: '{module}:load'}}",
        search="{method: random, trials: 1}",
        space=space(epochs=2),
    )


ENDS = {
    "exits": "sys.exit(0)",
    "exits_hard": "os._exit(0)",
    "leaves": "raise GeneratorExit",
    "own": "raise Own('enough')",
    "silent": "raise Silent",
}


@pytest.mark.parametrize("name", ENDS)
def test_a_data_function_that_ends_the_program_is_named(tmp_path: Path, name: str) -> None:
    path = own_data(tmp_path, f"data_{name}", ENDS[name])
    code, said = run_command("run", path, "--runs", tmp_path / "runs", "--local")
    assert code == 2, said
    assert "data.source: the function must return (features, target), but" in said
    assert "Traceback" not in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "top", ["sys.exit(0)", "argparse.ArgumentParser().parse_args()"], ids=["exits", "reads"]
)
def test_a_data_module_that_ends_the_program_when_imported_is_named(
    tmp_path: Path, top: str
) -> None:
    path = own_data(tmp_path, f"import_{len(top)}", top=top)
    code, said = run_command("run", path, "--runs", tmp_path / "runs", "--local")
    assert code == 2, said
    assert "exited when it was imported (SystemExit" in said
    assert "if it reads the command line" in said


def test_ctrl_c_before_there_is_a_sweep_offers_no_resume(tmp_path: Path) -> None:
    path = own_data(tmp_path, "data_interrupted", "raise KeyboardInterrupt")
    code, said = run_command("run", path, "--runs", tmp_path / "runs", "--local")
    assert (code, said.strip()) == (130, "interrupted")


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("exits", "raise SystemExit(3)", "SystemExit: 3"),
        ("exits_hard", "os._exit(0)", "SystemExit: 0"),
        ("leaves", "raise GeneratorExit", "GeneratorExit"),
        ("interrupts", "raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("leaves_str", "raise type('Odd', (BaseException,), {'__str__': exit})", "str()"),
        ("silent", "raise type('Silent', (Exception,), {'__str__': lambda self: 1 / 0})", "str()"),
    ],
)
def test_a_net_that_ends_the_program_fails_alone(
    tmp_path: Path, name: str, line: str, reason: str
) -> None:
    body = f"        if self.training and self.number == 1:\n            {line}"
    path = counted_sweep(tmp_path, f"net_{name}", body, trials=3, epochs=2, epoch_s=0)
    code, said = run_command("run", path, "--runs", tmp_path / "runs", "--local")
    assert code == 0, said
    results = sweeps.open_run(tmp_path / "runs" / "blobs")
    assert [str(one.outcome) for one in results.record.trials] == [
        "completed",
        "failed",
        "completed",
    ]
    assert reason in results.record.trials[1].reason


def test_a_net_whose_module_reads_the_command_line_is_tried_once(tmp_path: Path) -> None:
    target = own_net(tmp_path, "net_reads", "")
    module = tmp_path / "net_reads.py"
    reads = "import argparse\nargparse.ArgumentParser().parse_args()\n"
    module.write_text(reads + module.read_text())
    only = space(custom_model(target), "{kind: adam, lr: 0.01}", epochs=2)
    path = write_sweep(tmp_path, search="{method: grid}", space=only)
    code, said = run_command("run", path, "--runs", tmp_path / "runs", "--local")
    assert code == 8, said
    run = tmp_path / "runs" / "blobs"
    assert len(events(run, "started")) == len(events(run, "outcome"))
    assert "If it reads the command line" in events(run, "outcome")[0]["reason"]


def test_what_own_code_prints_stands_in_no_answer(tmp_path: Path) -> None:
    body = "        if self.training: print('a net speaks')"
    target = own_net(tmp_path, "net_prints", body)
    data = own_data(tmp_path, "data_prints", "print('data speaks')")
    path = write_sweep(
        tmp_path,
        data="{source: 'data_prints:load'}",
        search="{method: grid}",
        space=space(custom_model(target), "{kind: adam, lr: 0.01}", epochs=1),
    )
    assert path == data
    command = [sys.executable, "-m", "sweeps", "run", str(path), "--local", "--no-mlflow", "--json"]
    done = subprocess.run(
        [*command, "--runs", str(tmp_path / "runs")], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcomes"] == {"completed": 1}
    assert "data speaks" in done.stderr
    assert "a net speaks" in done.stderr


def test_a_message_of_megabytes_is_cut(tmp_path: Path) -> None:
    body = "        if self.training: raise ValueError('x' * 5_000_000)"
    path = counted_sweep(tmp_path, "net_talks", body, trials=1, epochs=2)
    code, said = run_command("run", path, "--runs", tmp_path / "runs", "--local")
    assert code == 8, said[:2_000]
    assert len(said) < 20_000, len(said)
    assert "more characters)" in said
    assert (tmp_path / "runs" / "blobs" / "ledger.jsonl").stat().st_size < 200_000


def test_what_user_code_does_at_pythons_end_does_not_keep_the_command(tmp_path: Path) -> None:
    path = own_data(tmp_path, "data_atexit", "import atexit; atexit.register(time.sleep, 3600)")
    code, said = run_command("plan", path, "--no-probe")
    assert code == 0, said
    assert "exiting; a function registered with atexit was still running" in said


def test_a_thread_that_never_ends_does_not_keep_the_command(tmp_path: Path) -> None:
    path = own_data(
        tmp_path, "data_threads", "threading.Thread(target=time.sleep, args=(3600,)).start()"
    )
    code, said = run_command("plan", path, "--no-probe")
    assert code == 0, said
    assert "exiting; these threads were still running: Thread-" in said


def test_processes_that_own_code_started_end_with_the_command(tmp_path: Path) -> None:
    own_data(tmp_path, "data_starts", "import subprocess; subprocess.Popen(['sleep', '3601'])")
    starts = "        if self.training and self.calls == 1:\n            import subprocess\n"
    starts += "            subprocess.Popen(['sleep', '3602'], start_new_session=True)\n"
    starts += "            subprocess.Popen('trap \"\" TERM; sleep 3603; true', shell=True)\n"
    starts += "            os.system('sleep 3604 &')\n"
    model = custom_model(own_net(tmp_path, "net_starts", starts))
    path = write_sweep(
        tmp_path,
        data="{source: 'data_starts:load'}",
        search="{method: grid}",
        space=space(model, "{kind: adam, lr: 0.01}", epochs=1),
    )
    with driver("run", path, "--runs", tmp_path / "runs", "--local") as one:
        code, said = one.wait()
        left = one.left_running()
    assert code == 0, said
    assert left == []

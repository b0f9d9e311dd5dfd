"""A sweep's own code is what its trials were trained with, or a person has accepted it in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.errors import RunFolderError
from sweeps.findings.results import Results
from sweeps.record.replay import read_record
from sweeps.record.run_folder import RunFolder
from tests.sweeps.drivers import events, run_command
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

ON_DISK: dict[str, Any] = {"runner": "local", "tracking_uri": "none"}


def started(folder: Path, module: str, trials: int = 2, **sections: str) -> Results:
    """Run two of four trials of a net whose module imports another one."""
    target = own_net(folder, module, "        out = activation(out)")
    file = folder / f"{module}.py"
    file.write_text(f"from {module}_part import activation\n{file.read_text()}")
    (folder / f"{module}_part.py").write_text("from torch import tanh as activation\n")
    models = ", ".join(custom_model(target, number) for number in range(4))
    path = write_sweep(
        folder,
        search="{method: grid}",
        space=space(f"{{choice: [{models}]}}", "{kind: adam, lr: 0.05}", epochs=2),
        **{"budget": f"{{trials: {trials}}}", **sections},
    )
    return sweeps.run(path, runs=folder / "runs", **ON_DISK)


def contents(run: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def changed(before: dict[Path, bytes]) -> set[str]:
    return {path.name for path in before if path.read_bytes() != before[path]}


def edited(file: Path) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace("tanh", "relu"), encoding="utf-8")


def more(run: Path, **options: Any) -> Results:
    return sweeps.resume(run, overrides=["budget.trials=null"], **ON_DISK, **options)


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("net", edited, r"{}\.py changed"),
        ("part", edited, r"{}_part\.py changed"),
        ("gone", Path.unlink, r"{}\.py is gone"),
    ],
)
def test_changed_code_is_refused_before_anything_and_restored_code_goes_on(
    tmp_path: Path, name: str, damage: Callable[[Path], None], words: str
) -> None:
    module = f"held_{name}"
    run = started(tmp_path, module).path
    before = contents(run)
    file = tmp_path / (f"{module}_part.py" if name == "part" else f"{module}.py")
    (tmp_path / f"{module}.py").write_text((tmp_path / f"{module}.py").read_text() + "# tanh\n")
    damage(file)
    with pytest.raises(RunFolderError, match=words.format(module)) as caught:
        more(run)
    assert caught.value.exit_code == 3
    assert "--accept-code" in str(caught.value)
    assert changed(before) <= {".lock", "log.jsonl"}
    for kept in (run / "code").glob("*.py"):
        (tmp_path / kept.name).write_bytes(kept.read_bytes())
    assert more(run).record.outcomes == {"completed": 4}


@pytest.mark.parametrize("command", ["extend", "retry", "final"])
def test_no_command_goes_on_with_other_code(tmp_path: Path, command: str) -> None:
    module = f"held_from_{command}"
    fails = "        if self.number > 4: raise ValueError('bad')"
    target = own_net(tmp_path, module, fails)
    number = "{int: [0, 9]}"
    model = custom_model(target).replace("number: 0", f"number: {number}")
    path = write_sweep(
        tmp_path,
        search="{method: random, trials: 4}",
        space=space(model, epochs=2),
        trial="{retries: 0}",
    )
    run = sweeps.run(path, runs=tmp_path / "runs", **ON_DISK).path
    (tmp_path / f"{module}.py").write_text((tmp_path / f"{module}.py").read_text() + "\n")
    before = contents(run)
    given = {"extend": ["--trials", "1"]}.get(command, [])
    code, output = run_command(command, run, *given, "--local")
    assert code == 3
    assert f"{module}.py changed" in output
    assert changed(before) <= {".lock", "log.jsonl"}
    code, output = run_command(command, run, *given, "--local", "--accept-code")
    assert code in (0, 8)
    assert events(run, "session")[-1]["accepted"] == [f"{module}.py changed"]


def test_accepted_code_is_recorded_reported_and_held_from_then_on(tmp_path: Path) -> None:
    run = started(tmp_path, "accepted").path
    edited(tmp_path / "accepted_part.py")
    results = more(run, accept_code=True)
    assert results.record.outcomes == {"completed": 4}
    assert read_record(RunFolder.open(run)).accepted == ["accepted_part.py changed"]
    assert "changed within the sweep, and accepted: accepted_part.py changed" in (
        run / "report.html"
    ).read_text(encoding="utf-8")
    assert "tanh" in (run / "code-1" / "accepted_part.py").read_text()
    assert "relu" in (run / "code" / "accepted_part.py").read_text()
    sweeps.final(run, **ON_DISK)  # what was accepted needs no second word


def test_a_function_that_loads_data_is_code_too(tmp_path: Path) -> None:
    (tmp_path / "loads_held.py").write_text(
        "import numpy as np\n"
        "def load():\n"
        "    x = np.arange(120.0).reshape(60, 2) % 7\n"
        "    return x, x.sum(axis=1) > 6\n"
    )
    path = write_sweep(tmp_path, data="{source: 'loads_held:load'}", budget="{trials: 2}")
    run = sweeps.run(path, runs=tmp_path / "runs", **ON_DISK).path
    file = tmp_path / "loads_held.py"
    file.write_text(f"{file.read_text()}# the same rows\n")
    with pytest.raises(RunFolderError, match=r"loads_held\.py changed"):
        more(run)


def test_predictions_come_from_the_code_that_trained_the_net(tmp_path: Path) -> None:
    run = started(tmp_path, "answers", trials=4).path
    rows = tmp_path / "rows.csv"
    names = ",".join(
        f"{part} {side} (cm)" for part in ("sepal", "petal") for side in ("length", "width")
    )
    rows.write_text(names + "\n5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n")
    first = run_command("predict", run, rows)
    (tmp_path / "answers_part.py").write_text("def activation(out): return out * 0 - 1\n")
    assert run_command("predict", run, rows) == first
    assert first[0] == 0, first[1]


def test_a_finished_sweep_needs_no_code_to_be_resumed(tmp_path: Path) -> None:
    results = started(tmp_path, "over", trials=4)
    edited(tmp_path / "over_part.py")
    (results.path / "epochs.parquet").unlink()
    code, output = run_command("resume", results.path, "--local", "--no-mlflow")
    assert code == 0, output
    assert (results.path / "epochs.parquet").exists()
    with pytest.raises(RunFolderError, match=r"over_part\.py changed"):
        sweeps.resume(results.path, overrides=["budget.trials=null"], **ON_DISK)

"""Own code that is edited while a sweep runs, or between two of one process: never two in one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.errors import RunFolderError
from sweeps.findings.results import Results
from sweeps.session import session
from tests.sweeps.drivers import events, run_command
from tests.sweeps.programs import program_sweep
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

ON_DISK: dict[str, Any] = {"runner": "local", "tracking_uri": "none"}
TANH = "        out = torch.tanh(out)\n"
EDITS = """
            FILE = Path(__file__)
            FILE.write_text(FILE.read_text().replace('tanh', 'relu'))
"""
# Trial 1 dies once, after the file was edited: what goes on with it imports the edited one.
DIES = f"""{TANH}
        if self.training and self.number == 1 and not (HERE / 'died').exists():
            (HERE / 'died').touch(){EDITS}
            os.kill(os.getpid(), signal.SIGKILL)
"""
# With the last epoch that is trained, the file is edited.
EDITS_AT_LAST = f"""{TANH}
        if self.training:
            with (HERE / 'calls').open('a') as log: log.write('x')
        if self.training and len((HERE / 'calls').read_text()) == LAST:{EDITS}
"""
EDITED_BY_ITS_PROGRAM = """for epoch in range(1, EPOCHS + 1):
    report(epoch)
with open("train.py", "a") as script:
    script.write("# edited\\n")
"""


def swept(folder: Path, module: str, body: str = TANH, trials: int = 3, **sections: str) -> Path:
    folder.mkdir(exist_ok=True)
    target = own_net(folder, module, body)
    models = ", ".join(custom_model(target, number) for number in range(trials))
    text = space(f"{{choice: [{models}]}}", "{kind: adam, lr: 0.05}", epochs=2)
    text = text.replace("batch_size: 32", "batch_size: full")
    return write_sweep(folder, search="{method: grid}", space=text, **sections)


def losses(results: Results) -> list[list[float]]:
    frame: Any = results.epochs().sort_values(["trial", "epoch"])
    return frame[["trial", "epoch", "dev_loss"]].to_numpy().tolist()  # type: ignore[no-any-return]


def run(path: Path, **options: Any) -> Results:
    return sweeps.run(path, runs=path.parent / "runs", **{**ON_DISK, **options})


def by_command(path: Path) -> Results:
    code, output = run_command("run", path, "--local", "--runs", path.parent / "fresh")
    assert code == 0, output
    return sweeps.open_run(path.parent / "fresh" / "blobs")


def test_what_is_edited_between_two_sweeps_of_a_process_is_what_the_second_trains(
    tmp_path: Path,
) -> None:
    path = swept(tmp_path, "edited_net")
    file = tmp_path / "edited_net.py"
    (tmp_path / "edited_part.py").write_text("from torch import tanh\n")
    file.write_text(
        "import edited_part\n" + file.read_text().replace("torch.tanh", "edited_part.tanh")
    )
    first = losses(run(path))
    (tmp_path / "edited_part.py").write_text("from torch import relu as tanh\n")
    second = losses(run(path))
    assert second == losses(by_command(path))
    assert second != first


def test_a_module_of_another_folder_is_not_that_of_the_same_name_before(tmp_path: Path) -> None:
    one, two = (
        swept(tmp_path / name, "of_two", body, trials=1)
        for name, body in (("one", TANH), ("two", TANH.replace("tanh", "relu")))
    )
    first, second = losses(run(one)), losses(run(two))
    assert second == losses(by_command(two))
    assert second != first
    assert losses(run(one)) == first


def test_predictions_are_of_the_net_that_was_trained_in_the_same_process(tmp_path: Path) -> None:
    path = swept(tmp_path, "predicts_edited", trials=1)
    results = run(path)
    rows = tmp_path / "rows.csv"
    names = (f"{a} {b} (cm)" for a in ("sepal", "petal") for b in ("length", "width"))
    rows.write_text(",".join(names) + "\n5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n")
    first = sweeps.predict(results.path, rows)
    file = tmp_path / "predicts_edited.py"
    file.write_text(file.read_text().replace("torch.tanh(out)", "out * 0 - 1"))
    assert repr(sweeps.predict(results.path, rows)) == repr(first)


@pytest.mark.parametrize("edit", [lambda text: text + "# edited\n", lambda text: text + "(\n"])
def test_a_sweep_whose_code_is_edited_while_it_starts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: Callable[[str], str]
) -> None:
    (tmp_path / "starts_edited.py").write_text(
        "import numpy as np\n"
        "def load():\n"
        "    x = np.arange(120.0).reshape(60, 2) % 7\n"
        "    return x, x.sum(axis=1) > 6\n"
    )
    path = write_sweep(tmp_path, data="{source: 'starts_edited:load'}")
    loaded = session.load_data

    def loads_and_edits(*arguments: Any) -> Any:
        data = loaded(*arguments)
        file = tmp_path / "starts_edited.py"
        file.write_text(edit(file.read_text()))
        return data

    monkeypatch.setattr(session, "load_data", loads_and_edits)
    with pytest.raises(RunFolderError, match=r"starts_edited\.py did; type the command again"):
        run(path)
    assert not (tmp_path / "runs" / "blobs").exists()


def test_a_program_that_is_edited_ends_the_sweep_before_another_trial(tmp_path: Path) -> None:
    path = program_sweep(tmp_path, EDITED_BY_ITS_PROGRAM)
    with pytest.raises(RunFolderError, match=r"another version of: train\.py") as caught:
        run(path)
    assert "--accept-code" in str(caught.value)
    found = sweeps.open_run(tmp_path / "runs" / "blobs")
    assert found.record.outcomes == {"completed": 1}
    (tmp_path / "train.py").write_text((found.path / "code" / "train.py").read_text())
    with pytest.raises(RunFolderError, match=r"another version of: train\.py"):
        sweeps.resume(found.path, **ON_DISK)
    assert sweeps.open_run(found.path).record.outcomes == {"completed": 2}


def test_a_worker_that_starts_after_an_edit_trains_nothing_with_it(tmp_path: Path) -> None:
    whole = by_command(swept(tmp_path / "whole", "unedited"))
    path = swept(tmp_path, "edited_on_ray", DIES, resources="{cpu: 2}")
    code, output = run_command("run", path, "--runs", tmp_path / "runs")
    assert code == 3, output
    assert "another version of: edited_on_ray.py" in " ".join(output.split())
    run = tmp_path / "runs" / "blobs"
    assert [one["failure"] for one in events(run, "outcome") if one.get("failure")] == []
    file = tmp_path / "edited_on_ray.py"
    file.write_bytes((run / "code" / file.name).read_bytes())
    code, output = run_command("resume", run, "--local")
    assert code == 0, output
    assert losses(sweeps.open_run(run)) == losses(whole)


def test_what_is_edited_before_the_test_rows_are_opened_does_not_change_their_figures(
    tmp_path: Path,
) -> None:
    final = "{top_k: 1, seeds: 2}"
    whole = swept(tmp_path / "whole", "untouched", trials=1, final=final)
    body = EDITS_AT_LAST.replace("LAST", "8")
    path = swept(tmp_path, "edited_last", body, trials=1, final=final)
    code, output = run_command("run", path, "--runs", tmp_path / "runs")
    assert code == 0, output
    assert "relu" in (tmp_path / "edited_last.py").read_text()
    (tested,), (expected,) = (
        [one.metrics for one in run.openings if one.metrics]
        for run in (sweeps.open_run(tmp_path / "runs" / "blobs"), by_command(whole))
    )
    assert tested == expected

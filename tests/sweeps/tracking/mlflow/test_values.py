"""What MLflow is told is within its limits, whatever paths, options and errors hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sweeps
from tests.sweeps.drivers import run_command
from tests.sweeps.sweep_files import own_net, space, write_sweep
from tests.sweeps.tracking.mlflow.test_projection import Record, store

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)
ON_DISK: dict[str, Any] = {"runner": "local", "tracking_uri": "none"}


def synced(path: Path) -> Record:
    runs = path.parent / "runs"
    results = sweeps.run(path, runs=runs, **ON_DISK)
    sweeps.sync(results.path, tracking_uri=store(runs))
    return Record(store(runs))


def test_a_long_path_of_data_and_a_long_option_are_cut(tmp_path: Path) -> None:
    deep = Path(*["d" * 100] * 6, "rows.csv")
    (tmp_path / deep.parent).mkdir(parents=True)
    rows = "".join(f"{n % 13},{n % 7},{n % 2}\n" for n in range(60))
    (tmp_path / deep).write_text(f"a,b,y\n{rows}")
    target = own_net(tmp_path, "takes_long_options", "")
    file = tmp_path / "takes_long_options.py"
    file.write_text(file.read_text().replace("number=0)", "number=0, note='')"))
    model = f"{{kind: custom, target: '{target}', options: {{number: {{int: [0, 9]}}, note: "
    found = synced(
        write_sweep(
            tmp_path,
            data=f"{{source: {deep}, target: y}}",
            search="{method: random, trials: 2}",
            space=space(f"{model}{'x' * 7000}}}}}", epochs=2),
        )
    )
    names = {one.dataset.name for one in found.parent.inputs.dataset_inputs}
    assert names == {"rows.csv-train", "rows.csv-dev", "rows.csv-test"}
    [option] = {run.data.params["model.options.note"] for run in found.trials.values()}
    assert option == "x" * 5999 + "…"


def test_half_of_a_surrogate_pair_in_an_error_stops_no_record(tmp_path: Path) -> None:
    body = r"        if self.number == 0: raise ValueError('bad \udcff')"
    target = own_net(tmp_path, "raises_surrogates", body)
    model = f"{{kind: custom, target: '{target}', options: {{number: {{int: [0, 1]}}}}}}"
    path = write_sweep(
        tmp_path, search="{method: grid}", space=space(model, "{kind: adam, lr: 0.05}", epochs=2),
        trial="{retries: 0}",
    )  # fmt: skip
    # In a process of its own: a test's worker cannot send what was logged here.
    code, output = run_command("run", path, "--local", "--runs", tmp_path / "runs")
    assert code == 0, output
    sweeps.sync(tmp_path / "runs" / "blobs", tracking_uri=store(tmp_path / "runs"))
    found = Record(store(tmp_path / "runs"))
    assert sorted(run.info.status for run in found.trials.values()) == ["FAILED", "FINISHED"]
    assert r"bad \udcff" in found.trials[0].data.tags["failures"]


def test_what_a_terminal_or_a_note_would_obey_is_recorded_as_it_is_written(tmp_path: Path) -> None:
    body = r"        if self.number == 0: raise ValueError('\x1b[31m<img src=x> *red*')"
    target = own_net(tmp_path, "says_escapes", body)
    file = tmp_path / "says_escapes.py"
    file.write_text(file.read_text().replace("number=0)", "number=0, note='')"))
    note = r'"\e]0;T\a<b>|[x](https://evil.example)\u202e"'
    model = (
        f"{{kind: custom, target: '{target}', options: {{number: {{int: [0, 1]}}, note: {note}}}}}"
    )
    found = synced(
        write_sweep(
            tmp_path, search="{method: grid}", trial="{retries: 0}",
            space=space(model, "{kind: adam, lr: 0.05}", epochs=2),
        )
    )  # fmt: skip
    failed = found.trials[0].data
    assert failed.params["model.options.note"] == (
        r"\x1b]0;T\x07<b>|[x](https://evil.example)\u202e"
    )
    assert r"\x1b[31m<img src=x>" in failed.tags["failures"]
    assert r"&lt;img src=x&gt; \*red\*" in failed.tags["mlflow.note.content"]
    assert r"&lt;b&gt;\|\[x\]" in found.parent.data.tags["mlflow.note.content"]
    runs = (found.parent, *found.trials.values())
    told = "".join("".join([*run.data.tags.values(), *run.data.params.values()]) for run in runs)
    assert "\x1b" not in told

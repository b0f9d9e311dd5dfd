"""What MLflow is told is within its limits, whatever paths, options and errors hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sweeps
from tests.sweeps.drivers import run_command
from tests.sweeps.sweep_files import own_net, space, write_sweep
from tests.sweeps.tracking.test_projection import Record, store

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

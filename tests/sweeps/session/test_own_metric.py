"""A sweep that is judged by a metric of the user's own, from its file to its record."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import sweeps
from sweeps.definition.loading import load_sweep
from sweeps.errors import SweepFileError
from sweeps.findings.results import Results
from sweeps.record.final import read_final, read_openings
from sweeps.record.run_folder import RunFolder
from tests.sweeps.sweep_files import write_sweep

MEASURES = Path(__file__).resolve().parents[2] / "models" / "own_measures.py"
HITS = "{hits: {target: 'measures:hits', goal: max, bounds: [0, 1]}}"


def own_sweep(folder: Path, metrics: str = HITS, **sections: str) -> Path:
    shutil.copy(MEASURES, folder / "measures.py")
    judged = {"objective": "{metric: dev_hits}", "metrics": metrics}
    return write_sweep(folder, **{**judged, **sections})


def run(path: Path) -> Results:
    return sweeps.run(path, runs=path.parent / "runs", runner="local", tracking_uri="none")


def test_a_sweep_is_judged_by_an_own_metric_to_the_test_rows(tmp_path: Path) -> None:
    path = own_sweep(
        tmp_path, final="{top_k: 2, seeds: 3}",
        stopping="{scheduler: asha, grace_epochs: 1, reduction_factor: 2}",
    )  # fmt: skip
    results = run(path)
    assert results.winner is not None
    best = results.winner["best"]
    assert best["dev_hits"] == pytest.approx(best["dev_accuracy"])
    tested = read_openings(RunFolder(results.path))[-1].metrics
    assert tested["test_hits"].value == pytest.approx(tested["test_accuracy"].value)
    final = read_final(RunFolder(results.path))
    assert final is not None
    assert (final.metric, final.mode) == ("dev_hits", "max")
    assert all(one.high is not None and one.high <= 1 for one in final.candidates)
    assert "dev_hits" in (results.path / "report.html").read_text()


def test_a_sweep_of_folds_has_an_own_metric_with_its_error(tmp_path: Path) -> None:
    results = run(own_sweep(tmp_path, data="{source: iris, split: {folds: 3}}"))
    assert {"dev_hits", "dev_hits_se"} <= set(results.epochs().columns)


def test_the_code_of_an_own_metric_is_kept_with_the_run(tmp_path: Path) -> None:
    results = run(own_sweep(tmp_path))
    assert (results.path / "code" / "measures.py").read_text() == MEASURES.read_text()


def test_what_is_wrong_fails_a_trial_once_with_its_reason(tmp_path: Path) -> None:
    metrics = "{hits: {target: 'measures:by_row', goal: max}}"
    path = own_sweep(tmp_path, metrics, search="{method: random, trials: 1}")
    [trial] = run(path).record.trials
    assert str(trial.outcome) == "failed"
    assert "must return one finite number, and returned a Tensor of shape" in trial.reason
    assert not trial.failures


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (
            "{hits: {target: 'measures:hits'}}",
            "missing key 'goal': whether low or high values are better",
        ),
        ("{hits: {target: 'measures:no', goal: max}}", "module 'measures' has no 'no'"),
        ("{hits: {target: 'nowhere:hits', goal: max}}", "there is no module 'nowhere'"),
        (
            "{hits: {target: 'measures:fbeta', goal: max, options: {bta: 1}}}",
            "unknown key 'bta', which measures:fbeta",
        ),
        ("{hits: {target: 'measures:hits', goal: max, bounds: [1, 0]}}", "must be below"),
        ("{hits: {target: 'measures:hits', goal: max, quantile: 0.5}}", "write options: {quantile"),
        (
            "{accuracy: {target: 'measures:hits', goal: max}}",
            "is a built-in metric; give yours another name",
        ),
        ("{hits: {goal: max}}", "'hits' is not a metric for classification"),
        ("[hits]", "one of your own: metrics: {hits: {target: 'own:hits', goal: max}}"),
        (
            "{auc: {options: {average: macro}}}",
            "options is only for your own metrics; auc is built in",
        ),
    ],
)
def test_a_faulty_declaration_is_an_error_before_anything_runs(
    tmp_path: Path, metrics: str, said: str
) -> None:
    with pytest.raises(SweepFileError) as caught:
        load_sweep(own_sweep(tmp_path, metrics))
    assert said in str(caught.value)

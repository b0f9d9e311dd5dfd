"""Results are made from the ledger alone, and can be made again at any time."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

import sweeps
from sweeps.findings.results import Results, write_results
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep

FILES = ("trials.jsonl", "epochs.parquet", "winner.json")


def finished(folder: Path) -> Results:
    return sweeps.run(write_sweep(folder), runs=folder, runner="local", tracking_uri="none")


def of_a_broken_net(folder: Path, target: str) -> Results:
    """Return a sweep of one trial, whose net raises."""
    path = write_sweep(
        folder,
        search="{method: random, trials: 1}",
        space=space(custom_model(target), "{kind: sgd}"),
        trial="{retries: 0}",
    )
    return sweeps.run(path, runs=folder / "runs", runner="local", tracking_uri="none")


def test_files_that_were_lost_are_made_again_the_same(tmp_path: Path) -> None:
    results = finished(tmp_path)
    before = [(results.path / name).read_bytes() for name in FILES]
    [(results.path / name).unlink() for name in FILES]
    write_results(results.folder, sweeps.open_run(results.path).record)
    assert [(results.path / name).read_bytes() for name in FILES] == before


def test_every_place_that_says_best_says_the_same(tmp_path: Path) -> None:
    results = finished(tmp_path)
    winner = json.loads((results.path / "winner.json").read_text())
    best = results.epochs().sort_values("dev_loss").iloc[0]
    assert (winner["trial"], winner["best_epoch"]) == (best["trial"], best["epoch"])
    assert results.trials().iloc[0]["trial"] == winner["trial"]
    assert winner["objective"]["value"] == best["dev_loss"]


def test_epochs_on_disk_are_those_of_the_ledger(tmp_path: Path) -> None:
    results = finished(tmp_path)
    stored = pd.read_parquet(results.path / "epochs.parquet")
    pd.testing.assert_frame_equal(stored[list(results.epochs())], results.epochs())
    assert stored.groupby("trial")["epoch"].apply(list).tolist() == [[*range(1, 10)]] * 6


def test_a_sweep_that_trained_no_epoch_has_a_table_without_rows(tmp_path: Path) -> None:
    broken = own_net(tmp_path, "net_without_epochs", "        raise OSError('broken')")
    results = of_a_broken_net(tmp_path, broken)
    assert results.record.outcomes["failed"] == 1  # type: ignore[index]
    assert list(results.epochs()) == ["trial", "epoch"]
    assert len(results.epochs()) == 0
    assert len(pd.read_parquet(results.path / "epochs.parquet")) == 0


def test_a_notebook_shows_the_best_trials_in_their_order(tmp_path: Path) -> None:
    results = finished(tmp_path)
    best = results.record.best
    assert best is not None
    shown = results._repr_html_()
    value = f"{results.record.value(best):.4g}"
    assert "<b>blobs</b>: 6 of 6 trials ended (6 completed)" in shown
    assert f"best dev_loss {value}, trial {best.trial.index}." in shown
    order = [shown.index(f"<td>{one.trial.index}</td>\n      <td>completed") for one in
             results.record.ranked()]  # fmt: skip
    assert order == sorted(order)


def test_markup_in_values_is_shown_in_a_notebook_as_it_is(tmp_path: Path) -> None:
    evil = "<img src=x>"
    broken = own_net(tmp_path, "net_with_markup", f"        raise OSError({evil!r})")
    results = of_a_broken_net(tmp_path, broken)
    assert evil in results.record.trials[0].reason
    shown = results._repr_html_()
    assert "&lt;img src=x&gt;" in shown
    assert evil not in shown
    assert "1 of 1 trials ended (1 failed)." in shown


def test_the_winner_is_the_trial_that_the_final_chose(tmp_path: Path) -> None:
    units = "{kind: mlp, hidden_layers: 1, hidden_units: {choice: [64, 1]}}"
    path = write_sweep(
        tmp_path,
        search="{method: grid}",
        space=space(units, "{kind: adam, lr: 0.01}"),
        final="{top_k: 2, seeds: 2, choose: {min: parameters, where: 'dev_loss <= 5'}}",
    )
    results = sweeps.run(path, runs=tmp_path / "runs", runner="local", tracking_uri="none")
    choice = results.final
    assert choice is not None
    assert results.best is not None
    assert results.winner is not None
    assert results.best["trial"] == results.record.ranked()[0].trial.index
    assert results.winner["trial"] == choice.winner.trial != results.best["trial"]
    stored = json.loads((results.path / "winner.json").read_text())
    assert stored["configuration"] == results.winner["configuration"]
    assert (results.path / stored["weights"]).exists()
    assert f"the final chose trial {choice.winner.trial}" in results._repr_html_()

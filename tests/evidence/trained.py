"""Sweeps that a study trains, as tables: what each trial came to on dev rows and on unseen ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

import sweeps
from sweeps.findings.results import Results
from sweeps.models.data.datasets import Dataset, load_dataset
from sweeps.models.prediction import Predictor
from sweeps.models.scoring.answers import Answers, metric_values
from sweeps.models.scoring.metrics import METRICS
from sweeps.models.scoring.tasks import TASKS
from sweeps.models.splits.splits import split_folds
from sweeps.record.kept_weights import best_weights
from sweeps.record.run_folder import PREPROCESSING, RunFolder

__all__ = ["DOCS", "Array", "Unseen", "Wanted", "answers_of", "dev_losses", "train", "unseen_of"]

Array = npt.NDArray[np.float64]
DOCS = Path(__file__).resolve().parents[2] / "docs" / "evidence"


@dataclass(frozen=True)
class Wanted:
    """A sweep of a study.

    Attributes:
        study: Its file is docs/evidence/<study>.yaml.
        run: The name of the run folder; a sweep that is there already is not trained again.
        changes: `key.path=value`, as after `--set`.
    """

    study: str
    run: str
    changes: Sequence[str] = ()


@dataclass(frozen=True)
class Unseen:
    """What nets came to on the test rows, which no search saw; NaN for those without weights.

    Attributes:
        losses: (nets,) cross-entropy, or mean squared error in units of the target's variance.
        scores: (nets,) accuracy, or R2.
    """

    losses: Array
    scores: Array


def train(wanted: Wanted, runs: Path) -> Results:
    """Return the results of a sweep, which is run in this process unless it is there already.

    Raises:
        SystemExit: A signal stopped it: what it has is no result, and the next one is not begun.
    """
    results = sweeps.run(
        DOCS / f"{wanted.study}.yaml",
        overrides=wanted.changes,
        runs=runs / wanted.study,
        run_id=wanted.run,
        runner="local",
        tracking_uri="none",
    )
    if (stop := results.record.stopped) is not None:
        raise SystemExit(f"{wanted.run}: {stop}; the same command goes on with it")
    return results


def dev_losses(results: Results) -> Array:
    """Return (trials,) the objective of each in plan order; infinite where it came to nothing."""
    record = results.record
    values = [record.value(trial) for trial in record.trials]
    return np.array([np.inf if value is None else value for value in values])


def unseen_of(results: Results, stage: str = "") -> Unseen:
    """Measure the net of every trial, at its best epoch, on the test rows of the sweep.

    A search never does this: it would choose by rows that are to judge the choice.

    Args:
        stage: `final` for the repeats of the best trials, which are numbered as in its plan.
    """
    folder = sweeps.open_run(results.path / stage).folder
    record = sweeps.open_run(results.path / stage).record
    file = results.folder.read_sweep()
    dataset = load_dataset(file.data, Path())
    rows = split_folds(dataset, file.data, file.seed)[0].test.rows
    found = [
        _measure(folder, best_weights(folder.weights, trial), dataset, rows)
        if trial.best_epoch is not None
        else (np.nan, np.nan)
        for trial in record.trials
    ]
    losses, scores = np.array(found).reshape(-1, 2).T
    return Unseen(losses, scores)


def _measure(
    folder: RunFolder, weights: Path, dataset: Dataset, rows: npt.NDArray[np.intp]
) -> tuple[float, float]:
    predictor = Predictor.load(weights, folder.path / PREPROCESSING)
    wanted = [METRICS["loss"], METRICS[TASKS[dataset.target.task].score]]
    loss, score = metric_values(answers_of(predictor, dataset, rows), wanted).tolist()
    return loss, score


def answers_of(predictor: Predictor, dataset: Dataset, rows: npt.NDArray[np.intp]) -> Answers:
    """Return what a predictor answers for some rows, beside what is right."""
    prepared, task = predictor.preprocessing, dataset.target.task
    target = torch.from_numpy(dataset.target.take(rows).values)
    if TASKS[task].is_standardised:
        target = (target - prepared.target_mean) / prepared.target_scale
    outputs = predictor.outputs(dataset.features.take(rows))
    return Answers.of(task, outputs, target, (prepared.target_mean, prepared.target_scale))

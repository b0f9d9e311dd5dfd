"""Measures what an epoch costs, and what nets weigh, on some of the planned trials."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from sweeps.definition.planning import PlannedTrial
from sweeps.definition.sweep import Sweep
from sweeps.errors import SweepError
from sweeps.execution.trial_worker import REPORT_PERIOD_S
from sweeps.models.configuration import TrialConfig, net_outputs
from sweeps.models.data.datasets import load_dataset
from sweeps.models.data.item_forms import zero_rows
from sweeps.models.errors import ModelError
from sweeps.models.nets.nets import build_net
from sweeps.models.own_code.roles import trial_functions
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import TrainDev, split_folds
from sweeps.models.training.program_run import ProgramPlace
from sweeps.models.training.training import Training
from sweeps.models.trial_kinds import is_own_training, is_program
from sweeps.rehearsal.rehearsal import spread

__all__ = ["Probe", "probe_plan"]

_TRAINED = 5
_BUILT = 200
# Names, shapes and the trial's configuration in the header of a weights file.
_HEADER_BYTES = 1500


@dataclass(frozen=True)
class Probe:
    """What was measured.

    Attributes:
        epoch_s: Mean seconds an epoch, of all folds' nets.
        weights_bytes: Mean size of a trial's file of weights.
        checkpoint_bytes: Size of the checkpoint of the largest net, before its last epoch.
    """

    epoch_s: float
    weights_bytes: int
    checkpoint_bytes: int


def probe_plan(sweep: Sweep, planned: Sequence[PlannedTrial]) -> Probe:
    """Train two epochs of a few trials spread over the plan, and build the nets of more.

    The first epoch of a process is not counted: it pays for what torch loads on first use.

    Raises:
        SweepError: A net cannot be built or trained, as its trial could not.
    """
    data = _data(sweep)
    torch.set_num_threads(math.ceil(sweep.file.resources.cpu))
    objective = replace(sweep.objective, recorded=sweep.file.recorded_metrics)
    if is_program(planned[0].configuration):
        return _probe_program(planned, objective, sweep)
    if is_own_training(planned[0].configuration):
        return _probe_own(planned, data, objective)
    seconds, times_weights, row_bytes = [], [1.0], 0
    for trial in spread(planned, _TRAINED):
        with _trial_errors(trial):
            training = Training(_config(trial), data, objective, trial.seed)
            row = training.train_epoch()
            if training.outcome is None:
                seconds.append(training.train_epoch()["epoch_s"])
            times_weights.append(len(training.checkpoint()) / _weights_bytes(trial, data))
            row_bytes = max(row_bytes, len(json.dumps(row)))
    weights = [_weights_bytes(trial, data) for trial in spread(planned, _BUILT)]
    epoch_s = sum(seconds) / len(seconds) if seconds else 0.0
    return Probe(
        epoch_s=epoch_s,
        weights_bytes=round(sum(weights) / len(weights)) + _HEADER_BYTES,
        checkpoint_bytes=round(max(times_weights) * max(weights))
        + row_bytes * _epochs_unreported(planned, epoch_s),
    )


def _probe_own(
    planned: Sequence[PlannedTrial], data: Sequence[TrainDev], objective: Objective
) -> Probe:
    """Measure own training, which tells what it keeps once it has trained.

    Raises:
        SweepError: It cannot be trained.
    """
    seconds, weights, checkpoints = [], [], []
    for trial in spread(planned, _TRAINED):
        with _trial_errors(trial):
            training = Training(trial.config, data, objective, trial.seed)
            seconds.append(training.train_epoch()["epoch_s"])
            if training.outcome is None:
                seconds[-1] = training.train_epoch()["epoch_s"]
            weights.append(sum(t.nbytes for t in training.best_weights.values()) + _HEADER_BYTES)
            checkpoints.append(len(training.checkpoint()) if trial.config.resumes else 0)
    mean = len(seconds)
    return Probe(sum(seconds) / mean, round(sum(weights) / mean), max(checkpoints))


def _probe_program(planned: Sequence[PlannedTrial], objective: Objective, sweep: Sweep) -> Probe:
    """Measure programs, the first epoch of which has their start.

    Raises:
        SweepError: One cannot be run.
    """
    threads, limit_s = math.ceil(sweep.file.resources.cpu), sweep.file.trial.timeout_s
    seconds = []
    with TemporaryDirectory() as folder:
        for trial in spread(planned, _TRAINED):
            own = ProgramPlace(Path(folder) / str(trial.index), sweep.base_dir, threads, limit_s)
            training = Training(trial.config, (), objective, trial.seed, own)
            with _trial_errors(trial), closing(training):
                seconds.append(training.train_epoch()["epoch_s"])
                if training.outcome is None:
                    seconds[-1] = training.train_epoch()["epoch_s"]
    return Probe(sum(seconds) / len(seconds), _HEADER_BYTES, 0)


def _data(sweep: Sweep) -> list[TrainDev]:
    """Return what nets are trained on, one for each fold; empty for own training without data."""
    if sweep.file.data.kind == "none":
        return []
    dataset = load_dataset(sweep.file.data, sweep.base_dir)
    folds = split_folds(dataset, sweep.file.data, sweep.file.seed)
    return [fold.train_dev() for fold in folds]


@contextmanager
def _trial_errors(trial: PlannedTrial) -> Iterator[None]:
    """Turn what a net raises into an error that names its trial; what is not the user's is ours."""
    try:
        yield
    except SweepError:
        raise
    except Exception as err:
        is_own = any(True for _ in trial_functions(trial.configuration))
        if not (is_own or isinstance(err, ModelError)):
            raise
        said = str(err) if isinstance(err, ModelError) else f"its net raised {err!r}"
        raise SweepError(
            f"trial {trial.index} of the plan cannot be trained: {said}; nothing was measured "
            f"(--no-probe plans without)"
        ) from err


def _epochs_unreported(planned: Sequence[PlannedTrial], epoch_s: float) -> int:
    """Return of how many epochs a checkpoint has the rows, at most: those of one report."""
    longest = max(trial.config.training.epochs for trial in planned)
    return min(longest, math.ceil(REPORT_PERIOD_S / epoch_s)) if epoch_s else longest


def _config(trial: PlannedTrial) -> TrialConfig:
    return TrialConfig.model_validate(trial.configuration)


def _weights_bytes(trial: PlannedTrial, data: Sequence[TrainDev]) -> int:
    """Return the bytes of the tensors of a trial's nets, which are built without memory."""
    config, one = _config(trial), data[0]
    build = partial(
        build_net,
        config.model,
        one.input_shape,
        net_outputs(config, one),
        zero_rows(one.item),
        categories=one.category_counts,
    )
    try:
        with torch.device("meta"):
            net = build()
    except Exception:  # the user's own net may compute with its numbers as it is built
        with _trial_errors(trial):
            net = build()
    sizes: list[int] = [
        tensor.numel() * tensor.element_size() for tensor in net.state_dict().values()
    ]
    return len(data) * sum(sizes)

"""Whether the user's own code keeps what a sweep relies on, tried on a few rows before it does.

Two epochs, several times from one seed: they must repeat, go on from a checkpoint as if never
stopped, in another process, too, and not depend on how often they are evaluated; the answer to a
row must not depend on the rows beside it, and be logits where the loss takes these; and each option
that is tuned must change something. On a CPU, as that is where equal seeds give equal bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import torch

from sweeps.definition.planning import PlannedTrial
from sweeps.definition.problems import from_model
from sweeps.models.errors import ModelError
from sweeps.models.own_code.guards import described_at, guarded
from sweeps.models.own_code.roles import trial_functions
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.training import Training
from sweeps.models.training.weights import unpack
from sweeps.models.trial_kinds import is_own_training, read_trial
from sweeps.rehearsal.changed_options import TwoWays, two_ways
from sweeps.rehearsal.tuned_options import TunedOption, tuned_options, with_option

__all__ = ["Finding", "GoOn", "Trained", "difference", "go_on", "rehearse", "spread"]

_SEEDED = (
    "draw from torch's, numpy's or Python's global generators, or from one made from trial.seed, "
    "and read no clock"
)
_NET_SEEDED = "draw from torch's, numpy's or Python's global generators, and read no clock"
_KEPT = (
    "pass everything that training changes to trial.keep(...), or write `resume: from_start` in "
    "space.training"
)
_NET_KEPT = "keep everything that training changes in parameters or buffers (register_buffer)"
_NEW_PROCESS = (
    "a checkpoint holds what is in the {}, but nothing that a module, a class or a function "
    "remembers, nor the order of a set of strings, which differs between processes"
)
_EVALUATION = "do not change a net in evaluation mode (`self.training` is false)"
_BY_ROW = (
    "in evaluation mode the answer to a row must not depend on other rows (use running "
    "statistics, as BatchNorm does), or dev and test results depend on what is evaluated together"
)
_LOGITS = (
    "remove its last softmax: the loss applies one, and so do metrics and predict; or use a loss "
    "of your own on what the net returns"
)
_CONTINUED = "a trial that continues from its checkpoint"
_DIFFERS = "differs {} from one that was never stopped"
_USED = "use it, or remove it from the space"
_CHANGED = "another value from epoch 2 on"
_SHAPE = "make what shapes a net an `int` range or a choice, which stay as drawn"
_READ = (
    "the loop starts anew with the new value, and then what it keeps is restored: set kept "
    "values (such as the rate of an optimizer under a schedule) inside the loop over "
    "trial.epochs; or make the range a choice"
)
# Trials that are tried before it is said that none can be trained, and pairs of values.
_TRIED = 3
_EPOCHS = 3
# Far above what rounding makes of another number of rows, in bfloat16, too.
_MOVED = 0.05
_BATCH = 64


@dataclass(frozen=True)
class Finding:
    """What own code does not keep.

    Attributes:
        trial: the index of one that shows it.
        key: where it is named in that trial's configuration.
        rule: what was found.
        hint: the way out.
        is_certain: false where it may have failed for want of more rows, or of a GPU.
    """

    trial: int
    key: tuple[str, ...]
    rule: str
    hint: str = ""
    is_certain: bool = True

    def __str__(self) -> str:
        """Return the finding with its way out."""
        return f"{self.rule}; {self.hint}" if self.hint else self.rule


class Trained(NamedTuple):
    """What two trainings are compared by: their epochs, and all that they keep."""

    history: list[dict[str, float]]
    checkpoint: bytes

    @classmethod
    def of(cls, training: Training) -> Trained:
        """Return it of a training as it stands."""
        return cls(training.history, training.checkpoint())


# Goes on with a trial from a checkpoint for an epoch; returns what was raised, where it cannot.
GoOn = Callable[[PlannedTrial, bytes], Trained | str]


def rehearse(
    planned: Sequence[PlannedTrial],
    data: Sequence[TrainDev],
    objective: Objective,
    *,
    go_on_apart: GoOn | None = None,
    wants_gpu: bool = False,
    changing: Sequence[str] = (),
) -> Iterator[Finding]:
    """Yield what the user's own code in trials does not keep.

    Args:
        planned: trials of a plan; where one ends with its first epoch, it can tell nothing.
        data: what they are tried on; with folds, one for each; empty without data.
        objective: with the metrics that are declared.
        go_on_apart: does so in a process that has trained nothing before; None leaves that out.
        wants_gpu: trials are given one, which their code may not do without.
        changing: own options that become others in the middle of a trial, by dotted keys.

    Raises:
        OSError: a file cannot be read now.
        MemoryError: there is too little of it now.
    """
    stage = _Stage(data, objective, wants_gpu)
    failed: Finding | None = None
    for trial in spread(planned, _TRIED):
        found = stage.tried(trial)
        if isinstance(found, Finding):
            failed = failed or found
            continue
        yield from stage.broken_promises(trial, found, go_on_apart)
        yield from stage.unused_options(planned)
        for key in changing:
            yield from stage.unheard(two_ways(planned, key, _TRIED))
        return
    if failed is not None:
        yield failed


def go_on(
    trial: PlannedTrial, data: Sequence[TrainDev], objective: Objective, checkpoint: bytes
) -> Trained:
    """Return what a trial is after one epoch more than at its checkpoint, in this process."""
    training = _begun(trial, data, objective)
    training.restore(checkpoint)
    training.train_epoch()
    return Trained.of(training)


def _begun(trial: PlannedTrial, data: Sequence[TrainDev], objective: Objective) -> Training:
    return Training(read_trial(_shortened(trial.configuration)), data, objective, trial.seed)


class _Stage:
    """A few rows, and the trainings that are tried on them."""

    def __init__(self, data: Sequence[TrainDev], objective: Objective, wants_gpu: bool) -> None:
        self._data, self._objective, self._wants_gpu = data, objective, wants_gpu

    def _trained(self, trial: PlannedTrial, epochs: int = 2) -> Training:
        training = _begun(trial, self._data, self._objective)
        while training.epoch < epochs and training.outcome is None:
            training.train_epoch()
        return training

    def tried(self, trial: PlannedTrial) -> Training | Finding:
        """Train a trial, or return why it cannot be."""
        try:
            with guarded():
                return self._trained(trial)
        except (OSError, MemoryError, torch.OutOfMemoryError):
            raise
        except (Exception, SystemExit) as err:
            if isinstance(err, ModelError):
                problem, place = from_model(err), err.key or _place(trial)
                is_certain = not self._wants_gpu
                return Finding(trial.index, place, problem.rule, problem.hint, is_certain)
            rule = f"must train, but raised {described_at(err)}"
            is_certain = not (self._wants_gpu or is_own_training(trial.configuration))
            return Finding(trial.index, _place(trial), rule, is_certain=is_certain)

    def broken_promises(
        self, trial: PlannedTrial, training: Training, go_on_apart: GoOn | None
    ) -> Iterator[Finding]:
        """Yield the first promise that a trial breaks: others may follow from it.

        Args:
            training: two epochs of the trial.
            go_on_apart: see `rehearse`.
        """
        if training.epoch < 2:
            return
        first, place = Trained.of(training), _place(trial)
        is_own = is_own_training(trial.configuration)
        if differing := difference(first, Trained.of(self._trained(trial))):
            rule = f"two runs from one seed differ {differing}"
            yield Finding(trial.index, place, rule, _SEEDED if is_own else _NET_SEEDED)
        elif trial.config.resumes and (broken := self._lost_with_a_stop(trial, first, go_on_apart)):
            yield broken
        elif differing := difference(first, Trained.of(self._evaluated(trial))):
            rule = f"evaluating once more changes what follows {differing}"
            yield Finding(trial.index, place, rule, _EVALUATION)
        elif (moved := training.differs_alone()) > _MOVED:
            rule = (
                f"the answer to a row depends on the rows evaluated with it: in pairs, answers "
                f"differ by {moved:.0%} of the largest one"
            )
            yield Finding(trial.index, place, rule, _BY_ROW)
        elif training.gives_probabilities():
            rule = "the net must return logits, and returns probabilities, as after a softmax"
            yield Finding(trial.index, place, rule, _LOGITS)

    def _lost_with_a_stop(
        self, trial: PlannedTrial, first: Trained, go_on_apart: GoOn | None
    ) -> Finding | None:
        """Return what a trial loses where it goes on from its checkpoint."""
        is_own = is_own_training(trial.configuration)
        stopped = self._trained(trial, 1).checkpoint()
        found = partial(Finding, trial.index, _place(trial))
        if differing := difference(first, go_on(trial, self._data, self._objective, stopped)):
            return found(
                f"{_CONTINUED} {_DIFFERS.format(differing)}", _KEPT if is_own else _NET_KEPT
            )
        if go_on_apart is None:
            return None
        hint = _NEW_PROCESS.format("names that trial.keep(...) is given" if is_own else "net")
        continued = go_on_apart(trial, stopped)
        if isinstance(continued, str):
            rule = f"{_CONTINUED} in a new process raised {continued}"
            return found(rule, hint, is_certain=not self._wants_gpu)
        if differing := difference(first, continued):
            return found(f"{_CONTINUED} in a new process {_DIFFERS.format(differing)}", hint)
        return None

    def _evaluated(self, trial: PlannedTrial) -> Training:
        training = self._trained(trial, 1)
        training.evaluate_again()
        training.train_epoch()
        return training

    def unused_options(self, planned: Sequence[PlannedTrial]) -> Iterator[Finding]:
        """Yield the tuned options of own functions that change nothing, whatever they are."""
        for option in tuned_options(planned):
            yield from self._unused(option)

    def _unused(self, option: TunedOption) -> Iterator[Finding]:
        """Yield that an option changes nothing in any of some trials that have it."""
        shown = None
        for trial, other in option.pairs(_TRIED):
            one = self.tried(trial)
            changed = self.tried(with_option(trial, option.key, other))
            if isinstance(one, Finding) or isinstance(changed, Finding):
                continue  # an option that fails is used
            if difference(Trained.of(one), Trained.of(changed)):
                return
            shown = shown or (trial, option.value_of(trial), other)
        if shown is not None:
            trial, value, other = shown
            rule = (
                f"has no effect: with {value!r} and {other!r} two epochs of training are equal bit "
                f"for bit"
            )
            yield Finding(trial.index, option.key, rule, _USED)

    def unheard(self, tried: Iterator[TwoWays]) -> Iterator[Finding]:
        """Yield that an option of own training fails, or changes nothing, in mid-training."""
        shown = None
        for key, same, other, values in tried:
            one, changed = self.tried(same), self.tried(other)
            if isinstance(one, Finding) or isinstance(changed, Finding):
                wrong = one if isinstance(one, Finding) else changed
                assert isinstance(wrong, Finding)
                yield replace(wrong, key=key, rule=f"{_CHANGED} {wrong.rule}", hint=_SHAPE)
                return
            if difference(Trained.of(one), Trained.of(changed)):
                return
            shown = shown or (same.index, key, values)
        if shown is not None:
            index, key, (value, other_value) = shown
            rule = (
                f"{_CHANGED} changes nothing: {value!r} and {other_value!r} are equal in every bit"
            )
            yield Finding(index, key, rule, _READ)


def spread(planned: Sequence[PlannedTrial], number: int) -> list[PlannedTrial]:
    """Return at most `number` trials, spread evenly over the plan."""
    step = -(-len(planned) // number)
    return list(planned[::step]) if planned else []


def _place(trial: PlannedTrial) -> tuple[str, ...]:
    """Return where the first own function of a trial is named; its net, where that is one."""
    return next((own.role.path for own in trial_functions(trial.configuration)), ("model", "kind"))


def _shortened(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial's configuration for a few rows, on a CPU."""
    training = {**configuration["training"], "device": "cpu"}
    if not is_own_training(configuration):
        batch = training["batch_size"]
        training["batch_size"] = batch if batch == "full" else min(batch, _BATCH)
        training["epochs"] = max(training["epochs"], _EPOCHS)
    return {**configuration, "training": training}


def difference(one: Trained, other: Trained) -> str:
    """Return where two trainings differ after two epochs, in metrics or in what they keep."""
    for left, right in zip(one.history, other.history, strict=False):
        for name, value in left.items():
            if name != "epoch_s" and repr(value) != repr(right.get(name)):
                return f"in epoch {left['epoch']:.0f} ({name} {value:.6g} and {right[name]:.6g})"
    if len(one.history) != len(other.history):
        return "in how many epochs they train"
    return _state_difference(unpack(one.checkpoint)[0], unpack(other.checkpoint)[0])


def _state_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    for name in [*one, *(name for name in other if name not in one)]:
        if name not in one or name not in other or _bits(one[name]) != _bits(other[name]):
            return f"in what it keeps ({name})"
    return ""


def _bits(tensor: torch.Tensor) -> tuple[Any, ...]:
    flat = tensor.detach().cpu().contiguous().flatten()
    return tuple(tensor.shape), tensor.dtype, flat.view(torch.uint8).numpy().tobytes()

"""Own training behind the contract of a net in training: see `sweeps.models.training.learner`.

A generator function trains an epoch between two of its yields; anything else that the target
returns has `train_epoch()` and `evaluate(rows)`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import torch
from torch import Tensor

from sweeps.models.errors import OwnTrainingError
from sweeps.models.own_code.finding_apart import find_apart
from sweeps.models.own_code.guards import described, described_at, guarded, is_ctrl_c
from sweeps.models.own_code.options_model import keywords_of
from sweeps.models.own_training_configuration import CustomTraining, OwnTrialConfig
from sweeps.models.process.randomness import OwnRandomness
from sweeps.models.scoring.objective import Objective
from sweeps.models.scoring.tasks import TASKS
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training import kept_state
from sweeps.models.training.declared_metrics import DeclaredMetrics
from sweeps.models.training.devices import chosen_device
from sweeps.models.training.kept_state import TARGET, refused
from sweeps.models.training.net_training import NetEpoch
from sweeps.models.training.own_trial import Predict, Rows, Trial

__all__ = ["NoSchedule", "OwnLoop"]

_FORMS = (
    "Write a generator function that yields once per epoch, or a class with train_epoch() and "
    "evaluate(rows)"
)


class _Steps(Protocol):
    """The own training, whichever form it has."""

    def train_epoch(self) -> Any:
        """Train one epoch; returns metrics of the training, or None."""

    def evaluate(self, rows: Rows) -> Any:
        """Return metrics of what is trained on some rows."""


class OwnLoop:
    """Own training with its random numbers, and what is kept of it."""

    def __init__(
        self, config: OwnTrialConfig, data: TrainDev | None, objective: Objective, seed: int
    ) -> None:
        """Calls the user's target; a generator's code runs when its first epoch is trained.

        Raises:
            OwnTrainingError: it cannot be found, or is no training.
            TrialConfigError: its options break a rule of their own model.
        """
        assert isinstance(config.training, CustomTraining), "a program is for ProgramLoop"
        self.device = device = chosen_device(config.training.device)
        self._resumes = config.resumes
        self._randomness = OwnRandomness(seed, device)
        self._metrics = DeclaredMetrics(objective)
        self._draws: dict[str, OwnRandomness] = {}
        self._kept: dict[str, Tensor] = {}
        self._pending: dict[str, Tensor] = {}
        self._trial = Trial(data, seed, device, config.training.epochs)
        self._trial.when_entered(self._enter)
        target = find_apart(config.training.target, OwnTrainingError, TARGET)
        with self._theirs():
            options = keywords_of(target, "training", config.training.options)
            made = target(self._trial, **options)
        self._steps = _steps_of(made, self._trial)
        self.schedule = NoSchedule()

    def train_epoch(self, epoch: int) -> NetEpoch:
        """Train one epoch, counted from 0, and evaluate on the dev rows.

        Raises:
            OwnTrainingError: it did not end where an epoch ends, or measured something else than
                the sweep file declares.
        """
        started_s = time.perf_counter()
        self._trial.epoch = epoch + 1
        with self._theirs():
            trained = self._steps.train_epoch()
        found = {
            **self._measured("train", trained),
            **self._measured("dev", self.evaluate(self._trial.dev)),
        }
        self._metrics.check_epoch(tuple(found), epoch + 1)
        if epoch == 0:
            self.tensors()  # what cannot be saved is said at once, not where it is needed
        return NetEpoch({**found, "epoch_s": time.perf_counter() - started_s}, "")

    def evaluate(self, rows: Rows) -> Any:
        """Return what the own evaluation returns; it changes nothing of what training draws."""
        if rows.part not in self._draws:
            self._draws[rows.part] = OwnRandomness(rows.seed, self._trial.device)
        try:
            with torch.no_grad():
                return self._evaluated(rows)
        except RuntimeError as err:
            if not self._needs_gradients(rows):
                raise
            rule = f"evaluate runs without gradients, and needs some ({described_at(err)})"
            raise refused(rule, "Compute them inside `with torch.enable_grad():`") from err

    def _evaluated(self, rows: Rows) -> Any:
        draws = self._draws[rows.part].again()
        with _one_process(), draws, _evaluating(self._trial):
            return self._steps.evaluate(rows)

    def _needs_gradients(self, rows: Rows) -> bool:
        """Return whether an evaluation that failed works with gradients."""
        with suppress(RuntimeError), torch.enable_grad():
            self._evaluated(rows)
            return True
        return False

    def evaluate_again(self) -> None:
        """Measure once more, and keep nothing of it."""
        self.evaluate(self._trial.dev)

    @contextmanager
    def _theirs(self) -> Iterator[None]:
        """Run the user's code with the trial's random numbers."""
        with _one_process(), self._randomness:
            yield

    def _measured(self, part: str, metrics: Any) -> dict[str, float]:
        """Return metrics under the names of a row: those that the sweep file declares."""
        of_training = "a yield" if isinstance(self._steps, _OfGenerator) else "train_epoch"
        what = of_training if part == "train" else "evaluate"
        if metrics is None and part == "train":
            return {}
        if not isinstance(metrics, Mapping):
            rule = f"must return metrics by name, such as {{'loss': 0.5}}; {what}"
            raise refused(f"{rule} gave a {type(metrics).__name__}")
        return self._metrics.measured(part, metrics, what)

    def answer(self, weights: Mapping[str, Tensor], rows: Rows) -> dict[str, float]:
        """Return what weights of `kept_weights` measure on some rows, and train nothing.

        Returns:
            Metrics by `<part>_<name>`.
        """
        self.open(weights)
        return self._measured(rows.part, self.evaluate(rows))

    def open(self, weights: Mapping[str, Tensor]) -> None:
        """Put weights of `kept_weights` in place, and train nothing."""
        self._trial.is_only_evaluated = True
        self._pending = {f"state/{name}": tensor for name, tensor in weights.items()}
        if isinstance(self._steps, _OfGenerator):
            with self._theirs():
                self._steps.run_without_epochs()
        else:
            self._put_pending()

    @property
    def predicts(self) -> bool:
        """Whether what is trained answers rows of the data; of a generator, once it has begun."""
        data = self._trial.data
        return data is not None and data.item is None and self._predict is not None

    @property
    def _predict(self) -> Predict | None:
        """What the user gives to answer rows by."""
        if isinstance(self._steps, _OfGenerator):
            return self._trial.predict
        found: Predict | None = getattr(self._steps, "predict", None)
        return found

    def predict(self, x: Tensor) -> Tensor:
        """Return (rows, outputs) what own code answers rows by, on the CPU; see `Trial.epochs`.

        Args:
            x: (rows, *input_shape) float32.

        Raises:
            OwnTrainingError: it gives something else.
        """
        assert self._predict is not None, "`predicts` says so"
        draws = OwnRandomness(Rows("test").seed, self.device)
        with _one_process(), draws, torch.no_grad(), _evaluating(self._trial):
            found = self._predict(x.to(self.device))
        return self._checked(torch.as_tensor(found).cpu(), len(x))

    def _checked(self, found: Tensor, rows: int) -> Tensor:
        data = self._trial.data
        assert data is not None, "rows are of the data"
        one_is_enough = data.outputs == 1 or (data.outputs == 2 and TASKS[data.task].one_logit)
        if found.shape in ((rows,), (rows, 1)) and one_is_enough:
            return found.reshape(rows, 1)
        if found.shape != (rows, data.outputs):
            rule = f"predict must return ({rows} rows, {data.outputs} outputs), as a net does"
            raise refused(f"{rule}, and returned shape {tuple(found.shape)}")
        return found

    def keep_weights(self) -> None:
        """Copy the nets that are kept as they are now; where there are none, all that is kept."""
        tensors = _packed(self._trial.nets or self._trial.kept)
        self._kept = {name: tensor.clone() for name, tensor in tensors.items()}

    @property
    def kept_weights(self) -> dict[str, Tensor]:
        """What `keep_weights` took last, on the CPU; empty before."""
        return {name: tensor.cpu() for name, tensor in self._kept.items()}

    def tensors(self) -> dict[str, Tensor]:
        """Return all that `restore` needs, by `group/name`.

        Raises:
            OwnTrainingError: nothing is kept, or it cannot be saved.
        """
        if self._pending:
            return self._pending
        if self._resumes and not self._trial.kept:
            raise refused(
                "must keep what training changes, so that a stopped trial can continue: it kept "
                "nothing",
                "Call trial.keep(net=..., optimizer=...) before the first epoch, or write "
                "`resume: from_start`",
            )
        state = _packed(self._trial.kept) if self._resumes else {}
        groups = {"state": state, "random": self._randomness.tensors(), "best": self._kept}
        return {f"{group}/{name}": t for group, ts in groups.items() for name, t in ts.items()}

    def restore(self, named: Mapping[str, Tensor]) -> None:
        """Continue from `tensors()`; a generator does when its loop begins.

        Raises:
            KeyError: a tensor is missing.
            OwnTrainingError: what is kept now is something else.
        """
        self._kept = _group("best", named)
        self._pending = dict(named)
        if not isinstance(self._steps, _OfGenerator):
            self._randomness.restore(_group("random", named))
            self._put_pending()

    def close(self) -> None:
        """End a generator where it waits, so that what it holds is let go now."""
        if isinstance(self._steps, _OfGenerator):
            self._steps.close()

    def _enter(self) -> None:
        """Go on from a checkpoint, now that the generator has come to its epochs."""
        random = _group("random", self._pending)
        if self._pending:
            self._put_pending()
        if random:  # not before: what is built draws the same numbers in every run
            self._randomness.restore(random)
            self._randomness.rewind()

    def _put_pending(self) -> None:
        """Put the state of a checkpoint, or weights, into what is kept."""
        only_nets = self._trial.is_only_evaluated
        into = (self._trial.nets if only_nets else {}) or self._trial.kept
        _put(into, _group("state", self._pending))
        self._pending = {}


class NoSchedule:
    """The learning rates are the own training's affair."""

    def observe(self, epoch: int, objective: float) -> None:
        """Do nothing."""

    def state(self) -> dict[str, Any]:
        """Return nothing: there is none."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Do nothing."""


class _OfGenerator:
    """The training of a generator function."""

    def __init__(self, steps: Generator[Any, None, Any], trial: Trial) -> None:
        self._next, self._trial = steps, trial

    def train_epoch(self) -> Any:
        """Run it up to its next yield, and return what that gives."""
        epoch = self._trial.epoch
        try:
            given = next(self._next)
        except StopIteration:
            raise refused(
                f"the loop stopped in epoch {epoch}, before trial.epochs(...) was exhausted",
                "Set the number of epochs in the sweep file; to stop early, use early_stopping",
            ) from None
        if not self._trial.has_entered():
            raise refused(
                f"must yield once per epoch, inside its loop over trial.epochs(...): it yielded "
                f"again in epoch {epoch - 1}"
                if epoch > 1
                else "must yield inside its loop over trial.epochs(evaluate)"
            )
        return given

    def run_without_epochs(self) -> None:
        """Run it to its end, with no epoch to train."""
        for _ in self._next:
            raise refused("must yield inside its loop over trial.epochs(evaluate)")

    def close(self) -> None:
        """Run its `finally` clauses; what they do is of no trial any more."""
        with suppress(Exception, SystemExit), guarded():
            self._next.close()

    def evaluate(self, rows: Rows) -> Any:
        """Call what was given to trial.epochs()."""
        if self._trial.evaluate is None:
            raise refused("must loop over trial.epochs(evaluate)")
        return self._trial.evaluate(rows)


def _steps_of(made: Any, trial: Trial) -> _Steps:
    if isinstance(made, Generator):
        return _OfGenerator(made, trial)
    if callable(getattr(made, "train_epoch", None)) and callable(getattr(made, "evaluate", None)):
        steps: _Steps = made
        return steps
    what = type(made).__name__
    rule = f"the target must be a generator function or a training class, and it returned a {what}"
    raise refused(rule, _FORMS)


@contextmanager
def _one_process() -> Iterator[None]:
    """Run the user's code; where it ends the program, or forks and comes back, is said.

    Raises:
        OwnTrainingError: it called sys.exit or the like.
    """
    ours = os.getpid()
    try:
        yield
    except (SystemExit, KeyboardInterrupt) as err:
        if is_ctrl_c(err):
            raise
        raise refused(
            f"must not exit the program ({described(err)})", "Use return, or raise an error"
        ) from err
    finally:
        if os.getpid() != ours:
            os._exit(0)  # a copy of this process, which must not train the trial as well


@contextmanager
def _evaluating(trial: Trial) -> Iterator[None]:
    """Have the nets that are kept in evaluation mode, and as they were afterwards."""
    modes = [(module, module.training) for net in trial.nets.values() for module in net.modules()]
    for net in trial.nets.values():
        net.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            if module.training != mode:  # to set it takes microseconds, for each of many modules
                module.training = mode


def _packed(kept: Mapping[str, Any]) -> dict[str, Tensor]:
    return kept_state.packed({name: kept_state.state_of(name, one) for name, one in kept.items()})


def _put(kept: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    states = kept_state.unpacked(tensors)
    if states.keys() != kept.keys():
        was, now = ", ".join(states) or "nothing", ", ".join(kept) or "nothing"
        raise refused(f"must keep the same objects in every run: it kept {was}, and now {now}")
    for name, state in states.items():
        kept_state.restore(name, kept[name], state)


def _group(group: str, named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = f"{group}/"
    return {name[len(prefix) :]: t for name, t in named.items() if name.startswith(prefix)}

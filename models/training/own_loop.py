"""Own training behind the contract of a net in training: see `sweeps.models.training.learner`.

A generator function trains an epoch between two of its yields; anything else that the target
returns has `train_epoch()` and `evaluate(rows)`. Where options change it is begun anew with them,
from what it keeps.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from sweeps.models.errors import OwnTrainingError
from sweeps.models.own_code.finding_apart import find_apart
from sweeps.models.own_code.guards import described, described_at, is_ctrl_c
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
from sweeps.models.training.own_steps import OfGenerator, steps_of
from sweeps.models.training.own_trial import Predict, Rows, Trial
from sweeps.models.trial_kinds import AnyTrialConfig

__all__ = ["NoSchedule", "OwnLoop"]


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
        self.device = chosen_device(config.training.device)
        self._data, self._seed = data, seed
        self._resumes = config.resumes
        self._metrics = DeclaredMetrics(objective)
        self._draws: dict[str, OwnRandomness] = {}
        self._kept: dict[str, Tensor] = {}
        self._pending: dict[str, Tensor] = {}
        self._has_state = self._is_changed = False
        self.schedule = NoSchedule()
        self._begin(config.training)

    def _begin(self, training: CustomTraining) -> None:
        """Call the user's target, with the random numbers that every beginning of it draws."""
        self._randomness = OwnRandomness(self._seed, self.device)
        self._trial = Trial(self._data, self._seed, self.device, training.epochs)
        self._trial.when_entered(self._enter)
        target = find_apart(training.target, OwnTrainingError, TARGET)
        with self._theirs():
            options = keywords_of(target, "training", training.options)
            made = target(self._trial, **options)
        self._steps = steps_of(made, self._trial)

    def change(self, config: AnyTrialConfig) -> None:
        """Begin anew with other options, from what is kept.

        Raises:
            OwnTrainingError: what is kept then is something else.
        """
        assert isinstance(config.training, CustomTraining), "models.changes allows no other"
        state = self.tensors() if self._has_state else {}
        state = {name: tensor.clone() for name, tensor in state.items()}
        self.close()
        self._begin(config.training)
        if state:
            self._is_changed = True
            self._go_on_from(state)

    def train_epoch(self, epoch: int) -> NetEpoch:
        """Train one epoch, counted from 0, and evaluate on the dev rows.

        Raises:
            OwnTrainingError: it did not end where an epoch ends, or measured something else than
                the sweep file declares.
        """
        started_s = time.perf_counter()
        self._has_state = True
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
        of_training = "a yield" if isinstance(self._steps, OfGenerator) else "train_epoch"
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
        if isinstance(self._steps, OfGenerator):
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
        if isinstance(self._steps, OfGenerator):
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

    def forget_weights(self) -> None:
        """Have the best yet to come, as if nothing had been kept."""
        self._kept = {}
        self._pending = {
            name: t for name, t in self._pending.items() if not name.startswith("best/")
        }

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
        self._has_state, self._is_changed = True, False
        self._go_on_from(named)

    def _go_on_from(self, named: Mapping[str, Tensor]) -> None:
        self._pending = dict(named)
        if not isinstance(self._steps, OfGenerator):
            self._randomness.restore(_group("random", named))
            self._put_pending()

    def close(self) -> None:
        """End a generator where it waits, so that what it holds is let go now."""
        if isinstance(self._steps, OfGenerator):
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
        rates = _rates_of(into) if self._is_changed else []
        _put(into, _group("state", self._pending))
        for optimizer, groups in rates:
            for group, built in zip(optimizer.param_groups, groups, strict=True):
                group.update(built)
        self._pending, self._is_changed = {}, False


class NoSchedule:
    """The learning rates are the own training's affair."""

    def observe(self, epoch: int, objective: float) -> None:
        """Do nothing."""

    def state(self) -> dict[str, Any]:
        """Return nothing: there is none."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Do nothing."""


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
    nets = trial.nets.values()
    modes = [(module, module.training) for net in nets for module in net.modules()]
    if any(mode for _, mode in modes):  # to set a mode takes microseconds, for each of many modules
        for net in nets:
            net.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            if module.training != mode:
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


def _rates_of(kept: Mapping[str, Any]) -> list[tuple[Optimizer, list[dict[str, Any]]]]:
    """Return the optimizers with what their groups were built with, of which a rate is one.

    Not those under a schedule of torch's, which remembers the rates that it began with.
    """
    optimizers = (one for one in kept.values() if isinstance(one, Optimizer))
    return [
        (one, [_without_parameters(group) for group in one.param_groups])
        for one in optimizers
        if "initial_lr" not in one.param_groups[0]
    ]


def _without_parameters(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}


def _group(group: str, named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = f"{group}/"
    return {name[len(prefix) :]: t for name, t in named.items() if name.startswith(prefix)}

"""What a trial trains an epoch at a time: a net in the product's loop, own code, or a program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

from sweeps.models.own_training_configuration import OwnTrialConfig
from sweeps.models.program_configuration import ProgramTraining
from sweeps.models.scoring.objective import Objective
from sweeps.models.splits.splits import TrainDev
from sweeps.models.training.net_training import NetEpoch, NetTraining
from sweeps.models.training.own_loop import OwnLoop
from sweeps.models.training.program_loop import ProgramLoop
from sweeps.models.training.program_run import ProgramPlace
from sweeps.models.trial_kinds import AnyTrialConfig

__all__ = ["Learner", "build_learner"]


class _Schedule(Protocol):
    """What is told the objective of every epoch."""

    def observe(self, epoch: int, objective: float) -> None: ...

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...


class Learner(Protocol):
    """One of a trial's trainings: the only one, or that of a fold."""

    @property
    def schedule(self) -> _Schedule:
        """Its learning rates."""

    def train_epoch(self, epoch: int) -> NetEpoch:
        """Train one epoch, counted from 0."""

    def change(self, config: Any) -> None:
        """Go on by a configuration that differs in what `models.changes` allows."""

    def evaluate_again(self) -> None:
        """Measure once more, and keep nothing of it: for whoever asks what that changes."""

    def keep_weights(self) -> None:
        """Copy the weights as they are now, in place of what was kept before."""

    def forget_weights(self) -> None:
        """Have the best yet to come, as if nothing had been kept."""

    @property
    def kept_weights(self) -> dict[str, Tensor]:
        """The weights at the last `keep_weights`, on the CPU; empty before there are any."""

    def tensors(self) -> dict[str, Tensor]:
        """Return all that `restore` needs but the schedule's state."""

    def restore(self, named: Mapping[str, Tensor]) -> None:
        """Continue from `tensors()`; raises KeyError or RuntimeError where they do not fit."""

    def close(self) -> None:
        """End what runs outside this process; nothing is trained afterwards."""


def build_learner(
    config: AnyTrialConfig,
    data: TrainDev | None,
    objective: Objective,
    seed: int,
    place: ProgramPlace | None = None,
) -> Learner:
    """Return what trains by a configuration.

    Args:
        place: where a program runs; others need none.

    Raises:
        ModelError: it does not suit the data or this machine, or the user's own code does not
            work.
    """
    if isinstance(config, OwnTrialConfig) and isinstance(config.training, ProgramTraining):
        assert place is not None, "a program has a place"
        return ProgramLoop(config.training, objective, seed, place)
    if isinstance(config, OwnTrialConfig):
        return OwnLoop(config, data, objective, seed)
    assert data is not None, "a net of the product's loop has data: validation asks for them"
    return NetTraining(config, data, objective, seed)

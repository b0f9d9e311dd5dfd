"""A space and its trials as Optuna's samplers take them.

The trials live in a study in memory that is brought up to date for each proposal, as to make it
anew would take longer than the proposal. Samplers are asked directly, not through `study.ask`: that
would leave a trial of its own behind for each configuration that is refused.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # tqdm's, which wants ipywidgets for bars that nobody sees
    import optuna

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState

from sweeps.search_methods.sampler import State, Told
from sweeps.search_spaces.normal import Normal
from sweeps.search_spaces.parameters import Choice, IntRange, Parameter
from sweeps.search_spaces.space import Space

__all__ = ["SEEDS", "OptunaTrials", "quiet"]

# Optuna's generators take 32 bits.
SEEDS = 2**32

_STATES = {
    State.COMPLETE: TrialState.COMPLETE,
    State.PRUNED: TrialState.PRUNED,
    # Without a value: Optuna ranks it behind every pruned trial that has one.
    State.WORST: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna from saying what its user, who is not ours, should know."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(level)


class OptunaTrials:
    """The trials of a sweep in a study of Optuna's, each under the distributions that it has."""

    def __init__(
        self,
        space: Space,
        *,
        fills: bool = False,
        noting: Callable[[], BaseSampler] | None = None,
        notes_first: bool = False,
        objectives: int = 1,
    ) -> None:
        """Begin with no trials.

        Args:
            fills: Whether a parameter that a trial does not have is told with the middle of its
                range, for a sampler that models only what all trials have.
            noting: Makes a sampler that notes on each trial that it proposes what it has come to.
            notes_first: Whether it notes that on the trials, too, that it did not propose.
            objectives: How many losses the study has of a trial; it is told no more.
        """
        self._space, self._makes_noting, self._notes_first = space, noting, notes_first
        self._objectives = objectives
        self._distributions = [_distribution(parameter) for _, parameter in space.dimensions]
        self._names = [
            f"{at}:{'.'.join(map(str, path))}" for at, (path, _) in enumerate(space.dimensions)
        ]
        filled = space.dimensions if fills else ()
        self._middles = {
            at: _told_as(parameter, _middle(parameter)) for at, (_, parameter) in enumerate(filled)
        }
        self._begin()

    def learn(self, told: Sequence[Told]) -> None:
        """Have the study say what `told` does, whatever it was told before."""
        known = zip(self._told, told, strict=False)
        if len(told) < len(self._told) or not all(_may_become(*pair) for pair in known):
            self._begin()
        begun = len(self._told)
        new = [(-1 if one.saw is None else one.saw, 1, at) for at, one in enumerate(told)][begun:]
        ends = [(one.ended, 0, at) for at, one in enumerate(told) if one != self._known(at, one)]
        for _, begins, at in sorted(new + ends):
            if begins:
                self._ids.append(self._running(told[at]))
                self._told.append(_as_running(told[at]))
            else:
                self._end(self._ids[at], told[at])
                self._told[at] = told[at]

    def _known(self, at: int, one: Told) -> Told:
        """Return what a trial was told as by now; one that was not begins by running."""
        return self._told[at] if at < len(self._told) else _as_running(one)

    def ask(self, sampler: BaseSampler) -> Iterator[dict[str, Any]]:
        """Yield what a sampler proposes after the trials of the study, without end."""
        while True:
            with quiet():
                proposed = self._asked(sampler)
            yield proposed

    def _asked(self, sampler: BaseSampler) -> dict[str, Any]:
        study = self._study()
        current = self._storage.get_trial(self._current)
        among = sampler.infer_relative_search_space(study, current)
        relative = sampler.sample_relative(study, current, among)
        self._forget_proposal()

        def value(dimension: int) -> Any:
            name, distribution = self._names[dimension], self._distributions[dimension]
            if distribution.single():
                found = distribution.to_external_repr(_only(distribution))
            elif name in relative:
                found = relative[name]
            else:
                found = sampler.sample_independent(study, current, name, distribution)
            return _legal(self._space.dimensions[dimension][1], found)

        return self._space.chosen(value)

    def _study(self) -> optuna.Study:
        # A new one: a study keeps the trials that it has read once.
        return optuna.load_study(study_name=None, storage=self._storage)

    def _forget_proposal(self) -> None:
        """Take off what a sampler notes of its proposal, as its next one would depend on that.

        Notes of Optuna's cannot be removed; those that are None count as none.
        """
        for key in self._storage.get_trial(self._current).system_attrs:
            self._storage.set_trial_system_attr(self._current, key, None)

    def _begin(self) -> None:
        with quiet():
            self._storage = InMemoryStorage()
            directions = [StudyDirection.MINIMIZE] * self._objectives
            study = optuna.create_study(storage=self._storage, directions=directions)
        self._study_id = self._storage.get_study_id_from_name(study.study_name)
        # That for which samplers are asked: it runs, and has no parameters.
        self._current = self._storage.create_new_trial(self._study_id)
        self._told: list[Told] = []
        self._ids: list[int | None] = []
        self._noting = None if self._makes_noting is None else self._makes_noting()

    def _running(self, one: Told) -> int | None:
        """Begin a trial; returns its id, or None where it is not one of the space."""
        values = self._values(one)
        if values is None:
            return None
        trial = self._storage.create_new_trial(self._study_id)
        if one.saw is not None or self._notes_first:
            self._note_proposal(trial)
        for dimension, value in values.items():
            distribution = self._distributions[dimension]
            self._storage.set_trial_param(trial, self._names[dimension], value, distribution)
        return trial

    def _note_proposal(self, trial: int) -> None:
        """Have a sampler note on a trial what it did when that was proposed."""
        if self._noting is not None:
            with quiet():
                study, begun = self._study(), self._storage.get_trial(trial)
                among = self._noting.infer_relative_search_space(study, begun)
                self._noting.sample_relative(study, begun, among)

    def _values(self, one: Told) -> dict[int, float] | None:
        """Return what a trial has for each dimension that its configuration needs."""
        found: dict[int, float] = {}

        def known(dimension: int) -> Any:
            value, parameter = one.values[dimension], self._space.dimensions[dimension][1]
            if value is None or not _is_within(parameter, value):
                raise LookupError(dimension)
            found[dimension] = _told_as(parameter, float(value))
            return int(value) if isinstance(parameter, Choice) else value

        try:
            self._space.chosen(known)
        except LookupError:
            return None
        return self._middles | found

    def _end(self, trial: int | None, one: Told) -> None:
        if trial is None:
            return
        # Optuna reads what a pruned trial had reached in studies of one objective alone.
        if one.state is State.PRUNED and self._objectives == 1:
            self._storage.set_trial_intermediate_value(trial, one.epoch, one.loss)
        losses = one.losses(self._objectives) if one.state is State.COMPLETE else None
        self._storage.set_trial_state_values(trial, _STATES[one.state], losses)


def _as_running(one: Told) -> Told:
    return Told(one.values, State.RUNNING, saw=one.saw)


def _may_become(before: Told, now: Told) -> bool:
    """Return whether Optuna can be told so of a trial: what has ended stays as it is."""
    return before == now or before == _as_running(now)


def _distribution(parameter: Parameter) -> BaseDistribution:
    if isinstance(parameter, Choice):
        return CategoricalDistribution(range(len(parameter.options)))
    if isinstance(parameter, IntRange):
        # Optuna has no steps on a logarithmic scale: what it proposes between two becomes one.
        step = 1 if parameter.log else parameter.step or 1
        return IntDistribution(parameter.low, parameter.high, log=parameter.log, step=step)
    if isinstance(parameter, Normal):
        return FloatDistribution(*parameter.usual(), log=parameter.log)
    with quiet():
        return FloatDistribution(
            parameter.low, parameter.high, log=parameter.log, step=parameter.step
        )


def _only(distribution: BaseDistribution) -> float:
    """Return the one value of a distribution that has no other, as Optuna keeps it."""
    return 0.0 if isinstance(distribution, CategoricalDistribution) else distribution.low  # type: ignore[attr-defined]


def _middle(parameter: Parameter) -> float:
    """Return the value in the middle of a range, on its scale; of a choice its first option."""
    if isinstance(parameter, Choice):
        return 0.0
    low, high = parameter.usual() if isinstance(parameter, Normal) else parameter.ends()
    middle = math.sqrt(low * high) if parameter.log else (low + high) / 2
    return float(parameter.nearest(middle))


def _is_within(parameter: Parameter, value: float) -> bool:
    if isinstance(parameter, Choice):
        return True
    low, high = parameter.ends()
    return low <= value <= high


def _told_as(parameter: Parameter, value: float) -> float:
    """Return a value as Optuna is told: the rarest draws of a normal one as its usual ends."""
    if not isinstance(parameter, Normal):
        return value
    low, high = parameter.usual()
    return min(max(value, low), high)


def _legal(parameter: Parameter, value: Any) -> Any:
    return int(value) if isinstance(parameter, Choice) else parameter.nearest(value)

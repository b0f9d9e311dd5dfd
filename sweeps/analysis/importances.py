"""Which parameters decide whether a trial is among the best: Optuna's PED-ANOVA on our trials.

Watanabe, Bansal and Hutter (IJCAI 2023); parameters that only exist inside an option of a choice
are handled as in its conditional form, which Optuna 5 has.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sweeps.analysis.evidence import Array, Dimension, Evidence
from sweeps.record.sweep_record import CUT_SHORT

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

__all__ = ["Importance", "Importances", "importances"]

_FEWEST = 10
# Of fewer trials than this the best tenth is too few to tell noise from what matters.
_MANY, _BEST_OF_FEW, _BEST_OF_MANY = 200, 0.25, 0.1
_FEWEST_BEST = 5  # Optuna wants these
# The second largest of 39 shuffles is exceeded by chance in 2 of 40 sweeps (Good 2005, chapter 3).
_SHUFFLES, _RANK = 39, 2
_STREAM = 0x696D70  # "imp"


@dataclass(frozen=True)
class Importance:
    """A parameter's share of what tells the best trials from all.

    Attributes:
        trials: How many trials have the parameter.
    """

    name: str
    share: float
    trials: int


@dataclass(frozen=True)
class Importances:
    """Importances, largest first; their shares add up to 1.

    Attributes:
        trials: How many trials they come from.
        best: How many of these count as the best.
        by_chance: The largest share that any parameter has in 95 of 100 sweeps whose results are
            shuffled, on the scale of these shares; it may be above 1.
        pruned: How many of the trials were pruned or stopped by hand: they count by the best that
            they had reached.
    """

    found: tuple[Importance, ...]
    trials: int
    best: int
    by_chance: float
    pruned: int = 0

    @property
    def standing_out(self) -> tuple[Importance, ...]:
        """The parameters that matter more than any does by chance."""
        return tuple(one for one in self.found if one.share > self.by_chance)

    @property
    def sentence(self) -> str:
        """Which parameters matter, or that none stands out, in words."""
        of = f"{self.trials} trials"
        if not self.standing_out:
            return (
                f"No parameter stands out in {of}: in more than 1 of 20 shuffles of the results "
                f"some parameter gets as large a share."
            )
        first, *others = (f"{one.name} ({one.share:.0%})" for one in self.standing_out)
        also = f"; so did {', '.join(others)}" if others else ""
        return (
            f"{first} mattered most in {of}, more than any parameter does in 19 of 20 shuffles of "
            f"the results{also}."
        )


def importances(evidence: Evidence) -> Importances | str:
    """Return the importances of the parameters that were varied, or why there are none.

    Baselines are left out: they lie where somebody put them, and a list by hand has none for that
    reason. Nor has a search that learns: its trials crowd where it searched, which says more of its
    path than of the parameters.
    """
    if evidence.why_dependent:
        return f"{evidence.why_dependent}, and cluster where results were good"
    if evidence.why_incomparable:
        return evidence.why_incomparable
    evidence = evidence.draws()
    ended = np.flatnonzero(np.isfinite(evidence.values))
    varied = [one for one in evidence.dimensions if one.is_varied(ended)]
    if len(ended) < _FEWEST:
        are = "1 result is" if len(ended) == 1 else f"{len(ended)} results are"
        return f"{are} too few; importances need {_FEWEST}"
    if not varied:
        return "no parameter was varied"
    share = _BEST_OF_FEW if len(ended) < _MANY else _BEST_OF_MANY
    quantile = min(0.5, max(share, _FEWEST_BEST / len(ended)))
    try:
        shares, *shuffled = _ped_anova(evidence, varied, ended, quantile)
    except Exception as err:  # a report is worth more than this one figure of it
        return f"Optuna's PED-ANOVA rejects these trials: {err!r}"
    total = sum(shares.values())
    if total <= 0:
        return "the best trials are spread like all the others: no parameter distinguishes them"
    found = [
        Importance(
            one.name,
            shares.get(one.name, 0.0) / total,
            int(np.isfinite(one.values[ended]).sum()),
        )
        for one in varied
    ]
    ranked = tuple(sorted(found, key=lambda one: -one.share))
    largest = sorted((max(one.values(), default=0.0) for one in shuffled), reverse=True)
    by_chance = largest[_RANK - 1] / total
    pruned = sum(evidence.trials[int(at)].outcome in CUT_SHORT for at in ended)
    best = int(np.ceil(quantile * len(ended)))
    return Importances(ranked, len(ended), best, by_chance, pruned)


def _ped_anova(
    evidence: Evidence, varied: list[Dimension], ended: npt.NDArray[np.intp], quantile: float
) -> list[dict[str, float]]:
    """Return the importances, and those of each shuffle of the results."""
    from sweeps.search_methods.optuna_trials import quiet

    with _not_imported("sklearn"):  # half a second and more, for fANOVA's forests alone
        from optuna import create_study
        from optuna.importance import PedAnovaImportanceEvaluator
        from optuna.trial import create_trial

    distributions = {one.name: _shared(_distribution(one)) for one in varied}
    trials = []
    for at in ended:
        params = {one.name: _value(one, at) for one in varied if np.isfinite(one.values[at])}
        trials.append(
            create_trial(
                params=params,
                distributions={name: distributions[name] for name in params},
                value=float(evidence.losses[at]),
            )
        )
    with quiet():
        study = create_study(direction="minimize")
        study.add_trials(trials)
        evaluator = PedAnovaImportanceEvaluator(target_quantile=quantile)
        return [
            evaluator.evaluate(_with_values(study, losses), params=[one.name for one in varied])
            for losses in _shuffled(evidence, ended)
        ]


@contextmanager
def _not_imported(name: str) -> Iterator[None]:
    """Have imports of a package fail in the block, where it is not there already."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def _shared(one: BaseDistribution) -> BaseDistribution:
    """Return a distribution that all trials have in common, and that is hashed by what it is.

    Optuna copies it for each trial, takes it for a key, and makes its hash anew each time, of all
    that it holds; copies are compared at each look.
    """
    kind = type(one)
    own = {"__hash__": object.__hash__, "__deepcopy__": lambda self, memo: self}
    one.__class__ = type(kind.__name__, (kind,), own)
    return one


def _shuffled(evidence: Evidence, ended: npt.NDArray[np.intp]) -> Iterator[Array]:
    """Yield the losses as they are, and then shuffled."""
    random = np.random.default_rng([evidence.file.seed, _STREAM])
    yield evidence.losses[ended]
    for _ in range(_SHUFFLES):
        yield random.permutation(evidence.losses[ended])


def _with_values(study: Study, losses: Array) -> Study:
    """Return a study with other results: to add its trials again would take most of the time."""
    for trial, loss in zip(study.get_trials(deepcopy=False), losses, strict=True):
        trial.value = float(loss)
    return study


def _distribution(one: Dimension) -> BaseDistribution:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if one.kind == "choice":
        return CategoricalDistribution(range(len(one.options)))
    if one.kind == "int":
        return IntDistribution(int(one.low), int(one.high), log=one.log)
    return FloatDistribution(one.low, one.high, log=one.log)


def _value(one: Dimension, at: int) -> Any:
    """Values listed by hand may lie outside of a range: they count as its nearer end."""
    value = float(np.clip(one.values[at], one.low, one.high))
    return value if one.kind == "float" else int(value)

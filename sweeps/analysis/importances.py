"""Which parameters decide whether a trial is among the best: Optuna's PED-ANOVA on our trials.

Watanabe, Bansal and Hutter (IJCAI 2023); parameters that only exist inside an option of a choice
are handled as in its conditional form, which Optuna 5 has.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sweeps.analysis.evidence import Dimension, Evidence

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Importance", "Importances", "importances"]

_FEWEST = 10
# Optuna wants at least five trials among the best; a tenth of all where that is more.
_BEST_SHARE, _FEWEST_BEST = 0.1, 5


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
    """

    found: tuple[Importance, ...]
    trials: int
    best: int


def importances(evidence: Evidence) -> Importances | str:
    """Return the importances of the parameters that were varied, or why there are none.

    Baselines are left out: they lie where somebody put them.
    """
    evidence = evidence.draws()
    ended = np.flatnonzero(np.isfinite(evidence.values))
    varied = [one for one in evidence.dimensions if one.is_varied(ended)]
    if len(ended) < _FEWEST:
        return f"{len(ended)} results are too few; importances want {_FEWEST}"
    if not varied:
        return "no parameter was varied"
    quantile = min(0.5, max(_BEST_SHARE, _FEWEST_BEST / len(ended)))
    try:
        shares = _ped_anova(evidence, varied, ended, quantile)
    except Exception as err:  # a report is worth more than this one figure of it
        return f"Optuna's PED-ANOVA does not take these trials: {err!r}"
    total = sum(shares.values())
    if total <= 0:
        return "the best trials lie where all trials lie: no parameter tells them apart"
    found = [
        Importance(
            one.name,
            shares.get(one.name, 0.0) / total,
            int(np.isfinite(one.values[ended]).sum()),
        )
        for one in varied
    ]
    ranked = tuple(sorted(found, key=lambda one: -one.share))
    return Importances(ranked, len(ended), int(np.ceil(quantile * len(ended))))


def _ped_anova(
    evidence: Evidence, varied: list[Dimension], ended: npt.NDArray[np.intp], quantile: float
) -> dict[str, float]:
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    distributions = {one.name: _distribution(one) for one in varied}
    trials = []
    for at in ended:
        params = {one.name: _value(one, at) for one in varied if np.isfinite(one.values[at])}
        trials.append(
            optuna.trial.create_trial(
                params=params,
                distributions={name: distributions[name] for name in params},
                value=float(evidence.losses[at]),
            )
        )
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study = optuna.create_study(direction="minimize")
            study.add_trials(trials)
            evaluator = PedAnovaImportanceEvaluator(target_quantile=quantile)
            return dict(
                get_param_importances(
                    study,
                    evaluator=evaluator,
                    params=[one.name for one in varied],
                    normalize=False,
                )
            )
    finally:
        optuna.logging.set_verbosity(level)


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

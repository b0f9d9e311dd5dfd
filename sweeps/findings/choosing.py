"""By what a final chooses: the objective, or the point of several that `final.choose` names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

from sweeps.definition.sweep_file import SweepFile
from sweeps.models.scoring.objective import SIZES, Objective
from sweeps.record.sweep_record import Rank, SweepRecord, TrialRecord
from sweeps.search_spaces.constraints import Constraint

__all__ = ["Choosing"]


@dataclass(frozen=True)
class Choosing:
    """What makes a trial the one that a sweep ends with.

    Attributes:
        objective: The metric at a trial's best epoch, or the size of its net, by which the best
            are taken and their repeats are ranked.
        where: An expression that a trial must satisfy, and the means of its repeats again; empty
            where there is none.
    """

    objective: Objective
    where: str = ""

    @classmethod
    def of(cls, file: SweepFile, objective: Objective) -> Choosing:
        """Return how a sweep with this objective chooses: by it, unless the file says how."""
        choose = None if file.final is None else file.final.choose
        if choose is None:
            return cls(objective)
        name, where = choose.metric, choose.where or ""
        if name == objective.metric:
            return cls(objective, where)
        declared = file.metrics.get(name.removeprefix("dev_"))
        limits = None if declared is None or declared.bounds is None else declared.limits
        limits = (0.0, None) if name in SIZES else limits
        return cls(Objective(name, choose.mode, limits=limits), where)

    def value(self, trial: TrialRecord) -> float | None:
        """Return what a trial is chosen by, at its best epoch; None where it has no finite one."""
        found = _known_of(trial).get(self.objective.metric)
        return found if found is not None and math.isfinite(found) else None

    def ranked(self, record: SweepRecord) -> list[TrialRecord]:
        """Return the trials that may be chosen, best first."""

        def key(one: TrialRecord) -> tuple[int, float, Rank]:
            place = record.rank(one)
            # What failed, or can stand on no front, comes last, whatever is chosen by.
            return place[0], self.objective.sort_key(self.value(one)), place

        return sorted((one for one in record.ranked() if self._may_be(one)), key=key)

    def holds_of(self, repeats: Sequence[TrialRecord]) -> bool:
        """Return whether the means of a candidate's repeats satisfy `where`.

        One that a search picked for reaching a limit reached it by luck, too (as the best of many
        is too good), so that it has to reach it again.
        """
        known = [_known_of(one) for one in repeats if one.best is not None]
        shared = set.intersection(*(set(one) for one in known)) if known else set()
        return self._holds({name: fmean(one[name] for one in known) for name in shared})

    def why_none(self, record: SweepRecord) -> str:
        """Return why no trial of a search may be chosen, with what they have; empty if one may."""
        with_result = record.ranked()
        if not with_result or self.ranked(record):
            return ""
        has = " and ".join(_range(name, with_result) for name in self._asked)
        number = len(with_result)
        of = f"none of the {number} trials with a result satisfies"
        of = of if number > 1 else "the one trial with a result does not satisfy"
        what = f"final.choose.where, {self.where}" if self.where else "final.choose"
        return f"{of} {what} ({has})"

    @property
    def _asked(self) -> list[str]:
        """What a trial is asked for: the names in `where`, where there are any."""
        return sorted(self._names) or [self.objective.metric]

    @property
    def why_none_again(self) -> str:
        """Why no candidate may be chosen after their repeats."""
        return (
            f"no candidate satisfies final.choose.where ({self.where}) in the mean of its repeats"
        )

    @cached_property
    def _condition(self) -> Constraint | None:
        """`where`, read once for all trials."""
        return Constraint(self.where) if self.where else None

    @property
    def _names(self) -> frozenset[str]:
        return frozenset() if self._condition is None else self._condition.names

    def _may_be(self, trial: TrialRecord) -> bool:
        return self.value(trial) is not None and self._holds(_known_of(trial))

    def _holds(self, values: Mapping[str, Any]) -> bool:
        """Return whether `where` holds; not where something in it is unknown or not finite."""
        found = [values.get(name, math.nan) for name in self._names]
        return all(map(math.isfinite, found)) and (
            self._condition is None or self._condition.holds(values)
        )


def _known_of(trial: TrialRecord) -> dict[str, float]:
    return {**trial.sizes, **(trial.best or {})}


def _range(name: str, trials: Sequence[TrialRecord]) -> str:
    known = [found[name] for found in map(_known_of, trials) if name in found]
    if not known:
        return f"{name} is not recorded"
    low, high = min(known), max(known)
    return f"{name} is {low:g}" if low == high else f"{name} is between {low:g} and {high:g}"

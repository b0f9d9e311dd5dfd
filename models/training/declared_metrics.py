"""The metrics that user-defined training reports, held to those that the sweep file declares."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from sweeps.models.scoring.objective import Objective
from sweeps.models.training.kept_state import TARGET, refused

__all__ = ["DeclaredMetrics"]


class DeclaredMetrics:
    """What every epoch of one training must report."""

    def __init__(self, objective: Objective, key: tuple[str, ...] = TARGET) -> None:
        """Nothing is reported yet.

        Args:
            objective: with the metrics that are declared.
            key: where the training is named in a trial's configuration, for messages.
        """
        self._objective = objective
        self._key = key
        self._reported: tuple[str, ...] = ()

    @property
    def names(self) -> Collection[str]:
        """Those that are declared."""
        return self._objective.recorded

    def measured(self, part: str, metrics: Mapping[Any, Any], what: str) -> dict[str, float]:
        """Return metrics of a part under the names of a row.

        Args:
            what: reports them, for messages.

        Raises:
            OwnTrainingError: one is not declared, or no number.
        """
        for name in metrics:
            if name not in self._objective.recorded:
                declared = ", ".join(self._objective.recorded)
                raise refused(
                    f"{what} reports {name!r}, which `metrics` of the sweep file does not have: "
                    f"{declared}",
                    self._way_out(str(name)),
                    self._key,
                )
        return {f"{part}_{name}": self._number(name, value) for name, value in metrics.items()}

    def _way_out(self, name: str) -> str:
        """What to do about a metric that is not declared, which may be another by its name."""
        part, _, rest = name.strip().rpartition("_")
        meant = rest if part in ("train", "dev", "test") else name.strip()
        if meant not in self._objective.recorded:
            return f"Declare it (metrics: {{{name}: {{goal: min}}}}), or do not report it"
        if part == "test":
            return "The test rows are evaluated once, in `final`"
        why = ": its part of the data is known" if meant != name.strip() else ""
        return f"Report it as {meant!r}{why}"

    def check_epoch(self, names: Collection[str], epoch: int, what: str = "evaluate") -> None:
        """Every epoch must have every metric that is declared, and the same ones as before.

        Args:
            names: of a row.
            epoch: from 1.

        Raises:
            OwnTrainingError: it does not.
        """
        metric = self._objective.metric  # of a refit it is the epoch
        if metric.startswith("dev_") and metric not in names:
            raise refused(f"{what} must report the objective, {metric}", "", self._key)
        for name in self._objective.recorded:
            if not {f"train_{name}", f"dev_{name}"} & set(names):
                raise refused(
                    f"the metric {name!r} of the sweep file is reported neither by the training "
                    f"nor by its evaluation",
                    "",
                    self._key,
                )
        before = self._reported or tuple(names)
        if set(names) != set(before):
            rule = f"must report the same metrics every epoch: {', '.join(sorted(before))}"
            has = f"epoch {epoch} has {', '.join(sorted(names))}"
            raise refused(f"{rule}; {has}", "", self._key)
        self._reported = tuple(names)

    def _number(self, name: str, value: Any) -> float:
        """Return a metric as a float; NaN and infinities are values, too."""
        if isinstance(value, Tensor | np.ndarray) and math.prod(value.shape) == 1:
            value = value.item()
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            kind = type(value).__name__
            raise refused(f"the metric {name!r} must be a number, not a {kind}", "", self._key)
        try:
            return float(value)
        except OverflowError:
            rule = f"the metric {name!r} must be a number that a float can hold, below 1.8e308"
            raise refused(rule, "", self._key) from None

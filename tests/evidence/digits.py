"""A table of 1,944 nets that were trained on scikit-learn's digits, with every epoch of each.

`python -m tests.evidence.digits RUN` makes it from a run of docs/evidence/learned_search.yaml. A
search may ask for any configuration in the ranges of `SPACE`: it gets the net that is nearest, by
the scale of each range, of its own optimizer.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import sweeps
from tests.evidence.asha import curves_of

__all__ = ["LEAST", "SPACE", "curve"]

_FILE = Path(__file__).parent / "digits.npz"
_KINDS, _SIZES = ("sgd", "adam"), (32, 128, 512)
# Ends of each range, whether its scale is logarithmic, and its points.
_RATES = {"sgd": (1.0e-4, 1.0), "adam": (1.0e-5, 1.0e-1)}
_UNITS, _DROPOUT, _L2, _POINTS = (4, 128), (0.0, 0.6), (1.0e-6, 1.0e-2), (4, 3, 9, 3)
SPACE: dict[str, Any] = {
    "units": {"int": [*_UNITS], "log": True},
    "dropout": {"float": [*_DROPOUT]},
    "optimizer": {
        "choice": [
            {"kind": kind, "lr": {"float": [*ends], "log": True}} for kind, ends in _RATES.items()
        ]
    },
    "l2": {"float": [*_L2], "log": True},
    "batch_size": {"choice": [*_SIZES]},
}
# (units, dropout, optimizer, rates, l2, batch sizes, epochs); NaN from where a net diverged.
_LOSSES: npt.NDArray[np.float32] = (
    np.load(_FILE)["dev_loss"] if _FILE.exists() else np.zeros((4, 3, 2, 9, 3, 3, 12), np.float32)
)
LEAST = float(np.nanmin(_LOSSES))


def curve(one: dict[str, Any]) -> npt.NDArray[np.float32]:
    """Return (epochs,) the dev losses of the net that is nearest to a configuration of `SPACE`."""
    kind = one["optimizer"]["kind"]
    at = (
        _nearest(one["units"], _UNITS, 4, log=True),
        _nearest(one["dropout"], _DROPOUT, 3, log=False),
        _KINDS.index(kind),
        _nearest(one["optimizer"]["lr"], _RATES[kind], 9, log=True),
        _nearest(one["l2"], _L2, 3, log=True),
        _SIZES.index(one["batch_size"]),
    )
    return np.asarray(_LOSSES[at])


def _nearest(value: float, ends: tuple[float, float], points: int, *, log: bool) -> int:
    low, high = np.log(ends) if log else ends
    place = ((np.log(value) if log else value) - low) / (high - low)
    return int(np.clip(np.rint(place * (points - 1)), 0, points - 1))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.digits", description=__doc__)
    parser.add_argument(
        "run", type=Path, help="a finished run of docs/evidence/learned_search.yaml"
    )
    results = sweeps.open_run(parser.parse_args().run)
    shape = _LOSSES.shape
    found = np.full(shape, np.nan, np.float32)
    for trial, losses in zip(results.record.trials, curves_of(results), strict=True):
        found[_place(trial.trial.configuration)] = losses
    np.savez_compressed(_FILE, dev_loss=found)


def _place(one: dict[str, Any]) -> tuple[int, ...]:
    model, optimizer = one["model"], one["optimizer"]
    return (
        _nearest(model["hidden_units"], _UNITS, 4, log=True),
        _nearest(model["dropout"], _DROPOUT, 3, log=False),
        _KINDS.index(optimizer["kind"]),
        _nearest(optimizer["lr"], _RATES[optimizer["kind"]], 9, log=True),
        _nearest(one["regularization"]["l2"], _L2, 3, log=True),
        _SIZES.index(one["training"]["batch_size"]),
    )


if __name__ == "__main__":
    main()

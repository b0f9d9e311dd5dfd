"""Which trials follow a search: repeats of its best, pruned ones to their end, one last training.

Pure functions of what the search found, so that a stage that was killed is planned the same again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sweeps.definition.planning import PlannedTrial, configuration_hash, spawned_seed
from sweeps.models.own_training_configuration import OwnTrialConfig

__all__ = ["audit_plan", "can_be_refitted", "refit_plan", "repeats_plan"]

# Below a trial's own key in the tree of seeds: streams that the search does not use.
_REPEATS, _REFIT = 1, 2
# The schedule that lowers the learning rate when the dev objective stands still.
_WATCHES_DEV = "plateau"
_AUDIT_STREAM = 0x6175646974  # "audit"


def repeats_plan(
    candidates: Sequence[PlannedTrial], seeds: int, sweep_seed: int
) -> list[PlannedTrial]:
    """Return each candidate under `seeds` fresh seeds; all first repeats, then all second ones."""
    pairs = [(repeat, trial) for repeat in range(seeds) for trial in candidates]
    return [
        replace(trial, index=place, seed=spawned_seed(sweep_seed, trial.index, _REPEATS, repeat))
        for place, (repeat, trial) in enumerate(pairs)
    ]


def audit_plan(pruned: Sequence[PlannedTrial], number: int, sweep_seed: int) -> list[PlannedTrial]:
    """Return `number` of the pruned trials, drawn by seed, each with its own seed of the search.

    Equal seeds give equal curves, so that these go on where the search stopped them.
    """
    random = np.random.default_rng([sweep_seed, _AUDIT_STREAM])
    chosen = random.permutation(len(pruned))[:number]
    return [replace(pruned[at], index=place) for place, at in enumerate(sorted(chosen))]


def can_be_refitted(trial: PlannedTrial) -> bool:
    """Return whether a trial can be trained on dev rows, too: its schedule does not watch them."""
    config = trial.config
    return isinstance(config, OwnTrialConfig) or config.schedule.kind != _WATCHES_DEV


def refit_plan(winner: PlannedTrial, sweep_seed: int) -> list[PlannedTrial]:
    """Return the winner once more, without early stopping: no dev rows are left to stop by."""
    regularization = {**winner.configuration["regularization"], "early_stopping": None}
    configuration = {**winner.configuration, "regularization": regularization}
    seed = spawned_seed(sweep_seed, winner.index, _REFIT)
    return [PlannedTrial(0, configuration_hash(configuration), seed, configuration)]

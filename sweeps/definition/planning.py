"""Which trials a sweep begins with: a pure function of the sweep file and its seed.

Trial i's configuration and seed depend on nothing but the file; a longer plan starts with the
shorter one; no configuration appears twice. A method that learns adds the rest while the sweep runs
(sweeps.definition.proposals); all others have their whole plan here.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeps.definition.configurations import flatten
from sweeps.definition.listed import complete, listed_configurations
from sweeps.definition.roles import scientific_dimensions
from sweeps.definition.trial_checks import (
    check_configuration,
    possible_configurations,
    template_place,
)
from sweeps.models.trial_kinds import AnyTrialConfig, read_trial
from sweeps.search_methods.search import Search
from sweeps.search_spaces.problems import Problem, SpaceError

if TYPE_CHECKING:
    from sweeps.definition.sweep import Sweep
    from sweeps.search_spaces.space import Space

__all__ = [
    "PATIENCE_DRAWS",
    "PlannedTrial",
    "configuration_hash",
    "legal_trial",
    "make_plan",
    "most_epochs",
    "spawned_seed",
    "trials_in_all",
]

# A draw is refused when so many in a row gave no new legal configuration.
PATIENCE_DRAWS = 10_000

Configuration = dict[str, Any]


@dataclass(frozen=True)
class PlannedTrial:
    """One configuration to train, and the seed of its weights and batches.

    Attributes:
        index: Position in the plan, from 0; the trial's name for life.
        hash: First 12 hexadecimal digits of the SHA-256 of the configuration.
        seed: 63-bit seed, spawned from the sweep's seed by index.
        configuration: Complete (defaults included) and checked, as plain JSON values.
    """

    index: int
    hash: str
    seed: int
    configuration: Configuration

    @cached_property
    def config(self) -> AnyTrialConfig:
        """The configuration, typed."""
        return read_trial(self.configuration)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what follows from the rest: all trials go to each worker."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def to_json(self) -> dict[str, Any]:
        """Return the plan's line for this trial."""
        return asdict(self)

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> PlannedTrial:
        """Read a plan's line; raises KeyError or TypeError on a damaged one."""
        return cls(
            index=int(line["index"]),
            hash=str(line["hash"]),
            seed=int(line["seed"]),
            configuration=dict(line["configuration"]),
        )


def configuration_hash(configuration: Mapping[str, Any]) -> str:
    """Return 12 hexadecimal digits that two equal configurations share."""
    canonical = json.dumps(configuration, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def make_plan(sweep: Sweep) -> list[PlannedTrial]:
    """Return the trials that `sweep` begins with: baselines, then what its search method draws.

    Raises:
        SpaceError: The constraints leave too few configurations, or none.
    """
    found: dict[str, Configuration] = {}
    for configuration in _listed(sweep):
        found.setdefault(configuration_hash(configuration), configuration)
    wanted = sweep.file.search.planned
    for configuration in itertools.islice(_new_ones(sweep, found), _left(wanted, found)):
        found[configuration_hash(configuration)] = configuration
    if not found:
        raise SpaceError([_nothing_left(sweep)])
    return [
        PlannedTrial(index, key, spawned_seed(sweep.file.seed, index), configuration)
        for index, (key, configuration) in enumerate(found.items())
    ]


def trials_in_all(search: Search, planned: int) -> int:
    """Return how many trials a sweep has in all, `planned` of them from its beginning."""
    return max(planned, search.asked or 0) if search.learns else planned


def most_epochs(planned: Iterable[PlannedTrial], space: Space | None) -> int:
    """Return the most epochs of any of these trials, and of any that `space` may give."""
    longest = max(trial.config.training.epochs for trial in planned)
    possible = [] if space is None else possible_configurations(space)
    return max(longest, *(int(one["training"]["epochs"]) for one in possible), 0)


def _left(wanted: int | None, found: Mapping[str, Configuration]) -> int | None:
    return None if wanted is None else max(0, wanted - len(found))


def spawned_seed(seed: int, *key: int) -> int:
    """Return 63 bits that belong to `key` below the sweep's seed; a trial's key is its index."""
    state = np.random.SeedSequence(seed, spawn_key=key).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def _listed(sweep: Sweep) -> Iterator[Configuration]:
    for _, configuration in listed_configurations(sweep.file.search):
        yield _complete_trial(sweep, complete(sweep.file.space, configuration))


def _new_ones(sweep: Sweep, found: Mapping[str, Configuration]) -> Iterator[Configuration]:
    """Yield legal configurations not in `found` (which the caller extends meanwhile)."""
    since_last, listed = 0, len(found)
    # A draw that is rejected is not an option's turn: all would not get as many trials else.
    for draw in _draws(sweep, lambda: len(found) - listed):
        configuration = legal_trial(sweep, draw)
        if configuration is not None and configuration_hash(configuration) not in found:
            since_last = 0
            yield configuration
            continue
        since_last += 1
        if since_last >= PATIENCE_DRAWS and not sweep.file.search.ends:
            raise SpaceError([_too_few(sweep, len(found)) if found else _none_drawn(sweep)])


def _draws(sweep: Sweep, turn: Callable[[], int]) -> Iterator[Configuration]:
    search, roles = sweep.file.search, sweep.file.roles
    is_balanced = not search.ends and roles is not None and roles.balanced
    balanced = scientific_dimensions(roles, sweep.space) if is_balanced else []
    return search.draws(sweep.space, sweep.file.seed, balanced, turn)


def legal_trial(sweep: Sweep, draw: Mapping[str, Any]) -> Configuration | None:
    """Return the complete configuration of a draw, or None where the constraints reject it.

    They are asked first, as they may forbid what could not be a trial at all.

    Raises:
        SpaceError: It is no trial, and they do not forbid it.
    """
    if not sweep.allows(draw):
        return None
    configuration = _complete_trial(sweep, draw)
    return configuration if sweep.allows(configuration) else None


def _complete_trial(sweep: Sweep, draw: Mapping[str, Any]) -> Configuration:
    """Return `draw` with every default filled in, as plain JSON values."""
    verdict = check_configuration(draw, sweep.surroundings)
    if verdict.configuration is None:
        raise SpaceError([_illegal(sweep, draw, verdict.problems[0])])
    return verdict.configuration


def _illegal(sweep: Sweep, draw: Mapping[str, Any], problem: Problem) -> Problem:
    values = {key: value for key, value in flatten(draw).items() if value is not None}
    return Problem(
        path=("space", *template_place(sweep.space, draw, problem)),
        value=problem.value,
        rule=f"the space contains an invalid trial: {problem.rule} (values: {values})",
        hint="exclude such combinations with a line in `constraints`",
    )


def _too_few(sweep: Sweep, found: int) -> Problem:
    return Problem(
        path=("search", "trials"),
        value=sweep.file.search.asked,
        rule=(
            f"only {found} different valid configurations were found; the next {PATIENCE_DRAWS:,} "
            f"draws were duplicates or rejected by `constraints`"
        ),
        hint=(
            f"ask for {found} trials at most, widen `space` or loosen `constraints`"
            f"{_or_roles(sweep)}"
        ),
    )


def _or_roles(sweep: Sweep) -> str:
    roles = sweep.file.roles
    if roles is None or not roles.balanced:
        return ""
    return ", or write `balanced: false` in `roles`: one of its options may have no more trials"


def _none_drawn(sweep: Sweep) -> Problem:
    rule = f"the constraints rejected all of {PATIENCE_DRAWS:,} draws from the space"
    hint = "loosen `constraints`, or move the ranges in `space` to where they hold"
    return Problem(("constraints",), list(sweep.file.constraints), rule, hint=hint)


def _nothing_left(sweep: Sweep) -> Problem:
    return Problem(
        path=("constraints",) if sweep.file.constraints else ("space",),
        value=list(sweep.file.constraints),
        rule="the constraints reject every configuration of the space",
        hint="loosen `constraints` or widen `space`",
    )

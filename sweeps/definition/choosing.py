"""`method: auto`: which search method a sweep gets, told from its file alone.

The rules follow docs/evidence/learned_search.md. What is chosen becomes an override of the sweep
(`--set search.method=...`), so that a run keeps it whatever the rules say later.
"""

from __future__ import annotations

from dataclasses import dataclass

from sweeps.definition.sweep_file import SweepFile
from sweeps.search_methods.auto import AutoSearch
from sweeps.search_spaces.parameters import Choice
from sweeps.search_spaces.problems import SpaceError
from sweeps.search_spaces.space import Space

__all__ = ["Chosen", "choose"]

_STARTUP = 10  # the first trials of a method that learns are drawn at random
_FEWEST_LEARNED = 2 * _STARTUP
# An option that looks good everywhere misled the learners after 16 trials, and tpe not after 32.
_FEWEST_OF_OPTIONS = 32
# A Gaussian process takes time with the cube of the trials, and knows little of many parameters.
_MOST_OF_GP, _MOST_PARAMETERS_OF_GP = 300, 12


@dataclass(frozen=True)
class Chosen:
    """A method, and why it was chosen."""

    method: str
    reason: str

    @property
    def override(self) -> str:
        """What makes the sweep file one of this method."""
        return f"search.method={self.method}"

    def __str__(self) -> str:
        return f"auto chose {self.method}: {self.reason}"


def choose(file: SweepFile) -> Chosen | None:
    """Return the method of a sweep that leaves it open; None where it does not.

    A space that cannot be read is told elsewhere; any method does until then.
    """
    if not isinstance(file.search, AutoSearch):
        return None
    trials = file.search.trials
    if file.roles is not None:
        return Chosen("sobol", "roles need independent draws")
    if file.stopping.together:
        return Chosen("sobol", f"{file.stopping.together}, and sobol covers the space evenly")
    try:
        space = Space(file.space)
    except SpaceError:
        return Chosen("sobol", "the space cannot be read")
    has_options = _has_options(space)
    fewest = _FEWEST_OF_OPTIONS if has_options else _FEWEST_LEARNED
    if trials < fewest:
        return Chosen(
            "sobol", f"{trials} trials are too few to learn from; with {fewest} or more it is"
        )
    if has_options:
        return Chosen("tpe", "it keeps drawing from every option that has parameters of its own")
    if file.objective.others:
        return Chosen("tpe", "it searches for all objectives")
    if file.stopping.stops:
        return Chosen("tpe", f"it learns from trials that {file.stopping.scheduler} stopped, too")
    if trials > _MOST_OF_GP or len(space.dimensions) > _MOST_PARAMETERS_OF_GP:
        return Chosen("tpe", f"{len(space.dimensions)} parameters and {trials} trials are many")
    reason = f"it needs the fewest trials on {len(space.dimensions)} parameters without options"
    return Chosen("gp", reason)


def _has_options(space: Space) -> bool:
    """Whether an option of a choice has parameters that the others do not have."""
    choices = [path for path, one in space.dimensions if isinstance(one, Choice)]
    return any(
        path[: len(choice) + 1] == (*choice, "choice")
        for choice in choices
        for path, _ in space.dimensions
    )

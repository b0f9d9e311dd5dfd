"""What `method: cmaes` needs: ranges alone, and trials for more than one generation."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sweeps.search_methods.cmaes import CmaEsSearch
from sweeps.search_methods.search import Search
from sweeps.search_spaces.parameters import Choice
from sweeps.search_spaces.problems import Problem
from sweeps.search_spaces.space import Space

__all__ = ["generation_problems"]


def generation_problems(search: Search, space: Space) -> Iterator[Problem]:
    """Yield why an evolution strategy could not learn in a space."""
    if isinstance(search, CmaEsSearch):
        yield from _of_choices(space)
        yield from _of_trials(search, len(space.dimensions))
        if search.use_separable_cma and search.lr_adapt:
            rule = "lr_adapt needs the full covariance matrix"
            hint = "remove `lr_adapt` or `use_separable_cma`"
            yield Problem(("search", "lr_adapt"), True, rule, hint=hint)


def _of_choices(space: Space) -> Iterator[Problem]:
    for path, parameter in space.dimensions:
        if isinstance(parameter, Choice) and len(parameter.options) > 1 and "choice" not in path:
            rule = "cmaes needs numeric ranges; the options of a choice have no order"
            hint = (
                "write one option, numbers as `{int: [low, high]}` or `float`, or use `method: "
                "tpe`, which learns which option is best"
            )
            yield Problem(("space", *path), None, rule, hint=hint)


def _of_trials(search: CmaEsSearch, parameters: int) -> Iterator[Problem]:
    size = search.popsize or 4 + math.floor(3 * math.log(max(parameters, 1)))
    fewest = search.startup + size + 1
    if search.startup < search.trials < fewest:
        rule = (
            f"nothing would be learned: {search.startup} random draws and a generation of {size} "
            f"come first"
        )
        hint = f"ask for at least {fewest} (better some hundred), or use `method: gp`"
        yield Problem(("search", "trials"), search.trials, rule, hint=hint)

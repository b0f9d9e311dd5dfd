"""Options held against the user's own Pydantic model, which runs the module that has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import ValidationError

from sweeps.definition.problems import from_model
from sweeps.definition.validation_messages import problems_of
from sweeps.models.errors import ModelError, OwnFunctionError
from sweeps.models.own_code.finding import find_function
from sweeps.models.own_code.guards import described, guarded
from sweeps.models.own_code.options_model import made, options_model
from sweeps.models.own_code.roles import OwnFunction
from sweeps.search_spaces.problems import Problem

__all__ = ["model_problems"]


def model_problems(own: OwnFunction) -> Iterator[Problem]:
    """Yield what the model of a function's options says against them."""
    place = own.role.options or own.role.path
    try:
        found = options_model(find_function(own.target, OwnFunctionError, own.role.path), own.kind)
    except ModelError as err:
        yield from_model(err)
        return
    if found is None:
        return
    _, model = found
    try:
        with guarded():
            made(model, own.options)
    except ValidationError as err:
        for problem in problems_of(err, model, own.options):
            yield replace(problem, path=(*place, *problem.path))
    except (Exception, SystemExit) as err:
        yield Problem(place, None, f"{model.__name__} must take these options ({described(err)})")

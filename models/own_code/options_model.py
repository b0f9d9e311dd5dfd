"""Options that a function of the user's takes as one object: a Pydantic model of their own.

`def train(trial, options: Options)` gets `Options(**options)`, made of what the sweep file has
under `options`. Its rules are then the file's: both ends of every range are held against them.
Imports no torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError

from sweeps.models.errors import TrialConfigError
from sweeps.models.own_code.roles import ROLES, OwnRole

__all__ = ["MODELLED", "keywords_of", "made", "options_model"]

# The kinds of functions that may take their options so.
MODELLED: tuple[OwnRole, ...] = ("net", "optimizer", "training")


@lru_cache(maxsize=64)  # every trial of a plan asks for it
def options_model(
    function: Callable[..., Any], kind: OwnRole
) -> tuple[str, type[BaseModel]] | None:
    """Return the parameter that takes all options, and its model; None where there is none.

    It is the only one besides those that the product itself passes.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # written in C
        return None
    role = ROLES[kind]
    own = [one for one in parameters[len(role.positional) :] if one.name not in role.given]
    if len(own) != 1 or own[0].kind not in (own[0].POSITIONAL_OR_KEYWORD, own[0].KEYWORD_ONLY):
        return None
    annotation = _hints(function).get(own[0].name)
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return (own[0].name, annotation) if is_model and annotation is not None else None


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        annotated = vars(function).get("__init__") if isinstance(function, type) else function
        return get_type_hints(annotated)
    except Exception:  # a name that only a type checker knows
        return {}


def made(model: type[BaseModel], options: Mapping[str, Any]) -> BaseModel:
    """Return the model of some options; one that the model does not have is refused.

    Raises:
        ValidationError: A rule of the model is broken. Other errors are the user's own.
    """
    says_itself = "extra" in model.model_config
    return model.model_validate(options, extra=None if says_itself else "forbid")


def keywords_of(
    function: Callable[..., Any], kind: OwnRole, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a function is called with for its options: their model, or each by its name.

    Raises:
        TrialConfigError: A rule of the model is broken.
    """
    found = options_model(function, kind)
    if found is None:
        return dict(options)
    name, model = found
    try:
        return {name: made(model, options)}
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        key = (*(ROLES[kind].options or ()), *map(str, first["loc"]))
        raise TrialConfigError(first["msg"], key=key, is_permanent=True) from err

"""Pydantic's errors in the words of a sweep file: key path, rule, allowed choices, way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sweeps.definition.key_homes import home_of, sections_of
from sweeps.definition.other_names import answer_to, key_meant, parameter_answer
from sweeps.definition.problems import from_model
from sweeps.models.errors import ModelError
from sweeps.search_spaces.problems import Problem, did_you_mean, number_hint

__all__ = ["KEYS_OF_KINDS", "problems_of"]

Path = tuple[str | int, ...]

_BOUNDS = {
    "greater_than": ("gt", "must be greater than {}"),
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be at most {}"),
}
_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a section (key: value)",
    "model_type": "a section (key: value)",
    "model_attributes_type": "a section (key: value)",
    "finite_number": "a finite number",
}
_SCALAR_TYPES = frozenset({"int_type", "int_from_float", "float_type", "string_type", "bool_type"})
_DIRECTIONS = ("mode", "goal", "direction")
_DIRECTION = (
    "leave it out: the metric says whether low or high is good, and `goal` of one of your own"
)
# The keys that tell the alternatives of a section apart.
KEYS_OF_KINDS = ("kind", "method", "scheduler")
_PARAMETER_HINT = (
    "a parameter is {float: [low, high]}, {int: [low, high]} or {choice: [...]} in `space`"
)
_MOST_LISTED = 4
_WHOLE = frozenset({"int_type", "int_from_float"})


def problems_of(
    error: ValidationError, model: type[BaseModel], value: Mapping[str, Any]
) -> list[Problem]:
    """Return one Problem per error of validating `value` as `model`, without doubles.

    A union of alternatives (`int | "full"`) reports each alternative; they become one problem.
    """
    found: dict[Path, list[Problem]] = {}
    for details in error.errors(include_url=False):
        path, tags = _path(details["loc"], value)
        problem = _problem(details, path, _Place(model, path, tags))
        if problem.kind == "unknown_key":
            found[path] = [problem]
        else:
            found.setdefault(path, []).append(problem)
    merged = [_merged(problems) for problems in found.values()]
    meant = {_key_meant(problem) for problem in merged if problem.kind == "unknown_key"}
    return [one for one in merged if one.kind != "missing_key" or one.path not in meant]


def _key_meant(problem: Problem) -> Path:
    """Return the place of the key that an unknown one was most likely meant to be."""
    return (*problem.path[:-1], key_meant(str(problem.path[-1]), problem.choices))


@dataclass(frozen=True)
class _Place:
    """Where in the models of a file an error is."""

    model: type[BaseModel]
    path: Path
    tags: tuple[str, ...]

    def keys(self) -> tuple[str, ...]:
        """Return the keys of the section that holds the value."""
        section = _alternative(_annotation(self.model, self.path[:-1], self.tags), self.tags)
        return tuple(section.model_fields) if section is not None else ()

    def kinds(self, name: str) -> tuple[str, ...]:
        """Return the values of the key that tells the alternatives of the section apart."""
        members = sections_of(_annotation(self.model, self.path, self.tags))
        return tuple(tag for one in members for tag in get_args(one.model_fields[name].annotation))

    def others_with(self, key: str) -> str:
        """Return which other alternatives of the section have such a key; empty for none."""
        members = sections_of(_annotation(self.model, self.path[:-1], self.tags))
        having = [one for one in members if key in one.model_fields]
        if not having or len(members) < 2:
            return ""
        name = next(name for name in KEYS_OF_KINDS if name in having[0].model_fields)
        tags = (tag for one in having for tag in get_args(one.model_fields[name].annotation))
        said: dict[str, str] = {}
        for tag in map(str, tags):
            said.setdefault(tag.lower(), tag)  # of `sgd` and torch's own `SGD`, one says it
        kinds = list(said.values())
        return f"{name} {_listed(kinds)} {'has' if len(kinds) == 1 else 'have'} it"

    def description(self) -> str:
        """Return what the value is described as."""
        section = _alternative(_annotation(self.model, self.path[:-1], self.tags), self.tags)
        field = section.model_fields.get(str(self.path[-1])) if section is not None else None
        return (field.description or "") if field is not None else ""


def _listed(words: Sequence[str]) -> str:
    """Return `a, b and c`, of many the first and how many more there are."""
    if len(words) > _MOST_LISTED:
        words = [*words[:_MOST_LISTED], f"{len(words) - _MOST_LISTED} more"]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _problem(details: ErrorDetails, path: Path, place: _Place) -> Problem:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    got = f"got {value!r}"
    if kind == "extra_forbidden":
        key, keys = str(path[-1]), place.keys()
        home, meant = home_of(key, place.model), key_meant(key, keys)
        elsewhere = f"{key!r} is a key of {home}" if home else ""
        of_metric = _DIRECTION if path[:1] == ("objective",) and key in _DIRECTIONS else ""
        elsewhere = of_metric or elsewhere
        hint = place.others_with(key) or elsewhere or (f"did you mean {meant!r}?" if meant else "")
        return Problem(path, value, f"unknown key {key!r}", keys, hint, kind="unknown_key")
    if kind == "missing":
        return Problem(path, None, f"missing key {str(path[-1])!r}", kind="missing_key")
    if kind == "union_tag_not_found":
        return _no_kind(str(context["discriminator"]).strip("'"), value, path, place)
    if kind == "union_tag_invalid":
        return _wrong_kind(details, path)
    if kind == "literal_error":
        choices = tuple(
            part.strip(" '") for part in context["expected"].replace(" or ", ",").split(",")
        )
        hint = parameter_answer(value) or did_you_mean(str(value), choices)
        return Problem(path, value, f"{value!r} is not allowed", choices, hint)
    if kind == "string_pattern_mismatch":
        rule = f"must match {context['pattern']}, {got}"
        return Problem(path, value, rule, hint=place.description())
    if kind == "too_short":
        return Problem(path, value, f"must have at least {context['min_length']} item, {got}")
    if kind in _BOUNDS:
        name, rule = _BOUNDS[kind]
        return Problem(path, value, f"{rule.format(_number(context[name]))}, {got}")
    if kind in _TYPES:
        return _wrong_type(kind, path, value)
    cause = context.get("error")
    if isinstance(cause, ModelError):
        return from_model(cause)
    rule = f"{details['msg'].removeprefix('Value error, ')}, {got}"
    return Problem(path, value, rule, hint=parameter_answer(value))


def _wrong_type(kind: str, path: Path, value: object) -> Problem:
    wanted = _TYPES[kind]
    return Problem(
        path,
        value,
        f"must be {wanted}, got {value!r}",
        hint=_objective_hint(path, value) or _type_hint(kind, value),
        kind="whole_number" if kind in _WHOLE else "type",
        wanted=wanted,
    )


def _no_kind(name: str, section: Any, path: Path, place: _Place) -> Problem:
    """Return that the key which tells alternatives apart is missing, or which one is misspelt."""
    kinds = place.kinds(name)
    for key in section if isinstance(section, Mapping) else ():
        if did_you_mean(key, (name,)):
            rule, hint = f"unknown key {key!r}", f"did you mean {name!r}?"
            misspelt = (*path, key)
            return Problem(misspelt, section[key], rule, (name,), hint, kind="unknown_key")
    hint = parameter_answer(section) or f"write {name}: {' | '.join(kinds)}"
    return Problem(path, None, f"missing key {name!r}", hint=hint, kind="missing_key")


def _number(bound: object) -> str:
    return f"{bound:,.12g}" if isinstance(bound, float) else f"{bound:,}"


def _wrong_kind(details: ErrorDetails, path: Path) -> Problem:
    context = details["ctx"]
    name = str(context["discriminator"]).strip("'")
    tags = tuple(tag.strip(" '") for tag in str(context["expected_tags"]).split(","))
    tag = str(context["tag"])
    place = str(path[-1]) if name == "kind" else name
    hint = answer_to(place, tag) or did_you_mean(tag, tags)
    return Problem((*path, name), tag, f"unknown {name} {tag!r}", tags, hint)


def _merged(problems: Sequence[Problem]) -> Problem:
    """Return what is wrong with each alternative for one value as one problem."""
    first = problems[0]
    if len(problems) == 1:
        return first
    rules = dict.fromkeys(problem.rule for problem in problems)
    choices = dict.fromkeys(choice for problem in problems for choice in problem.choices)
    hint = next((problem.hint for problem in problems if problem.hint), "")
    return replace(first, rule="; or ".join(rules), choices=tuple(choices), hint=hint)


def _objective_hint(path: Path, value: object) -> str:
    """Return names of metrics as the section, or the list of sections, that has to have them."""
    if path[:1] != ("objective",) or "metric" in path:
        return ""
    if isinstance(value, str):
        return f"write {{metric: {value}}}"
    if path == ("objective",) and isinstance(value, list):
        names = [one for one in value if isinstance(one, str)] or ["dev_loss", "parameters"]
        return f"write [{', '.join(f'{{metric: {name}}}' for name in names)}]"
    return ""


def _type_hint(kind: str, value: object) -> str:
    """Return the fix for a value of the wrong type."""
    answer = parameter_answer(value)
    if answer:
        return answer
    if isinstance(value, str):
        return number_hint(value)
    if kind == "string_type" and isinstance(value, int | float):
        return "put it in quotes"
    if kind in _SCALAR_TYPES and isinstance(value, Mapping | list):
        return _PARAMETER_HINT
    return ""


def _path(loc: tuple[str | int, ...], value: Any) -> tuple[Path, tuple[str, ...]]:
    """Split pydantic's location into the path in the file and the tags of chosen alternatives."""
    path: list[str | int] = []
    tags: list[str] = []
    for number, item in enumerate(loc):
        is_last = number == len(loc) - 1
        if isinstance(value, Mapping) and isinstance(item, str):
            if item in value:
                value = value[item]
                path.append(item)
            elif is_last and not _looks_like_tag(item, value):
                path.append(item)
            else:
                tags.append(item)
        elif isinstance(value, list | tuple) and isinstance(item, int) and item < len(value):
            value = value[item]
            path.append(item)
        else:
            tags.append(str(item))
    return tuple(path), tuple(tags)


def _looks_like_tag(item: str, value: Mapping[str, Any]) -> bool:
    return item in [value.get(key) for key in KEYS_OF_KINDS]  # which may be anything at all


def _annotation(model: type[BaseModel], path: Path, tags: tuple[str, ...]) -> Any:
    """Return the type of the value at `path`; where sections have alternatives, by their tags."""
    current: Any = model
    for item in path:
        current = _step(current, item, tags)
    return current


def _step(annotation: Any, item: str | int, tags: tuple[str, ...]) -> Any:
    if isinstance(item, int):
        inner = get_args(annotation)
        return inner[0] if inner else None
    section = _alternative(annotation, tags)
    if section is None or item not in section.model_fields:
        return None
    return section.model_fields[item].annotation


def _alternative(annotation: Any, tags: tuple[str, ...]) -> type[BaseModel] | None:
    members = sections_of(annotation)
    tagged = [member for member in members if _tags_of(member) & set(tags)]
    found = tagged or members
    return found[0] if found else None


def _tags_of(model: type[BaseModel]) -> set[str]:
    return {
        str(tag)
        for field in model.model_fields.values()
        if get_origin(field.annotation) is Literal
        for tag in get_args(field.annotation)
    }

"""Pydantic's errors in the words of a sweep file: key path, rule, allowed choices, way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sweeps.definition.key_homes import can_be, home_of, sections_of
from sweeps.definition.other_names import (
    answer_to,
    instead_of,
    key_meant,
    keys_named,
    parameter_answer,
)
from sweeps.definition.problems import from_model
from sweeps.definition.type_hints import WHOLE_TYPES, type_hint
from sweeps.models.errors import ModelError
from sweeps.search_spaces.problems import Problem, did_you_mean

__all__ = ["KEYS_OF_KINDS", "problems_of"]

Path = tuple[str | int, ...]

_BOUNDS = {
    "greater_than": ("gt", "must be greater than {}"),
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be at most {}"),
}
_SECTION = "a section (key: value)"
_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": _SECTION,
    "model_type": _SECTION,
    "model_attributes_type": _SECTION,
    "finite_number": "a finite number",
}
_DIRECTIONS = ("mode", "goal", "direction")
_DIRECTION = (
    "leave it out: the metric says whether low or high is good, and `goal` of one of your own"
)
# The keys that tell the alternatives of a section apart.
KEYS_OF_KINDS = ("kind", "method", "scheduler")
_MOST_LISTED = 4
# Of a key that other kinds have, what does much the same with any.
_BESIDE = {"weight_decay": "or `l2` of `space.regularization`, with any kind"}


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
        # Those first that are called like the one that stands there.
        stem = self.tags[-1].lower() if self.tags else ""
        kinds = sorted(said.values(), key=lambda tag: _distance(tag.lower(), stem))
        return f"{name} {_listed(kinds)} {'has' if len(kinds) == 1 else 'have'} it"

    def beside(self, key: str) -> str:
        """Return another key that does much the same, where this section's kind lacks a key."""
        return _BESIDE.get(key, "") if self.others_with(key) else ""

    def annotation_of(self, key: str) -> Any:
        """Return what may stand at another key of the section."""
        return _annotation(self.model, (*self.path[:-1], key), self.tags)

    def as_section(self, value: object) -> str:
        """Return how a value is written that stands where its section must; empty if unknown."""
        members = sections_of(_annotation(self.model, self.path, self.tags))
        name = (
            next((key for key in KEYS_OF_KINDS if key in members[0].model_fields), "")
            if members
            else ""
        )
        if name and isinstance(value, str):
            return _as_kind(name, value, members, str(self.path[-1]))
        if len(members) != 1:
            return ""
        needed = [key for key, field in members[0].model_fields.items() if field.is_required()]
        with suppress(ValidationError):
            members[0].model_validate(dict.fromkeys(needed, value))
            return f"write {{{needed[0]}: {value}}}" if len(needed) == 1 else ""
        return ""

    def description(self) -> str:
        """Return what the value is described as."""
        section = _alternative(_annotation(self.model, self.path[:-1], self.tags), self.tags)
        field = section.model_fields.get(str(self.path[-1])) if section is not None else None
        return (field.description or "") if field is not None else ""


def _as_kind(name: str, value: str, members: Sequence[type[BaseModel]], place: str) -> str:
    """Return a kind's name as the section that it stands for: `{kind: adam, lr: ...}`."""
    sections = {
        str(tag): one for one in members for tag in get_args(one.model_fields[name].annotation)
    }
    if value not in sections:
        return answer_to(place if name == "kind" else name, value) or did_you_mean(
            value, tuple(sections)
        )
    needed = [
        f"{key}: ..."
        for key, field in sections[value].model_fields.items()
        if field.is_required() and key != name
    ]
    return f"write {{{', '.join([f'{name}: {value}', *needed])}}}"


def _distance(tag: str, stem: str) -> int:
    """Return 0 of the same word, 1 of one that begins with it, 2 of others."""
    return 0 if tag == stem else 1 if tag.startswith(stem) else 2


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
        hint = _key_hint(key, value, path, place)
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
        named = answer_to(str(path[-1]), value) if path else ""
        hint = parameter_answer(value) or named or did_you_mean(str(value), choices)
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
        return _wrong_type(kind, path, value, place)
    cause = context.get("error")
    if isinstance(cause, ModelError):
        return from_model(cause)
    rule = f"{details['msg'].removeprefix('Value error, ')}, {got}"
    return Problem(path, value, rule, hint=parameter_answer(value))


def _key_hint(key: str, value: object, path: Path, place: _Place) -> str:
    """Return what an unknown key is, or is meant to be: the surest answer that there is."""
    if path[:1] == ("objective",) and key in _DIRECTIONS:
        return place.others_with(key) or _DIRECTION
    near = key_meant(key, place.keys())
    near_hint = f"did you mean {near!r}?" if near else ""
    fits = bool(near) and can_be(value, place.annotation_of(near))
    home = home_of(key, value, place.model)
    section = str(path[-2]) if len(path) > 1 else ""
    elsewhere = (
        f"{key!r} is `{ours}` here, a key of {found}"
        for ours in keys_named(key)
        if (found := home_of(ours, value, place.model))
    )
    return (
        "; ".join(filter(None, (place.others_with(key), place.beside(key))))
        or (f"{key!r} is a key of {home}" if home else "")
        or instead_of(section, key)
        or (near_hint if fits else next(elsewhere, near_hint))
    )


def _wrong_type(kind: str, path: Path, value: object, place: _Place) -> Problem:
    wanted = _TYPES[kind]
    return Problem(
        path,
        value,
        f"must be {wanted}, got {value!r}",
        hint=type_hint(kind, path, value, place.keys())
        or (place.as_section(value) if wanted == _SECTION else ""),
        kind="whole_number" if kind in WHOLE_TYPES else "type",
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

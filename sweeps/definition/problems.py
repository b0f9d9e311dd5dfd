"""What is wrong with a sweep file, from whoever found it: one form, and its place in the file."""

from __future__ import annotations

from sweeps.errors import FileProblem
from sweeps.models.errors import ModelError
from sweeps.search_spaces.problems import Problem, did_you_mean

__all__ = ["at_place", "from_model", "rule_and_value"]

_MOST_CHOICES = 20
_BEGINNING, _END = 800, 200  # characters of a text that is longer than both


def from_model(error: ModelError) -> Problem:
    """Return an error of the models as a problem; its path starts from the error's section."""
    hint = _after_semicolon(error.hint) or did_you_mean(str(error.value), error.choices)
    rule = rule_and_value(error.rule, error.value)
    path = (*error.section, *error.key)
    return Problem(path, error.value, rule, error.choices[:_MOST_CHOICES], hint)


def _after_semicolon(hint: str) -> str:
    """Return the models' way out, a sentence there, as it stands after a semicolon here."""
    is_sentence = hint[:1].isupper() and hint[1:2].islower()
    return hint[0].lower() + hint[1:] if is_sentence else hint


def rule_and_value(rule: str, value: object) -> str:
    """Return `rule, got value`, as the models' errors give the two apart."""
    return rule if value is None else f"{rule}, got {value!r}"


def at_place(problem: Problem, source: str, line: int = 0, column: int = 0) -> FileProblem:
    """Return a problem with where it stands: in a file, or in an override, which has no lines."""
    dotted = _brief(".".join(str(item) for item in problem.path))
    rule, hint = _brief(problem.rule), _brief(problem.hint)
    choices = tuple(map(_brief, problem.choices))
    return FileProblem(source, line, column, dotted, rule, choices, hint, problem.kind)


def _brief(text: str) -> str:
    """Return a text without its middle where a value in it is so long that nobody would read it."""
    left = len(text) - _BEGINNING - _END
    if left <= 0:
        return text
    return f"{text[:_BEGINNING]} ... ({left:,} characters) ... {text[-_END:]}"

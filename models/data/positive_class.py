"""Which of two classes is the positive one: it is put second, where every metric looks for it."""

from __future__ import annotations

from dataclasses import replace

from sweeps.models.data.targets import Target
from sweeps.models.errors import DataError

__all__ = ["with_positive"]

_KEY = ("positive",)


def with_positive(target: Target, positive: str | int | bool) -> Target:
    """Return the target with the positive class as its second.

    Args:
        target: of all rows.
        positive: the class as the data has it, or its name.

    Raises:
        DataError: the target is not of two classes, or has no such class.
    """
    names = target.class_names
    if len(names) != 2:
        found = f"has {len(names)}" if names else f"is for {target.task}"
        rule = f"a positive class must be one of two; the target {found}"
        hint = (
            "Remove positive: with more classes, metrics are averages over one class against the "
            "rest"
        )
        raise DataError(rule, key=_KEY, value=positive, hint=hint if names else "Remove positive")
    if str(positive) not in names and isinstance(positive, bool):
        positive = str(positive).lower()  # YAML's true, where a file writes it in lower case
    if str(positive) not in names:
        rule = "the positive class must be one of the target's classes"
        raise DataError(rule, key=_KEY, value=positive, choices=names)
    if str(positive) == names[1]:
        return target
    return replace(target, values=1 - target.values, class_names=names[::-1])

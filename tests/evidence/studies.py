"""The studies by name, each with its sizes: those of its page, and those of a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.evidence import (
    asha,
    early_stopped_folds,
    learned_search,
    overtuning,
    random_search,
    suggestion,
)
from tests.evidence.pages import Finding

__all__ = ["STUDIES", "Study"]


@dataclass(frozen=True)
class Study:
    """What is run for a page, and a quick form that shows that it runs; both take a runs folder."""

    whole: Callable[[Path], Finding]
    quick: Callable[[Path], Finding]


def _both(study: Callable[..., Finding], sizes: object, quick: object) -> Study:
    return Study(partial(study, sizes), partial(study, quick))


STUDIES = {
    "random_search": _both(random_search.random_search, random_search.WHOLE, random_search.QUICK),
    "asha": _both(asha.asha, asha.WHOLE, asha.QUICK),
    "early_stopped_folds": _both(
        early_stopped_folds.early_stopped_folds,
        early_stopped_folds.WHOLE,
        early_stopped_folds.QUICK,
    ),
    "overtuning": _both(overtuning.overtuning, overtuning.WHOLE, overtuning.QUICK),
    "learned_search": _both(
        learned_search.learned_search, learned_search.WHOLE, learned_search.QUICK
    ),
    "suggestion": _both(suggestion.suggestion, suggestion.WHOLE, suggestion.QUICK),
}

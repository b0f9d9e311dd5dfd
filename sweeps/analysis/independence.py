"""Whether a sweep's trials are draws by chance, as most analyses take them for."""

from __future__ import annotations

from sweeps.analysis.evidence import Evidence
from sweeps.search_methods.learning import LearningSearch

__all__ = ["independence_sentence"]


def independence_sentence(evidence: Evidence) -> str:
    """Return what follows for the report where trials are no draws, or not yet others; or nothing.

    A search that learns begins with random draws. As long as it has proposed none, as in a sweep
    that was stopped early, they are all that there is, and say what those of a random search say.
    """
    if evidence.is_before_learning:
        return _nothing_learned(evidence)
    why = _why_no_chance(evidence)
    if not why:
        return ""
    return (
        f"{why}. So there is no tuning curve, no importances, no comparison of options and no "
        f"warning about ranges: these need independent draws, such as those of a random or Sobol "
        f"search."
    )


def _why_no_chance(evidence: Evidence) -> str:
    if evidence.file.is_population:
        return "The trials copied one another"
    if evidence.file.search.is_by_hand:
        return "The trials were listed by hand"
    return "The search learned from its results" if evidence.has_learned else ""


def _nothing_learned(evidence: Evidence) -> str:
    search = evidence.file.search
    assert isinstance(search, LearningSearch)
    return (
        f"Nothing has been learned yet: {search.method} begins with {len(evidence.trials)} "
        f"trials that were planned before the first ran ({search.begins_with} is "
        f"{search.at_random}), and has proposed none. What is said below about random "
        f"draws applies to these trials, not to those it would propose."
    )

"""What `scheduler: pbt` cannot go with, and what it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sweeps.definition.exploring import changeable_ranges
from sweeps.definition.own_training_checks import runs_programs, trains_itself
from sweeps.definition.sweep_file import SweepFile
from sweeps.models.changes import CHANGEABLE, OWN_OPTIONS
from sweeps.schedulers.population import PopulationBased
from sweeps.search_spaces.problems import KeyPath, Problem
from sweeps.search_spaces.space import Space

__all__ = ["population_problems"]

_PLACE = ("stopping", "scheduler")


def population_problems(
    file: SweepFile, space: Space, tried: Sequence[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Yield why a file's population could not be trained.

    Args:
        tried: Complete configurations that show what its trials can be; none where its space has
            faults.
    """
    section = file.stopping
    if not isinstance(section, PopulationBased):
        return
    if runs_programs(file.space):
        rule = (
            "a program runs on while a population waits, so what a copy would find in its "
            "checkpoints depends on timing"
        )
        hint = "use `scheduler: asha`, or make its loop your own training (docs/own-training.md)"
        yield _refused(rule, hint)
        return
    yield from _of_other_sections(file)
    if not any(True for _ in changeable_ranges(space)):
        rule = "a population needs a range that can change during training"
        hint = "give one of them a `float` range in `space`, or use `scheduler: asha`"
        can_change = (f"{OWN_OPTIONS}<name>",) if trains_itself(file.space) else CHANGEABLE
        yield Problem(("space",), None, rule, can_change, hint)
    if tried:
        yield from _of_trials(section, tried)


def _of_other_sections(file: SweepFile) -> Iterator[Problem]:
    if (file.search.asked or 2) < 2:
        rule = "a population must have at least 2 trials"
        yield Problem(("search", "trials"), 1, rule, hint="ask for more, such as 20")
    if file.roles is not None:
        rule = "roles need independent draws; trials of a population copy others"
        yield Problem(("roles",), None, rule, hint="remove `roles`, or use another scheduler")


def _of_trials(section: PopulationBased, tried: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    lengths = {int(one["training"]["epochs"]) for one in tried}
    if len(lengths) > 1:
        rule = "all trials of a population must have the same number of epochs"
        hint = "write one number; the best epoch of each trial counts anyway"
        yield _in_space(("training", "epochs"), rule, hint)
    elif section.interval_epochs >= max(lengths):
        rule = f"no trial copies another: each has no more than {max(lengths)} epochs"
        hint = f"lower it below {max(lengths)}, or write `scheduler: none`"
        yield Problem(("stopping", "interval_epochs"), section.interval_epochs, rule, hint=hint)
    if any(one["regularization"]["early_stopping"] is not None for one in tried):
        rule = "trials of a population wait for one another, so none may stop early"
        hint = "remove it: the best epoch of each trial counts anyway"
        yield _in_space(("regularization", "early_stopping"), rule, hint)
    if any(one["training"].get("resume") == "from_start" for one in tried):
        rule = (
            "a copy continues from what another trial keeps, and with this setting it keeps nothing"
        )
        hint = "remove it, and name what training changes in trial.keep(...)"
        yield _in_space(("training", "resume"), rule, hint)
    if any(one.get("changes") for one in tried):
        rule = "`scheduler: pbt` writes changes itself"
        yield _in_space(("changes",), rule, "remove them, or write `scheduler: none`")


def _refused(rule: str, hint: str) -> Problem:
    return Problem(_PLACE, "pbt", rule, hint=hint)


def _in_space(path: KeyPath, rule: str, hint: str) -> Problem:
    return Problem(("space", *path), None, rule, hint=hint)

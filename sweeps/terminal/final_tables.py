"""What a command prints about the final: candidates over seeds, the frozen winner, its test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from sweeps.findings.final_ranking import words_of_skewed_seeds
from sweeps.findings.measurement import intervals_hold
from sweeps.findings.wording import (
    MeasuredOn,
    choice_sentence,
    counted,
    sentence_of_test_rows,
    winner_sentence,
    words_of_test_rows,
)
from sweeps.record.final import Candidate, FinalChoice, Interval, Opening

__all__ = ["optimism_rows", "print_final", "print_final_in_short"]


def print_final(
    choice: FinalChoice, openings: Sequence[Opening], place: str, on: MeasuredOn, console: Console
) -> None:
    """Print the candidates, the winner and what the test set says of it; `place` is the folder."""
    seeds = counted(choice.seeds, "fresh seed")
    console.print(f"\nThe best of the search, retrained with {seeds}:")
    if chosen := choice_sentence(choice):
        console.print(chosen, highlight=False, soft_wrap=True)
    console.print(_candidates(choice))
    if skewed := words_of_skewed_seeds(choice):
        console.print(skewed, highlight=False)
    console.print(winner_sentence(choice), style="bold", soft_wrap=True)
    console.print(f"Its model: {_model_sentence(choice)}:", highlight=False, soft_wrap=True)
    # A line of its own, which no terminal breaks.
    console.print(f"{place}/{choice.model.weights}", highlight=False, soft_wrap=True)
    if choice.untested:
        console.print(f"Not tested: {choice.untested}.", highlight=False)
    elif openings and openings[-1].metrics:
        _print_test(choice, openings, on, console)


def print_final_in_short(
    choice: FinalChoice, openings: Sequence[Opening], on: MeasuredOn, console: Console
) -> None:
    """Print the winner and what the test set says of it, a sentence each."""
    console.print(f"\n{winner_sentence(choice)}", style="bold", soft_wrap=True)
    for text in (choice_sentence(choice), sentence_of_test_rows(choice, openings, on)):
        if text:
            console.print(text, highlight=False, soft_wrap=True)


def _candidates(choice: FinalChoice) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    headings = (
        "rank",
        "trial",
        "in the search",
        f"{choice.metric}, mean",
        "± s.e.",
        "95 % interval",
    )
    for name in headings:
        table.add_column(name, justify="right", no_wrap=True)
    for rank, one in enumerate(choice.candidates, start=1):
        table.add_row(
            str(rank),
            str(one.trial),
            f"{one.search_value:.4g}",
            _mean(one),
            _error(one),
            _ends(one),
        )
    return table


def _mean(one: Candidate) -> str:
    text = "" if one.mean is None else f"{one.mean:.4g}"
    return f"{text} ({one.failed} without a value)" if one.failed else text


def _error(one: Candidate) -> str:
    return "" if one.standard_error is None else f"{one.standard_error:.2g}"


def _ends(one: Candidate) -> str:
    if one.low is None or one.high is None:
        return "" if len(one.values) < 2 else "none: all seeds gave the same value"
    return f"{one.low:.4g} to {one.high:.4g}"


def _model_sentence(choice: FinalChoice) -> str:
    """Return which net the sweep ended with."""
    model = choice.model
    note = f" ({model.note})" if model.note else ""
    if model.how == "refit":
        return f"retrained on train and dev rows for {counted(model.epochs, 'epoch')}{note}"
    return f"the winner's median repeat, at epoch {model.epochs}{note}"


def _print_test(
    choice: FinalChoice, openings: Sequence[Opening], on: MeasuredOn, console: Console
) -> None:
    last = openings[-1]
    what = words_of_test_rows(choice, openings, on)
    console.print(f"\nOn {what}:", soft_wrap=True, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("metric", "value", "95 % interval"):
        table.add_column(name, justify="left" if name == "metric" else "right", no_wrap=True)
    for name, one in last.metrics.items():
        table.add_row(name, f"{one.value:.4g}", one.ends)
    console.print(table)
    if any(one.low is not None for one in last.metrics.values()):
        console.print(intervals_hold("groups" if on.groups else "rows"), highlight=False)
    figures = ", ".join(
        f"{name} {value:.4g}" for name, value in optimism_rows(choice, last.metrics)
    )
    console.print(f"{choice.metric} of the winner: {figures}", highlight=False)


def optimism_rows(choice: FinalChoice, metrics: Mapping[str, Interval]) -> list[tuple[str, float]]:
    """Return the winner's objective in the search, over its repeats, and on the test rows.

    The first is optimistic, as the best of many; the steps to the others say by how much.
    """
    rows = [("in the search", choice.winner.search_value)]
    if choice.winner.mean is not None:
        rows.append(("over fresh seeds", choice.winner.mean))
    test = metrics.get(choice.test_metric)
    return rows if test is None else [*rows, ("on test rows", test.value)]

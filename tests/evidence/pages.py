"""The page of a study: its figures are written anew by each run, the words below them by hand."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from tests.evidence.drawing import Chart, svg
from tests.evidence.trained import DOCS, Array

__all__ = ["BY_HAND", "Finding", "duration", "mean_and_error", "table", "with_error", "write"]

BY_HAND = "<!-- by hand from here on; what is above: make evidence STUDY="


@dataclass(frozen=True)
class Finding:
    """What a study found.

    Attributes:
        title: Of its page.
        verdict: Whether the claim held, with the figures that say so: the page's first paragraph.
        parts: Tables and sentences, in their order.
        charts: By the name of the file.
        seeds: Which seeds were used, in words.
    """

    title: str
    verdict: str
    parts: Sequence[str]
    charts: Mapping[str, Chart] = field(default_factory=dict)
    seeds: str = ""


def mean_and_error(values: Sequence[float] | Array) -> tuple[float, float]:
    """Return the mean of independent values and its standard error."""
    found = np.asarray(values, float)
    return float(found.mean()), float(found.std(ddof=1) / len(found) ** 0.5)


def with_error(values: Sequence[float] | Array, digits: int = 2) -> str:
    """Return `mean ± standard error`."""
    mean, error = mean_and_error(values)
    return f"{mean:.{digits}f} ± {error:.{digits}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def duration(cpu_s: float, is_new: bool) -> str:
    """Return how long a study took, in words.

    Args:
        cpu_s: Of the CPU: the process has one thread, so that an idle core takes as long.
        is_new: Whether it trained everything that it needs.
    """
    time_words = f"{cpu_s:.0f} s" if cpu_s < 120 else f"{cpu_s / 60:.0f} minutes"
    if is_new:
        return f"It took {time_words} of one core."
    return f"It took {time_words} of one core, without what earlier runs had trained."


def write(name: str, found: Finding, out: Path, took: str) -> None:
    """Write the figures of a study, and of its page all above the words that are by hand."""
    page = out / f"{name}.md"
    kept = page if page.exists() else DOCS / f"{name}.md"
    words = kept.read_text(encoding="utf-8").partition(BY_HAND)[2] if kept.exists() else ""
    marked = words or f"{name} -->\n"
    pictures = [f"![{chart.title}]({name}.{at}.svg)\n" for at, chart in found.charts.items()]
    above = [f"# {found.title}\n", f"{found.verdict}\n", *pictures, *found.parts]
    text = "\n".join([*above, f"{_provenance(found.seeds)} {took}\n", BY_HAND + marked])
    out.mkdir(parents=True, exist_ok=True)
    for at, chart in found.charts.items():
        (out / f"{name}.{at}.svg").write_text(svg(chart), encoding="utf-8")
    page.write_text(text, encoding="utf-8")


def _provenance(seeds: str) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=DOCS, capture_output=True, text=True
    ).stdout.strip()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return (
        f"Run at commit {commit or 'unknown'} with torch {torch.__version__.partition('+')[0]} on "
        f"the CPU ({machine}; one process of one thread beside other work). {seeds}"
    )

"""`make faults`: breaks sweeps in every way that is known, and writes docs/reliability.md."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.reliability.fuzz import fuzz_readers
from tests.reliability.kills import kill_at_random
from tests.reliability.leaks import leak_in_one_process, leak_on_ray
from tests.reliability.page import Found, page
from tests.reliability.stories import STORIES
from tests.reliability.tables import break_data_functions, break_folders, break_nets

__all__ = ["main"]

# A worker that is replaced for each costs seconds: those of which one is, and one is not.
_ON_RAY = ("grad-mode", "tanh", "folder", "default-dtype")
_SOCKETS_FOLDER = "/tmp"
Part = Callable[[], Found]


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign, or a part of it; returns 1 where anything went wrong."""
    parsed = _parser().parse_args(arguments)
    # Ray and MLflow warn of their own libraries.
    warnings.simplefilter("ignore")
    os.environ.setdefault("RAY_TMPDIR", _SOCKETS_FOLDER)
    started, found = time.monotonic(), list[Found]()
    with tempfile.TemporaryDirectory(prefix="f", dir="/tmp", ignore_cleanup_errors=True) as folder:
        for one in _tried(Path(folder), parsed):
            found.append(one)
            # After each, so that a campaign that is broken off has its page.
            text = page(found, time.monotonic() - started, parsed.seed)
            parsed.out.write_text(text, encoding="utf-8")
    return int(any(one.notes for one in found))


def _tried(folder: Path, parsed: argparse.Namespace) -> Iterator[Found]:
    yield from map(_told, _chosen(_in_process(folder, parsed), parsed.only))
    with ThreadPoolExecutor(parsed.jobs) as pool:
        yield from pool.map(_told, _chosen(_apart(folder, parsed), parsed.only))


def _told(named: tuple[str, Part]) -> Found:
    name, part = named
    try:
        found = part()
    except Exception as err:  # the campaign goes on; the page says it
        said = (str(err).splitlines() or [""])[0]
        found = Found(name, notes=[f"broke off: {type(err).__name__}: {said}"])
    print(f"{time.strftime('%H:%M:%S')} {found.row()}", *found.notes, sep="\n", flush=True)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make faults ARGS=...", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the instants of the kills")
    parser.add_argument("--rounds", type=int, default=2, help="broken runs of each story")
    parser.add_argument("--files", type=int, default=300, help="of each kind, drawn at random")
    parser.add_argument("--sweeps", type=int, default=20, help="one after the other, for leaks")
    parser.add_argument("--jobs", type=int, default=2, help="kills of so many sweeps at a time")
    parser.add_argument("--only", default="", help="parts whose name begins so: kills, nets, ...")
    parser.add_argument("--out", type=Path, default=Path("docs/reliability.md"))
    return parser


def _chosen(parts: dict[str, Part], beginning: str) -> list[tuple[str, Part]]:
    return [(name, part) for name, part in parts.items() if name.startswith(beginning)]


def _in_process(folder: Path, parsed: argparse.Namespace) -> dict[str, Part]:
    """Return what trains in this process, one after the other."""
    return {
        "leaks local": partial(leak_in_one_process, folder / "leaks", parsed.sweeps, "local"),
        "leaks notebook": partial(leak_in_one_process, folder / "leaks-n", parsed.sweeps, "ray"),
        "folders": partial(break_folders, folder / "folders"),
        "files": partial(fuzz_readers, folder / "files", parsed.files, parsed.seed),
        "data": partial(break_data_functions, folder / "data"),
        "nets local": partial(break_nets, folder / "local", "local"),
        "nets ray": partial(break_nets, folder / "ray", "ray", _ON_RAY),
    }


def _apart(folder: Path, parsed: argparse.Namespace) -> dict[str, Part]:
    """Return what is made of processes of its own."""
    parts: dict[str, Part] = {}
    for number, story in enumerate(STORIES):
        own = folder / f"kills-{number}"
        parts[f"kills {story.name}"] = partial(
            kill_at_random, story, own, parsed.rounds, parsed.seed
        )
    parts["leaks ray"] = partial(leak_on_ray, folder / "leaks-ray", parsed.sweeps)
    return parts


if __name__ == "__main__":
    raise SystemExit(main())

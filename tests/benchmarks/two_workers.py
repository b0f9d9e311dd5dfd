"""Two bare worker processes that take trials from one counter: what every peer is held to.

The clock starts when both have imported everything and taken one step, and stops with the last.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.benchmarks.workload import Workload

__all__ = ["Prepare", "run_two_workers"]

# Imports and warms up, and returns what is measured; the iterator gives the next trial's index.
Prepare = Callable[[Workload, Iterator[int], str], Callable[[], None]]

_WORKERS = 2


def run_two_workers(prepare: Prepare, workload: Workload, store: str = "") -> tuple[float, float]:
    """Return when (Unix time) the first worker began and when the last one ended."""
    context = multiprocessing.get_context("spawn")
    taken, spans = context.Value("i", 0), context.SimpleQueue()
    barrier = context.Barrier(_WORKERS)
    arguments = (prepare, workload, store, taken, barrier, spans)
    workers = [context.Process(target=_work, args=arguments) for _ in range(_WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a worker process failed; its error is above")
    starts, ends = zip(*(spans.get() for _ in workers), strict=True)
    return min(starts), max(ends)


def _work(
    prepare: Prepare, workload: Workload, store: str, taken: Any, barrier: Any, spans: Any
) -> None:
    import torch

    torch.set_num_threads(1)
    run = prepare(workload, _next_indices(taken, len(workload.configurations)), store)
    barrier.wait(timeout=120)
    started_at = time.time()
    run()
    spans.put((started_at, time.time()))


def _next_indices(taken: Any, count: int) -> Iterator[int]:
    while True:
        with taken.get_lock():
            index, taken.value = taken.value, taken.value + 1
        if index >= count:
            return
        yield index

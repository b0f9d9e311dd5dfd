"""`python -m tests.benchmarks.contestant NAME SWEEP FOLDER`: one contestant, by itself.

Prints, as JSON, when (Unix time) its first trial began and when its last record was written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.benchmarks.two_workers import run_two_workers
from tests.benchmarks.workload import read_workload


def main(name: str, sweep: str, folder: str) -> None:
    workload = read_workload(Path(sweep))
    if name == "floor":
        from tests.benchmarks import bare_loop

        span = run_two_workers(bare_loop.prepare, workload)
    elif name == "own_loop":
        from tests.benchmarks import own_loop

        span = run_two_workers(own_loop.prepare, workload)
    elif name == "optuna":
        from tests.benchmarks import optuna_peer

        span = optuna_peer.run(workload, folder)
    elif name == "ray_tune":
        from tests.benchmarks import ray_tune_peer

        span = ray_tune_peer.run(workload, folder)
    else:
        raise SystemExit(f"no contestant is called {name}")
    print(json.dumps({"first_trial_at": span[0], "ended_at": span[1]}))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""`python -m tests.benchmarks.ray_tune_scale TRIALS FOLDER`: stock Ray Tune, trials of no work.

Prints, as JSON, when (Unix time) the first trial began and when the last had ended.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import ray
from ray import tune

from tests.benchmarks.ray_tune_peer import FirstStart


def main(trials: str, folder: str) -> None:
    first = FirstStart()
    ray.init(address="auto", log_to_driver=False)
    tune.Tuner(
        _train,
        param_space={"lr": tune.loguniform(1e-4, 1e-1)},
        tune_config=tune.TuneConfig(
            metric="dev_loss", mode="min", num_samples=int(trials), reuse_actors=True
        ),
        run_config=tune.RunConfig(storage_path=folder, name="tune", verbose=0, callbacks=[first]),
    ).fit()
    print(json.dumps({"first_trial_at": first.at, "ended_at": time.time()}))
    ray.shutdown()


def _train(config: dict[str, Any]) -> None:
    tune.report({"dev_loss": config["lr"]})


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The actor class that Ray Tune runs: a TrialWorker behind Tune's Trainable interface."""

from __future__ import annotations

import json
from typing import Any

from ray.tune import Trainable

from sweeps.definition.planning import PlannedTrial
from sweeps.execution.cluster.node_check import refuse_unfit_node
from sweeps.execution.work_order import WorkOrder

__all__ = ["RayTrial"]


class RayTrial(Trainable):
    """One worker process; Tune resets it from trial to trial, so that data is sent once."""

    def setup(self, config: dict[str, Any], order: WorkOrder) -> None:  # type: ignore[override]
        """Receive the data, warm torch up and take up the first trial."""
        refuse_unfit_node(order.checkpoints)
        from sweeps.execution.trial_worker import TrialWorker  # imports torch: not in the driver

        self._worker = TrialWorker(order)
        self._worker.warm_up()
        self._start(config)

    def step(self) -> dict[str, Any]:
        """Train until the next report is due; it travels as one string.

        Tune copies and flattens every result several times.
        """
        report = self._worker.advance()
        return {"report": json.dumps(report.to_json()), "done": report.outcome is not None}

    def reset(self, new_config: dict[str, Any], storage: Any = None) -> bool:
        """Put back what the last trial changed before Ray looks at, say, the working directory."""
        self._worker.stop()
        return bool(super().reset(new_config, storage))  # type: ignore[no-untyped-call]

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take up another trial in this process."""
        self._start(new_config)
        return True

    def _start(self, config: dict[str, Any]) -> None:
        planned = config.get("planned")
        trial = None if planned is None else PlannedTrial.from_json(json.loads(planned))
        self._worker.start(config["members"][0], trial)

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
        """Return nothing of weight: the worker saved its own checkpoint before it reported."""
        return {}

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        """Do nothing: the worker continues from its own checkpoint."""

    def cleanup(self) -> None:
        """Let go of the current trial."""
        self._worker.stop()

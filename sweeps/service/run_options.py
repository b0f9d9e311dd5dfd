"""How a command trains, records and shows: as it is told, and else as the sweep's last session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sweeps.record.ledger import last_event
from sweeps.record.run_folder import RunFolder
from sweeps.session.environment import checked_settings
from sweeps.session.trainer import RunnerName
from sweeps.terminal.progress import Display

__all__ = ["MLFLOW_OFF", "RunOptions"]

MLFLOW_OFF = "none"


@dataclass(frozen=True)
class RunOptions:
    """How a command trains, records and shows; see `run`.

    Attributes:
        runner: None for the one of the sweep's last session; `ray` in its first.
        tracking_uri: None for what the environment says, but nowhere where the last session was
            told so; `MLFLOW_OFF` for nowhere.
    """

    runner: RunnerName | None
    tracking_uri: str | None
    display: Display | None
    accept_code: bool

    @property
    def shown(self) -> Display:
        """The display; where none was named, a bar in a notebook's cell."""
        return self.display or Display.for_caller()

    @property
    def runner_name(self) -> RunnerName:
        """The runner that trains."""
        return self.runner or "ray"

    def as_before(self, folder: RunFolder) -> RunOptions:
        """Return these, with what was left out as the last session of a sweep had it.

        Where RAY_ADDRESS names a cluster, that says where to train.
        """
        before = last_event(folder.ledger, "session")
        kept: dict[str, Any] = {}
        is_here = checked_settings().ray_address is None
        if self.runner is None and is_here and before.get("runner") == "local":
            kept["runner"] = "local"
        if self.tracking_uri is None and before.get("mlflow") is False:
            kept["tracking_uri"] = MLFLOW_OFF
        if kept:
            said = {"runner": "in this process (--no-local: on Ray)",
                    "tracking_uri": "without MLflow (--mlflow: with it)"}  # fmt: skip
            how = " and ".join(said[name] for name in kept)
            self.shown.print_line(f"as in the sweep's last session, {how}")
        return replace(self, **kept)

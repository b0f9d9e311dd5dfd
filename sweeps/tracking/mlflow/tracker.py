"""MLflow as a tracker: a sweep's runs, with the model that it ended with."""

from __future__ import annotations

from sweeps.record.sweep_record import SweepRecord
from sweeps.tracking.mlflow.model import log_model, model_of
from sweeps.tracking.mlflow.projection import Projection

__all__ = ["MlflowTracker"]


class MlflowTracker(Projection):
    """The MLflow runs of one sweep and its model, kept equal to its run folder."""

    def record_model(self, record: SweepRecord) -> None:
        """Log the net that the sweep ended with, once; nothing while there is none.

        Raises:
            RunFolderError: Its weights are missing.
            TrackingError: The store does not answer or refuses.
        """
        source = model_of(self.folder, record)
        if source is not None and not self.has_model(source.mark):
            self.note_model(source.mark, log_model(self, source))

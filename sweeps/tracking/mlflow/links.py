"""Where MLflow shows a run: its address below that of the server."""

from __future__ import annotations

from mlflow.entities import ViewType

from sweeps.record.run_folder import RunFolder
from sweeps.tracking.mlflow.runs import SWEEP_TAG, TRIAL_TAG
from sweeps.tracking.mlflow.store import open_client, translated_errors

__all__ = ["page_of"]


def page_of(folder: RunFolder, uri: str, trial: int | None) -> str | None:
    """Return the page of a trial's run, or of the sweep's own; None where nothing is recorded.

    Raises:
        TrackingError: The store does not answer or refuses.
    """
    own = f"tags.`{SWEEP_TAG}` = '{folder.read_description().id}'"
    condition = own if trial is None else f"{own} and tags.`{TRIAL_TAG}` = '{trial}'"
    with translated_errors(uri):
        client = open_client(uri)
        ids = [one.experiment_id for one in client.search_experiments(ViewType.ACTIVE_ONLY)]
        # A sweep's own run begins when it is made, before those of its trials.
        order = ["attributes.start_time ASC"]
        runs = client.search_runs(ids, condition, max_results=1, order_by=order)
    if not runs:
        return None
    about = runs[0].info
    tab = "" if trial is None else "/model-metrics"
    return f"/#/experiments/{about.experiment_id}/runs/{about.run_id}{tab}"

"""What Ray and Tune read from the environment when they are imported, here and on other nodes.

Loggers: the record is ours. Snapshots: never read, so never written. Output: the progress display
is ours. Folders: user code stays where it was started. Ctrl-C: the session's own. Clean-up: a
worker that does not stop when it is told to is killed after so many seconds, not after ten minutes.
"""

from __future__ import annotations

__all__ = ["RAY_ENVIRONMENT"]

RAY_ENVIRONMENT = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_FORCE_TRIAL_CLEANUP_S": "60",
    "TUNE_WARN_THRESHOLD_S": "10",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

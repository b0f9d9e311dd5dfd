"""Trains the planned trials: workers, schedulers and the two runners."""

import os

from sweeps.execution.cluster.ray_environment import RAY_ENVIRONMENT

# Before any module of this package imports ray, which reads them then.
os.environ.update(RAY_ENVIRONMENT)

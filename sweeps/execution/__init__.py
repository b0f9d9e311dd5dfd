"""Trains the planned trials: workers, schedulers and the two runners."""

"""The record of sweeps in a tracker of experiments, written by a process of its own."""

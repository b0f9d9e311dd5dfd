"""How often chance does something, and how far it reaches."""

from __future__ import annotations

import math

__all__ = ["how_often", "prediction_reach"]


def how_often(p_value: float, of: str) -> str:
    """Return a p value as a count, such as `1 of 20 sweeps`.

    Args:
        of: What is counted, in the plural.
    """
    if p_value < 0.001:
        return f"fewer than 1 of 1,000 {of}"
    if p_value < 0.1:
        return f"1 of {round(1 / p_value)} {of}"
    return f"{round(100 * p_value)} of 100 {of}"


def prediction_reach(deviation: float, number: int) -> float:
    """Return how far from the mean of some values one more may lie, in 95 of 100 cases.

    Student's t, of values that are about normal: Whitmore, Prediction limits for a univariate
    normal observation, 1986.

    Args:
        deviation: The values' standard deviation, of the sample.
        number: How many they are, two or more.
    """
    from scipy.special import stdtrit  # what scipy.stats would take half a second for

    return float(stdtrit(number - 1, 0.975)) * deviation * math.sqrt(1 + 1 / number)

"""A metric of your own: what wrong answers cost, where missing a class costs more than alarms."""

from torch import Tensor


def cost(outputs: Tensor, targets: Tensor, *, missed: float, alarm: float) -> float:
    """Return the mean cost of a row, if it is answered in the cheapest way.

    Elkan, The Foundations of Cost-Sensitive Learning, IJCAI 2001: positive where p exceeds
    alarm / (alarm + missed).

    Args:
        outputs: (rows, 2) probabilities.
        targets: (rows,) 0 or 1.
    """
    says_yes = outputs[:, 1] > alarm / (alarm + missed)
    costs = missed * (~says_yes & (targets == 1)) + alarm * (says_yes & (targets == 0))
    return float(costs.double().mean())

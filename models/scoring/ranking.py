"""How well scores rank rows: areas under curves, each class against all others, ties counted.

Nothing here waits for the device: no shape depends on a value.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["average_precisions", "roc_areas"]


def roc_areas(scores: Tensor, is_class: Tensor) -> Tensor:
    """Return (classes,) areas under the ROC curves; NaN where all rows or none are of a class.

    The area is the share of pairs of a row of the class and another that are in the right order,
    half of each tie (Hanley and McNeil, Radiology 1982).

    Args:
        scores: (classes, rows) float64.
        is_class: (classes, rows) bool.
    """
    ordered = scores.sort(dim=1).values
    below = torch.searchsorted(ordered, scores)
    not_above = torch.searchsorted(ordered, scores, right=True)
    ranks = (below + not_above + 1).double() / 2  # from 1; equal scores share their mean rank
    inside = is_class.sum(dim=1).double()
    outside = scores.shape[1] - inside
    in_order = (ranks * is_class).sum(dim=1) - inside * (inside + 1) / 2
    return in_order / (inside * outside)


def average_precisions(scores: Tensor, is_class: Tensor) -> Tensor:
    """Return (classes,) mean precision over the rows of each class; NaN for a class without rows.

    The precision at a row is that of all rows with its score or a higher one, as in scikit-learn.

    Args:
        scores: (classes, rows) float64.
        is_class: (classes, rows) bool.
    """
    ordered, order = scores.sort(dim=1)
    hits = is_class.gather(1, order).long().cumsum(dim=1)
    hits_below = torch.nn.functional.pad(hits, (1, 0))  # of so many lowest rows
    below = torch.searchsorted(ordered, scores)
    inside = is_class.sum(dim=1)
    found = inside[:, None] - hits_below.gather(1, below)
    precision = found.double() / (scores.shape[1] - below)
    return (precision * is_class).sum(dim=1) / inside

"""A loss for labels that may be wrong: the generalised cross-entropy."""

from torch import Tensor


def truncated(outputs: Tensor, targets: Tensor, *, q: float) -> Tensor:
    """Return (rows,) losses (1 - p^q) / q of the probability p of the true class.

    Zhang and Sabuncu, NeurIPS 2018: near 0 it is the cross-entropy, at 1 the mean absolute error.

    Args:
        outputs: (rows, classes) logits.
        targets: (rows,) classes by number.
        q: above 0, at most 1.
    """
    p = outputs.softmax(1).gather(1, targets[:, None]).squeeze(1)
    return (1 - p.clamp(min=1e-8) ** q) / q

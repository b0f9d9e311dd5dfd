"""The user's own loss: found, tried on real rows, and held to one value a row at every call.

Whatever is wrong with it would be wrong again, so that no trial is tried a second time for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from sweeps.models.errors import NetError
from sweeps.models.own_code.net_parts import Parts
from sweeps.models.own_code.own_call import OwnCall
from sweeps.models.scoring.answers import Answers
from sweeps.models.scoring.losses import CustomLoss
from sweeps.models.scoring.metrics import METRICS, Metric

__all__ = ["OwnLoss", "own_loss_metric", "try_loss"]

_TARGET = ("loss", "target")
_RULE = "the function must return one loss per row, a tensor of shape"


class OwnLoss:
    """A user-defined loss in the form of the product's own."""

    def __init__(self, config: CustomLoss) -> None:
        """Finds the function.

        Raises:
            OwnFunctionError: there is no such module or function.
        """
        self._own = OwnCall(config.target, _TARGET, config.options)

    def __call__(
        self,
        outputs: Tensor,
        targets: Tensor,
        *,
        reduction: str = "mean",
        parts: Parts | None = None,
    ) -> Tensor:
        """The mean over the rows, or with `reduction="none"` (rows,) values.

        Args:
            outputs: (rows, outputs); those of a net with one output are given as (rows,), so that
                they and the targets do not broadcast to a square.
            targets: (rows,); numbers are given as float32, as in training.
            parts: of outputs that are several tensors; the function gets them as the net gave them.

        Raises:
            OwnFunctionError: it raised, or returned something else than one value a row.
        """
        given = outputs.float()
        if parts is None and targets.ndim == 1 and given.shape[1:] == (1,):
            given = given.squeeze(1)
        # A copy: what it changes in place no metric sees, and no later epoch.
        kind = torch.float32 if targets.is_floating_point() else targets.dtype
        wanted = targets.to(kind, copy=True)
        returned = self._own(outputs=given if parts is None else parts.apart(given), targets=wanted)
        rows = self._checked(returned, len(targets))
        return rows.mean() if reduction == "mean" else rows

    def _checked(self, returned: object, rows: int) -> Tensor:
        if not isinstance(returned, Tensor):
            raise self._own.refused(f"{_RULE} ({rows},), and returned a {type(returned).__name__}")
        if returned.shape != (rows,):
            got = f"{_RULE} ({rows},), and returned one of shape {tuple(returned.shape)}"
            raise self._own.refused(got, hint=_way_out(returned, rows))
        if not returned.is_floating_point():
            raise self._own.refused(
                f"{_RULE} ({rows},) with gradients, and returned {returned.dtype}"
            )
        return returned

    def has_gradient(self, outputs: Tensor, targets: Tensor, parts: Parts | None) -> None:
        """Makes sure that a net can learn from it.

        Raises:
            OwnFunctionError: it cannot, or the loss fails, as `__call__` says.
        """
        with torch.enable_grad():
            rows = self(outputs.detach().requires_grad_(), targets, reduction="none", parts=parts)
        if not rows.requires_grad:
            rule = (
                "the loss must be differentiable with respect to `outputs`; its values have no "
                "gradients"
            )
            hint = "Compute them with torch, without .detach(), .item(), .numpy() or argmax"
            raise self._own.refused(rule, hint)


def try_loss(
    loss: Callable[..., Tensor], outputs: Tensor, targets: Tensor, parts: Parts | None
) -> None:
    """Tries a user-defined loss on a few rows; does nothing for any other.

    Args:
        outputs: (rows, outputs) of the net.
        targets: (rows,) of them.
        parts: of outputs that are several tensors.

    Raises:
        OwnFunctionError: see OwnLoss.
        NetError: the net returns several tensors, and the loss is no function of the user's.
    """
    if isinstance(loss, OwnLoss):
        loss.has_gradient(outputs, targets, parts)
    elif parts is not None:
        shape = " and ".join(str(("rows", *one)) for one in parts.shapes)
        rule = f"the net returns several tensors, {shape}, which only a loss of your own can take"
        hint = "Write `loss: {kind: custom, target: ...}`, or return the answer alone"
        raise NetError(rule.replace("'", ""), key=("model", "target"), hint=hint, is_permanent=True)


def own_loss_metric(loss: OwnLoss) -> Metric:
    """Return the metric `loss` where the user's own is trained on: its mean, of any sign."""

    def of_rows(answers: Answers) -> Tensor:
        outputs = answers.outputs.clone() if answers.parts is None else answers.all_outputs
        return loss(outputs, answers.targets, reduction="none", parts=answers.parts)

    def mean(answers: Answers) -> Tensor:
        return answers.by_row(of_rows).double().mean()

    return replace(METRICS["loss"], function=mean, limits=(None, None))


def _way_out(returned: Tensor, rows: int) -> str:
    if returned.ndim == 0:
        return (
            "Do not average (for torch's losses: reduction='none'): sweeps takes the mean, and "
            "weights rows where `data.weights` says so"
        )
    if returned.ndim == 2 and returned.shape == (rows, rows):
        return "The result was broadcast across rows: outputs and targets must have the same shape"
    if returned.ndim > 1 and len(returned) == rows:
        return "Average over all dimensions but the first: .flatten(1).mean(1)"
    return "Do not combine rows"

"""The `loss` section: what a net is trained on. What trials are compared by is the objective.

A loss is a class here, named in `LossConfig` and `LOSSES`: the keys of its section, the tasks that
it suits, and its function. Functions import torch when they are asked for, so that a sweep file is
checked at once.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from sweeps.models.own_code.roles import TARGET, free_names
from sweeps.models.scoring.tasks import TASKS, Task
from sweeps.models.section import Section

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "LOSSES",
    "ClassWeights",
    "CustomLoss",
    "Loss",
    "LossConfig",
    "PosWeight",
    "TaskLoss",
    "class_weights_of",
    "losses_of",
    "pos_weight_of",
    "task_loss",
    "training_loss",
]

# Of a net's outputs (rows, outputs) and their targets, (rows,) or one column an output: the mean
# over the rows, or with `reduction="none"` one value a row: the mean over its targets where it has
# several.
Loss = Callable[..., "Tensor"]
ClassWeights = (
    Literal["none", "balanced"]
    | Annotated[
        tuple[Annotated[float, Field(ge=0, le=1e9)], ...], Field(strict=False, min_length=2)
    ]
)
PosWeight = Literal["none", "balanced"] | Annotated[float, Field(gt=0, le=1e9)]
_SMALLEST = 1e-30


class TaskLoss(Section):
    """The cross-entropy for classes, its mean over labels, the mean squared error for numbers."""

    kind: Literal["auto"] = "auto"


class _NamedLoss(Section):
    tasks: ClassVar[tuple[Task, ...]]

    @abstractmethod
    def function(self) -> Loss:
        """Return the loss with the section's options."""


class _OfClasses(_NamedLoss):
    tasks = ("classification",)
    class_weights: ClassWeights = Field(
        "none",
        description="How much a row of each class counts in training: none: alike; balanced: "
        "inversely to the training rows of its class, as in scikit-learn; or one number a class, "
        "in their order.",
    )


class CrossEntropy(_OfClasses):
    """Of the classes' probabilities; `regularization.label_smoothing` softens the targets."""

    kind: Literal["cross_entropy"]

    def function(self) -> Loss:
        """Of logits, against int64 classes; takes `label_smoothing`, too."""
        from torch.nn.functional import cross_entropy

        return cross_entropy


class Focal(_OfClasses):
    """The cross-entropy times (1 - p)^gamma, which makes rows that are right count less.

    p is the probability of the true class (Lin et al., Focal Loss, ICCV 2017).
    """

    kind: Literal["focal"]
    gamma: float = Field(2.0, ge=0, le=100, description="0 is the cross-entropy.")

    def function(self) -> Loss:
        """Of logits, against int64 classes."""
        from torch.nn.functional import cross_entropy

        def focal(outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
            entropy = cross_entropy(outputs, targets, reduction="none")
            # expm1: of certain rows 1 - p has no digits left in 1 - exp(-entropy); at 0 a power
            # below 1 has no gradient.
            missing = (-(-entropy).expm1()).clamp(min=_SMALLEST)
            rows = missing.pow(self.gamma) * entropy
            return rows.mean() if reduction == "mean" else rows

        return focal


class SquaredError(_NamedLoss):
    """Squares of the errors: predicts means."""

    kind: Literal["mse"]
    tasks = ("regression",)

    def function(self) -> Loss:
        """Of the standardised target, as all losses of numbers."""
        from torch.nn.functional import mse_loss

        return _of_numbers(mse_loss)


class AbsoluteError(_NamedLoss):
    """Sizes of the errors: predicts medians, and minds outliers less."""

    kind: Literal["mae"]
    tasks = ("regression",)

    def function(self) -> Loss:
        """As torch's L1 loss."""
        from torch.nn.functional import l1_loss

        return _of_numbers(l1_loss)


class Huber(_NamedLoss):
    """Squares of small errors, sizes of large ones (Huber, 1964), as torch defines it."""

    kind: Literal["huber"]
    tasks = ("regression",)
    delta: float = Field(
        1.0, gt=0, le=1e6, description="Where one becomes the other, in deviations of the target."
    )

    def function(self) -> Loss:
        """As torch's."""
        from torch.nn.functional import huber_loss

        return _of_numbers(partial(huber_loss, delta=self.delta))


class Quantile(_NamedLoss):
    """The pinball loss (Koenker and Bassett, 1978): predicts a quantile."""

    kind: Literal["quantile"]
    tasks = ("regression",)
    quantile: float = Field(0.5, gt=0, lt=1, description="Share of the rows that lie below.")

    def function(self) -> Loss:
        """Too low costs `quantile` of the error, too high the rest."""

        def pinball(predicted: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
            below = targets - predicted
            rows = (self.quantile * below).maximum((self.quantile - 1) * below)
            return rows.mean() if reduction == "mean" else rows

        return _of_numbers(pinball)


class BinaryCrossEntropy(_NamedLoss):
    """Of one probability a label, or of the second of two classes, by a sigmoid of one output.

    Of labels the mean over those of a row.
    """

    kind: Literal["binary_cross_entropy"]
    tasks = ("classification", "multilabel")
    pos_weight: PosWeight = Field(
        "none",
        description="How much a row that has the label, or is of the second class, counts beside "
        "one that is not: none: alike; balanced: rows without it by rows with it, of the training "
        "rows; or a number, as in torch.",
    )

    def function(self) -> Loss:
        """Of logits, against 0 and 1; takes `pos_weight`, too: a scalar or (labels,)."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        def binary(outputs: Tensor, targets: Tensor, **options: Any) -> Tensor:
            return binary_cross_entropy_with_logits(outputs, targets.to(outputs.dtype), **options)

        return _of_numbers(binary)


class CustomLoss(Section):
    """A user-defined loss: `function(outputs, targets, **options)` returns one value a row."""

    kind: Literal["custom"]
    target: str = Field(
        pattern=f"^{TARGET}$",
        description="package.module:function, importable from where the program runs.",
    )
    options: Annotated[dict[str, Any], free_names("loss")] = Field(
        default_factory=dict, description="Keyword arguments of the function."
    )


LossConfig = Annotated[
    TaskLoss
    | CrossEntropy
    | Focal
    | SquaredError
    | AbsoluteError
    | Huber
    | Quantile
    | BinaryCrossEntropy
    | CustomLoss,
    Field(discriminator="kind"),
]
LOSSES: Mapping[str, type[_NamedLoss]] = {
    "cross_entropy": CrossEntropy,
    "focal": Focal,
    "mse": SquaredError,
    "mae": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "binary_cross_entropy": BinaryCrossEntropy,
}


def losses_of(task: Task) -> tuple[str, ...]:
    """Return the kinds of loss that suit a task."""
    return tuple(kind for kind, loss in LOSSES.items() if task in loss.tasks)


def class_weights_of(loss: LossConfig) -> ClassWeights:
    """Return how classes are weighted; `none` for a loss of numbers."""
    return loss.class_weights if isinstance(loss, _OfClasses) else "none"


def pos_weight_of(loss: LossConfig) -> PosWeight:
    """Return how positive rows are weighted; `none` for a loss of no single logit."""
    return loss.pos_weight if isinstance(loss, BinaryCrossEntropy) else "none"


def _of_numbers(loss: Loss) -> Loss:
    """Return a loss of one output a target: (rows, 1) against (rows,) would make a square."""

    def of_outputs(
        outputs: Tensor, targets: Tensor, reduction: str = "mean", **options: object
    ) -> Tensor:
        found = loss(outputs.reshape(targets.shape), targets, reduction=reduction, **options)
        return found.mean(1) if found.ndim == 2 else found

    return of_outputs


@cache
def task_loss(task: Task) -> Loss:
    """Return the loss that every trial of a task reports, and trains on unless it names another."""
    kind = TASKS[task].loss
    return LOSSES[kind].model_validate({"kind": kind}).function()


def training_loss(
    task: Task,
    loss: LossConfig,
    label_smoothing: float = 0.0,
    pos_weight: Tensor | None = None,
) -> Loss:
    """Return the loss that batches are trained on, where it is not the user's own.

    Args:
        task: of the data.
        loss: the section, which suits the task, as `check_trial` has made sure.
        label_smoothing: for the cross-entropy only, likewise.
        pos_weight: for the binary cross-entropy only: a scalar, or (labels,); None for none.
    """
    assert not isinstance(loss, CustomLoss), "own losses are in own_loss"
    function = task_loss(task) if isinstance(loss, TaskLoss) else loss.function()
    options: dict[str, float | Tensor] = {}
    if label_smoothing:
        options["label_smoothing"] = label_smoothing
    if pos_weight is not None:
        options["pos_weight"] = pos_weight
    return partial(function, **options) if options else function

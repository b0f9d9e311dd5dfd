"""The `loss` section: what a net is trained on. What trials are compared by is the objective.

Imports no torch, so that a sweep file is checked at once.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from sweeps.models.own_code.roles import TARGET, free_names
from sweeps.models.section import Section

__all__ = [
    "ClassWeights",
    "CustomLoss",
    "LossConfig",
    "LossKind",
    "PosWeight",
    "TaskLoss",
    "class_weights_of",
    "options_of",
    "pos_weight_of",
]

LossKind = Literal[
    "cross_entropy", "focal", "mse", "mae", "huber", "quantile", "binary_cross_entropy"
]
ClassWeights = (
    Literal["none", "balanced"]
    | Annotated[
        tuple[Annotated[float, Field(ge=0, le=1e9)], ...], Field(strict=False, min_length=2)
    ]
)
PosWeight = Literal["none", "balanced"] | Annotated[float, Field(gt=0, le=1e9)]


class TaskLoss(Section):
    """The cross-entropy for classes, its mean over labels, the mean squared error for numbers."""

    kind: Literal["auto"] = "auto"


class _OfClasses(Section):
    class_weights: ClassWeights = Field(
        "none",
        description="How much a row of each class counts in training: none: alike; balanced: "
        "inversely to the training rows of its class, as in scikit-learn; or one number a class, "
        "in their order.",
    )


class CrossEntropy(_OfClasses):
    """Of the classes' probabilities; `regularization.label_smoothing` softens the targets."""

    kind: Literal["cross_entropy"]


class Focal(_OfClasses):
    """The cross-entropy times (1 - p)^gamma, which makes rows that are right count less.

    p is the probability of the true class (Lin et al., Focal Loss, ICCV 2017).
    """

    kind: Literal["focal"]
    gamma: float = Field(2.0, ge=0, le=100, description="0 is the cross-entropy.")


class BinaryCrossEntropy(Section):
    """Of one probability a label, or of the second of two classes, by a sigmoid of one output.

    Of labels the mean over those of a row.
    """

    kind: Literal["binary_cross_entropy"]
    pos_weight: PosWeight = Field(
        "none",
        description="How much a row that has the label, or is of the second class, counts beside "
        "one that is not: none: alike; balanced: rows without it by rows with it, of the training "
        "rows; or a number, as in torch.",
    )


class SquaredError(Section):
    """Squares of the errors: predicts means."""

    kind: Literal["mse"]


class AbsoluteError(Section):
    """Sizes of the errors: predicts medians, and minds outliers less."""

    kind: Literal["mae"]


class Huber(Section):
    """Squares of small errors, sizes of large ones (Huber, 1964), as torch defines it."""

    kind: Literal["huber"]
    delta: float = Field(
        1.0, gt=0, le=1e6, description="Where one becomes the other, in deviations of the target."
    )


class Quantile(Section):
    """The pinball loss (Koenker and Bassett, 1978): predicts a quantile."""

    kind: Literal["quantile"]
    quantile: float = Field(0.5, gt=0, lt=1, description="Share of the rows that lie below.")


class CustomLoss(Section):
    """A user-defined loss: `function(outputs, targets, **options)` returns one value a row."""

    kind: Literal["custom"]
    target: str = Field(
        pattern=f"^{TARGET}$",
        description="package.module:function, importable from where the program runs.",
    )
    options: Annotated[dict[str, Any], free_names("loss")] = Field(
        default_factory=dict, description="Passed to the function as keywords."
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


def class_weights_of(loss: LossConfig) -> ClassWeights:
    """Return how classes are weighted; `none` for a loss of numbers."""
    return loss.class_weights if isinstance(loss, _OfClasses) else "none"


def options_of(loss: LossConfig) -> dict[str, float]:
    """Return the numbers that a loss is computed with, as keywords of its function."""
    return loss.model_dump(exclude={"kind", "class_weights", "pos_weight"})


def pos_weight_of(loss: LossConfig) -> PosWeight:
    """Return how positive rows are weighted; `none` for a loss of no single logit."""
    return loss.pos_weight if isinstance(loss, BinaryCrossEntropy) else "none"

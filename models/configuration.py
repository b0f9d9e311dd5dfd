"""A trial's configuration: what is trained, how, and for how long.

Imports neither torch nor scikit-learn, so that a sweep file is checked at once. A key with a
default may be left out; a key that the chosen `kind` does not have is an error.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, Protocol, Self

from pydantic import Field, field_validator, model_validator

from sweeps.models.changes import Change, Changing
from sweeps.models.data.batch_configuration import OwnBatch
from sweeps.models.data.items import ANY, FLOATS, InputShape, ItemKind, TensorKind, kind_text
from sweeps.models.errors import TrialConfigError
from sweeps.models.nets.cnn import Cnn
from sweeps.models.nets.configuration import CustomNet, ModelConfig
from sweeps.models.nets.mlp import Mlp
from sweeps.models.optimizers.configuration import OptimizerConfig, added_weight_decay
from sweeps.models.optimizers.group_patterns import names_by_group
from sweeps.models.optimizers.schedules import Constant, ScheduleConfig
from sweeps.models.scoring.losses import LossConfig, TaskLoss, class_weights_of, losses_of
from sweeps.models.scoring.tasks import TASKS, Task
from sweeps.models.section import Section

__all__ = [
    "DataShape",
    "EarlyStopping",
    "Regularization",
    "TrainingConfig",
    "TrialConfig",
    "check_trial",
    "net_outputs",
]


class EarlyStopping(Section):
    """Ends a trial that has stopped improving; the best epoch's weights are what counts."""

    patience: int = Field(
        ge=1, le=100_000, description="Epochs without improvement before a trial ends."
    )
    min_delta: float = Field(
        0.0, ge=0, description="Smallest change that counts as an improvement."
    )


class Regularization(Section):
    """Penalties are on weights, not on biases or normalization; they are not in reported losses."""

    l1: float = Field(0.0, ge=0, le=1e6, description="Adds l1 * sum(abs(w)) to the loss.")
    l2: float = Field(0.0, ge=0, le=1e6, description="Adds l2 / 2 * sum(w^2) to the loss.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Cross-entropy only.")
    clip_norm: float | None = Field(
        None,
        gt=0,
        description="Maximum norm of the gradient over all parameters; null: no clipping.",
    )
    early_stopping: EarlyStopping | None = None


class TrainingConfig(Section):
    """How long and on what a trial is trained."""

    epochs: int = Field(ge=1, le=1_000_000, description="Passes over the training rows.")
    batch_size: Annotated[int, Field(ge=1)] | Literal["full"] = Field(
        64, description="Rows per step; full: batch gradient descent, 1: stochastic."
    )
    accumulate: int = Field(
        1, ge=1, le=1_000_000, description="Batches whose gradients are averaged for one step."
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: cuda if there is one")
    precision: Literal["float32", "bf16"] = Field(
        "float32", description="bf16: the net runs under autocast; weights stay float32."
    )

    @field_validator("batch_size", mode="before")
    @classmethod
    def _batch_size_is_rows_or_full(cls, batch_size: object) -> object:
        is_rows = type(batch_size) is int and batch_size >= 1
        if not is_rows and batch_size != "full":
            raise ValueError('must be a whole number of rows, at least 1, or "full"')
        return batch_size


class TrialConfig(Changing):
    """All that decides a trial's curve, besides its data and seed."""

    resumes: ClassVar[bool] = True

    model: ModelConfig
    optimizer: OptimizerConfig
    schedule: ScheduleConfig = Constant()
    regularization: Regularization = Regularization()
    loss: LossConfig = TaskLoss()
    batch: OwnBatch | None = None
    training: TrainingConfig
    changes: list[Change] = Field(
        [], description="Learning rates and regularization that change during the trial."
    )

    @model_validator(mode="after")
    def _sections_suit_each_other(self) -> Self:
        if self.schedule.warmup_epochs >= self.training.epochs:
            raise TrialConfigError(
                f"warm-up must be shorter than training ({self.training.epochs} epochs)",
                key=("schedule", "warmup_epochs"),
                value=self.schedule.warmup_epochs,
            )
        normalization = getattr(self.model, "normalization", "none")
        if normalization == "batch" and self.training.batch_size == 1:
            raise TrialConfigError(
                "batch normalization needs batches of at least 2 rows",
                key=("training", "batch_size"),
                value=1,
            )
        self._weights_decay_once()
        return self

    def _weights_decay_once(self) -> None:
        """Refuse l2 beside a weight decay that is the same penalty: one on the gradient."""
        decay = added_weight_decay(self.optimizer)
        if decay > 0 and self.regularization.l2 > 0:
            raise TrialConfigError(
                f"l2 and optimizer.weight_decay must not both be set; weight_decay is {decay:g}",
                key=("regularization", "l2"),
                value=self.regularization.l2,
                hint="Set one of the two to 0",
            )


class DataShape(Protocol):
    """What a configuration is held against of a data set."""

    @property
    def task(self) -> Task:
        """What is asked of a net."""

    @property
    def outputs(self) -> int:
        """Outputs that a net needs."""

    @property
    def input_shape(self) -> InputShape:
        """Of one row: (columns,), or (channels, height, width)."""

    @property
    def item(self) -> ItemKind | None:
        """What the x of an item is, of a dataset of the user's; None of features."""

    @property
    def category_counts(self) -> tuple[int, ...]:
        """How many categories each column of words has."""


def check_trial(config: TrialConfig, data: DataShape) -> None:
    """Checks what a configuration asks of the data.

    Raises:
        TrialConfigError: a built-in net on items that are not float32, a loss of another task or
            number of classes, label smoothing without a cross-entropy, not one weight a class, a
            cnn on rows that are not images, more pooling than the image has pixels for, an
            embedding without columns of words, or a group without parameters.
    """
    _check_loss(config, data)
    if data.item is not None and not isinstance(config.model, CustomNet):
        _check_item(config.model.kind, data.item)
    if isinstance(config.model, Cnn):
        assert not isinstance(data.input_shape, dict), "an own net's alone"
        _check_cnn(config.model, data.input_shape)
    if isinstance(config.model, Mlp) and not data.category_counts:
        _check_no_embedding(config.model)
    if not isinstance(config.model, CustomNet):
        shape, words = data.input_shape, data.category_counts
        names = config.model.parameter_names(len(shape), len(words))
        names_by_group(config.optimizer.groups, names)


def net_outputs(config: TrialConfig, data: DataShape) -> int:
    """Return how many outputs a trial's net has: the data's, or one logit for two classes."""
    return 1 if config.loss.kind == TASKS[data.task].one_logit else data.outputs


def _check_loss(config: TrialConfig, data: DataShape) -> None:
    losses = losses_of(data.task)
    kind = TASKS[data.task].loss if isinstance(config.loss, TaskLoss) else config.loss.kind
    if kind not in (*losses, "custom"):
        rule = f"a loss must suit the task, and the task is {data.task}"
        raise TrialConfigError(
            rule, key=("loss", "kind"), value=kind, choices=("auto", *losses, "custom")
        )
    if kind == TASKS[data.task].one_logit and data.outputs != 2:
        rule = f"{kind} is for two classes; the target has {data.outputs}"
        hint = "Use cross_entropy, which has one output per class"
        raise TrialConfigError(rule, key=("loss", "kind"), value=kind, hint=hint)
    smoothing = config.regularization.label_smoothing
    if smoothing > 0 and kind != "cross_entropy":
        if "cross_entropy" in losses:
            rule = f"label smoothing needs a cross-entropy loss; the loss is {kind}"
        else:
            rule = f"label smoothing is for classification; the task is {data.task}"
        raise TrialConfigError(rule, key=("regularization", "label_smoothing"), value=smoothing)
    weights = class_weights_of(config.loss)
    if not isinstance(weights, str) and len(weights) != data.outputs:
        rule = f"there must be one weight for each of the {data.outputs} classes, in their order"
        raise TrialConfigError(rule, key=("loss", "class_weights"), value=list(weights))


def _check_item(kind: str, item: ItemKind) -> None:
    if not isinstance(item, TensorKind) or item.dtype != FLOATS or ANY in (item.shape or (ANY,)):
        rule = f"a built-in net takes rows of float32; x of an item is {kind_text(item)}"
        hint = "Convert x in the dataset (x.float()), or write a net of your own: model.kind custom"
        raise TrialConfigError(rule, key=("model", "kind"), value=kind, hint=hint)


def _check_no_embedding(model: Mlp) -> None:
    if model.embedding != "none":
        raise TrialConfigError(
            "an embedding needs columns of words; the data have none",
            key=("model", "embedding"),
            value=model.embedding,
            hint="Remove embedding, or name the columns that are categories (data.words)",
        )


def _check_cnn(model: Cnn, input_shape: tuple[int, ...]) -> None:
    if len(input_shape) != 3:
        raise TrialConfigError(
            f"a cnn needs images (channels, height, width); a row has shape {input_shape}",
            key=("model", "kind"),
            value="cnn",
            hint="Use mlp or linear",
        )
    most = int(math.log2(min(input_shape[1:])))
    if model.pooling != "none" and model.conv_layers > most:
        raise TrialConfigError(
            f"each pooling halves an image of {input_shape[1]} x {input_shape[2]} pixels, "
            f"so there can be at most {most} convolutions",
            key=("model", "conv_layers"),
            value=model.conv_layers,
            hint="Use fewer, or pooling: none",
        )

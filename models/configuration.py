"""A trial's configuration: which net is trained, by which optimizer, for how long.

Imports neither torch nor scikit-learn, so that a sweep file is checked at once. A key with a
default may be left out; a key that the chosen `kind` does not have is an error.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from models.data_configuration import Task
from models.errors import TrialConfigError

__all__ = [
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "Cnn",
    "Constant",
    "Cosine",
    "CustomNet",
    "EarlyStopping",
    "Exponential",
    "Initialization",
    "Linear",
    "Mlp",
    "Mode",
    "ModelConfig",
    "OneCycle",
    "OptimizerConfig",
    "Plateau",
    "Regularization",
    "RmsProp",
    "ScheduleConfig",
    "Sgd",
    "StepDecay",
    "TrainingConfig",
    "TrialConfig",
    "check_trial",
    "metrics_for",
    "mode_of",
]

Mode = Literal["min", "max"]
Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"]
Normalization = Literal["none", "batch", "layer"]
Initialization = Literal["default", "xavier", "he", "orthogonal"]

_METRICS: dict[Task, tuple[str, ...]] = {
    "classification": ("loss", "accuracy", "f1"),
    "regression": ("loss", "mse", "mae", "r2"),
}
_HIGH_IS_GOOD = frozenset({"accuracy", "f1", "r2"})


class _Section(BaseModel):
    # strict: "3" is not 3, true is not 1; a whole number is still taken for a float.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Linear(_Section):
    """One affine map: linear regression, or logistic and softmax regression on classes."""

    kind: Literal["linear"]


class Mlp(_Section):
    """Hidden layers of equal width: affine, normalization, activation, dropout; then an affine."""

    kind: Literal["mlp"]
    hidden_layers: int = Field(1, ge=1, le=100)
    hidden_units: int = Field(64, ge=1, le=65_536, description="Width of every hidden layer.")
    activation: Activation = "relu"
    dropout: float = Field(0.0, ge=0, lt=1, description="Probability that a unit is dropped.")
    normalization: Normalization = "none"
    initialization: Initialization = Field(
        "default", description="Of weights. default: torch's own; xavier, he: normal; biases 0."
    )


class Cnn(_Section):
    """Convolutions that keep the image size, each then pooled; one hidden layer; an affine.

    Data must be images: (channels, height, width).
    """

    kind: Literal["cnn"]
    conv_layers: int = Field(2, ge=1, le=32)
    channels: int = Field(16, ge=1, le=4_096, description="Of the first layer.")
    channel_growth: int = Field(
        2, ge=1, le=4, description="Each layer has this many times the channels of the one before."
    )
    kernel_size: int = Field(3, ge=1, le=31, description="Odd: the image keeps its size.")
    pooling: Literal["max", "average", "none"] = Field(
        "max", description="Over 2 x 2 after each convolution, which halves the image; or none."
    )
    hidden_units: int = Field(64, ge=1, le=65_536, description="Width of the hidden layer.")
    activation: Activation = "relu"
    dropout: float = Field(0.0, ge=0, lt=1, description="Before the last layer.")
    normalization: Literal["none", "batch"] = "none"
    initialization: Initialization = "default"

    @field_validator("kernel_size")
    @classmethod
    def _kernel_is_odd(cls, kernel_size: int) -> int:
        if kernel_size % 2 == 0:
            raise ValueError("a kernel size is odd, so that an image keeps its size")
        return kernel_size


class CustomNet(_Section):
    """A net of the user's own: `function(input_shape, outputs, **options)` returns a Module."""

    kind: Literal["custom"]
    target: str = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
        description="package.module:function, importable from where the program runs.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Passed to the function as keywords."
    )

    @field_validator("options")
    @classmethod
    def _options_are_free_names(cls, options: dict[str, Any]) -> dict[str, Any]:
        for name in options:
            if not name.isidentifier() or name in ("input_shape", "outputs"):
                raise ValueError(f"an option is a free Python keyword; got {name!r}")
        return options


ModelConfig = Annotated[Linear | Mlp | Cnn | CustomNet, Field(discriminator="kind")]

LearningRate = Annotated[float, Field(gt=0, le=1e6)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Epsilon = Annotated[float, Field(gt=0, le=1)]


class Sgd(_Section):
    """Gradient descent: batch, mini-batch or stochastic by `training.batch_size`."""

    kind: Literal["sgd"]
    lr: LearningRate = 1e-3
    momentum: Decay = 0.0
    nesterov: bool = Field(False, description="Needs a momentum above 0.")

    @field_validator("nesterov")
    @classmethod
    def _nesterov_has_momentum(cls, nesterov: bool, info: ValidationInfo) -> bool:
        if nesterov and info.data.get("momentum") == 0:
            raise ValueError("nesterov needs a momentum above 0")
        return nesterov


class Adam(_Section):
    """Adam (Kingma and Ba, 2015)."""

    kind: Literal["adam"]
    lr: LearningRate = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: Epsilon = 1e-8


class AdamW(_Section):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    kind: Literal["adamw"]
    lr: LearningRate = 1e-3
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: Epsilon = 1e-8
    weight_decay: float = Field(
        1e-2, ge=0, le=1e3, description="Decoupled: weights shrink by lr * weight_decay a step."
    )


class RmsProp(_Section):
    """RMSprop (Hinton, lecture 6e, 2012), as torch defines it."""

    kind: Literal["rmsprop"]
    lr: LearningRate = 1e-2
    alpha: Decay = Field(0.99, description="Smoothing of the squared gradients.")
    eps: Epsilon = 1e-8
    momentum: Decay = 0.0
    centered: bool = False


class Adagrad(_Section):
    """Adagrad (Duchi et al., JMLR 2011)."""

    kind: Literal["adagrad"]
    lr: LearningRate = 1e-2
    lr_decay: float = Field(0.0, ge=0, le=1e3)
    initial_accumulator_value: float = Field(0.0, ge=0, le=1e6)
    eps: Epsilon = 1e-10


OptimizerConfig = Annotated[Sgd | Adam | AdamW | RmsProp | Adagrad, Field(discriminator="kind")]


class _Schedule(_Section):
    warmup_epochs: int = Field(
        0, ge=0, le=100_000, description="The rate first rises linearly, batch by batch, to lr."
    )


class Constant(_Schedule):
    """The learning rate of the optimizer throughout."""

    kind: Literal["constant"] = "constant"


class StepDecay(_Schedule):
    """Multiplies the learning rate by `gamma` every `step_epochs`."""

    kind: Literal["step"]
    step_epochs: int = Field(10, ge=1, le=100_000)
    gamma: float = Field(0.1, gt=0, le=1)


class Exponential(_Schedule):
    """Multiplies the learning rate by `gamma` every epoch."""

    kind: Literal["exponential"]
    gamma: float = Field(0.95, gt=0, le=1)


class Cosine(_Schedule):
    """Falls along half a cosine to `final_fraction` of the rate (Loshchilov and Hutter, 2017)."""

    kind: Literal["cosine"]
    final_fraction: float = Field(0.0, ge=0, le=1)


class OneCycle(_Schedule):
    """Rises from lr / `div_factor` to lr, then falls to it / `final_div_factor`, by batches.

    Smith and Topin, 2018, in torch's form (cosine, momentum left alone).
    """

    kind: Literal["one_cycle"]
    pct_start: float = Field(0.3, gt=0, lt=1, description="Part of the batches that it rises.")
    div_factor: float = Field(25.0, ge=1, le=1e9)
    final_div_factor: float = Field(1e4, ge=1, le=1e12)


class Plateau(_Schedule):
    """Multiplies the rate by `factor` when the objective has not improved for `patience` epochs."""

    kind: Literal["plateau"]
    factor: float = Field(0.1, gt=0, lt=1)
    patience: int = Field(10, ge=0, le=100_000, description="Epochs without improvement allowed.")
    threshold: float = Field(1e-4, ge=0, lt=1, description="Relative change that counts.")


ScheduleConfig = Annotated[
    Constant | StepDecay | Exponential | Cosine | OneCycle | Plateau, Field(discriminator="kind")
]


class EarlyStopping(_Section):
    """Ends a trial that has stopped improving; the best epoch's weights are what counts."""

    patience: int = Field(ge=1, le=100_000, description="Epochs without improvement until it ends.")
    min_delta: float = Field(0.0, ge=0, description="An improvement is larger than this.")


class Regularization(_Section):
    """Penalties are on weights, not on biases or normalization; they are not in reported losses."""

    l1: float = Field(0.0, ge=0, le=1e6, description="Adds l1 * sum(abs(w)) to the loss.")
    l2: float = Field(0.0, ge=0, le=1e6, description="Adds l2 / 2 * sum(w^2) to the loss.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Classes only.")
    clip_norm: float | None = Field(
        None, gt=0, description="Longest gradient, all parameters together; null: not clipped."
    )
    early_stopping: EarlyStopping | None = None


class TrainingConfig(_Section):
    """How long and on what a trial is trained."""

    epochs: int = Field(ge=1, le=1_000_000)
    batch_size: int | Literal["full"] = Field(
        64, description="Rows of one step: full is batch gradient descent, 1 is stochastic."
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
            raise ValueError('a batch size is a whole number of rows, at least 1, or "full"')
        return batch_size


class TrialConfig(_Section):
    """All that decides a trial's curve, besides its data and seed."""

    model: ModelConfig
    optimizer: OptimizerConfig
    schedule: ScheduleConfig = Constant()
    regularization: Regularization = Regularization()
    training: TrainingConfig

    @model_validator(mode="after")
    def _sections_suit_each_other(self) -> Self:
        if self.schedule.warmup_epochs >= self.training.epochs:
            raise TrialConfigError(
                f"warm-up ends before training does, after {self.training.epochs} epochs",
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
        return self


def check_trial(config: TrialConfig, task: Task, input_shape: tuple[int, ...]) -> None:
    """Checks what a configuration asks of the data.

    Args:
        config: a trial's configuration.
        task: of the data.
        input_shape: of one row: (columns,), or (channels, height, width).

    Raises:
        TrialConfigError: label smoothing without classes, a cnn on rows that are not images, or
            more pooling than the image has pixels for.
    """
    smoothing = config.regularization.label_smoothing
    if task == "regression" and smoothing > 0:
        raise TrialConfigError(
            "label smoothing is for classes, and the task is regression",
            key=("regularization", "label_smoothing"),
            value=smoothing,
        )
    if isinstance(config.model, Cnn):
        _check_cnn(config.model, input_shape)


def _check_cnn(model: Cnn, input_shape: tuple[int, ...]) -> None:
    if len(input_shape) != 3:
        raise TrialConfigError(
            f"a cnn needs images (channels, height, width), and a row has shape {input_shape}",
            key=("model", "kind"),
            value="cnn",
            hint="Use mlp or linear",
        )
    most = int(math.log2(min(input_shape[1:])))
    if model.pooling != "none" and model.conv_layers > most:
        raise TrialConfigError(
            f"each pooling halves an image of {input_shape[1]} x {input_shape[2]} pixels, "
            f"so that there are at most {most} convolutions",
            key=("model", "conv_layers"),
            value=model.conv_layers,
            hint="Use fewer, or pooling: none",
        )


def metrics_for(task: Task) -> tuple[str, ...]:
    """The metrics of every epoch, train before dev.

    For classes: loss (cross-entropy), accuracy and macro F1. For regression: loss (mean squared
    error of the standardised target), and MSE, MAE and R2 in the target's own units.
    """
    return tuple(f"{part}_{name}" for part in ("train", "dev") for name in _METRICS[task])


def mode_of(metric: str) -> Mode:
    """Whether low or high values of a metric are good.

    Args:
        metric: one of `metrics_for`.

    Raises:
        TrialConfigError: no task has this metric.
    """
    known = {*metrics_for("classification"), *metrics_for("regression")}
    if metric not in known:
        rule = "a metric of some task"
        raise TrialConfigError(rule, value=metric, choices=sorted(known))
    return "max" if metric.partition("_")[2] in _HIGH_IS_GOOD else "min"

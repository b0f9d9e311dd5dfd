"""Functions that take their options as a Pydantic model, as the tests of it name them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn


class Options(BaseModel):
    lr: float = Field(gt=0, le=1)
    width: int = Field(8, ge=4)
    form: Literal["wide", "deep"] = "wide"

    @model_validator(mode="after")
    def _deep_ones_are_narrow(self) -> Options:
        if self.form == "deep" and self.width > 64:
            raise ValueError("a deep net must be at most 64 wide")
        return self


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Crashes(BaseModel):
    @model_validator(mode="before")
    @classmethod
    def _fails(cls, values: Any) -> Any:
        raise RuntimeError("out of ideas")


def train(trial: Any, options: Options) -> Iterator[None]:
    trial.keep(width=torch.tensor(options.width))
    for _ in trial.epochs(lambda rows: {"loss": options.lr}):
        yield


class Train:
    def __init__(self, trial: Any, *, options: Options) -> None:
        trial.keep(width=torch.tensor(options.width))
        self.lr = options.lr

    def train_epoch(self) -> None: ...

    def evaluate(self, rows: Any) -> dict[str, float]:
        return {"loss": self.lr}


def build(input_shape: tuple[int, ...], outputs: int, options: Options) -> nn.Module:
    return nn.Sequential(
        nn.Linear(input_shape[0], options.width), nn.Linear(options.width, outputs)
    )


class Decay(BaseModel):
    decay: float = Field(ge=0)


def steps(params: Any, lr: float, options: Decay) -> torch.optim.Optimizer:
    return torch.optim.SGD(params, lr=lr, weight_decay=options.decay)


def takes_any(trial: Any, options: Open) -> None: ...


def crashes(trial: Any, options: Crashes) -> None: ...


def one_number(trial: Any, width: int) -> None: ...


def two(trial: Any, options: Options, more: int) -> None: ...

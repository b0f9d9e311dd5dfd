"""LightningModules with what a checkpoint may forget, as trainings that the tests name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset, random_split

from sweeps.lightning import TrialData, fit


class Net(LightningModule):
    def __init__(self, columns: int = 5, classes: int = 3) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(columns, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, classes)
        )

    def forward(self, x: Tensor) -> Any:
        return self.net(x)

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        loss = cross_entropy(self.net(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        outputs = self.net(batch[0])
        hits = (outputs.argmax(1) == batch[1]).float().mean()
        self.log_dict({"val_loss": cross_entropy(outputs, batch[1]), "val/hits": hits})

    def configure_optimizers(self) -> Any:
        """Of the module's own: momentum, and a rate that follows from what was measured."""
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)
        rate = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": rate, "monitor": "val_loss"},
        }


class OneCycle(Net):
    """Its rate follows from the length of the whole trial."""

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters())
        steps = int(self.trainer.estimated_stepping_batches)
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps)
        return [optimizer], [{"scheduler": rate, "interval": "step"}]


class Noise(Callback):
    """Adds noise that grows with the batches that it has counted: a state of a callback."""

    def __init__(self) -> None:
        self.batches = 0

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
        self.batches += 1
        with torch.no_grad():
            for weight in pl_module.parameters():
                weight.add_(0.001 * self.batches * torch.randn_like(weight))

    def state_dict(self) -> dict[str, Any]:
        return {"batches": self.batches}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.batches = state_dict["batches"]


class Stops(Callback):
    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        trainer.should_stop = trainer.current_epoch == 1


class Exits(Callback):
    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        raise SystemExit(3)


class OwnData(LightningDataModule):
    """Reads its own data, and cuts them by whatever random numbers there are."""

    def setup(self, stage: str) -> None:
        draw = torch.Generator().manual_seed(1)
        x = torch.randn(120, 5, generator=draw)
        rows = TensorDataset(x, (x[:, 0] > 0).long() + (x[:, 1] > 0).long())
        self.parts = random_split(rows, [80, 20, 20])

    def train_dataloader(self) -> Any:
        return DataLoader(self.parts[0], 16, shuffle=True)

    def val_dataloader(self) -> Any:
        return DataLoader(self.parts[1], 64)

    def test_dataloader(self) -> Any:
        return DataLoader(self.parts[2], 64)


def plateau(trial: Any) -> Iterator[Any]:
    yield from fit(trial, Net(), TrialData(trial, 16), callbacks=Noise())


def one_cycle(trial: Any) -> Iterator[Any]:
    yield from fit(
        trial, OneCycle(), TrialData(trial, 16), accumulate_grad_batches=2, gradient_clip_val=0.5
    )


def own_data(trial: Any) -> Iterator[Any]:
    yield from fit(trial, Net(), OwnData())


def stops(trial: Any) -> Iterator[Any]:
    yield from fit(trial, Net(), TrialData(trial, 16), callbacks=[Stops()])


def exits(trial: Any) -> Iterator[Any]:
    yield from fit(trial, Net(), TrialData(trial, 16), callbacks=[Exits()])


def two_devices(trial: Any) -> Iterator[Any]:
    yield from fit(trial, Net(), TrialData(trial, 16), devices=2)

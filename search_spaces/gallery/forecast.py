"""Forecasting by Lightning: windows of several series, quantiles of the next steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from sweeps.lightning import fit

PAST, FUTURE = 24, 6
QUANTILES = torch.tensor([0.1, 0.5, 0.9])


class Series(LightningDataModule):
    """Windows of noisy waves; dev windows begin after train windows end, test ones after those."""

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage: str) -> None:
        """Make the series, the same for every trial, and cut them along time."""
        draw = torch.Generator().manual_seed(1)
        hours = torch.arange(240.0)
        phases, noise = torch.rand(8, 1, generator=draw), torch.randn(8, 240, generator=draw)
        series = torch.sin(6.28 * (hours / 24 + phases)) + 0.3 * noise
        spans = {"train": series[:, :150], "dev": series[:, 150:195], "test": series[:, 195:]}
        self.windows = {part: self._windows(span) for part, span in spans.items()}

    def _windows(self, span: Tensor) -> TensorDataset:
        """All windows of (series, hours): past (rows, PAST) and future (rows, FUTURE)."""
        windows = span.unfold(1, PAST + FUTURE, 1).reshape(-1, PAST + FUTURE)
        return TensorDataset(windows[:, :PAST], windows[:, PAST:])

    def train_dataloader(self) -> Any:
        """Return shuffled windows."""
        return DataLoader(self.windows["train"], self.batch_size, shuffle=True)

    def val_dataloader(self) -> Any:
        """Return the windows that trials are compared on."""
        return DataLoader(self.windows["dev"], batch_size=256)

    def test_dataloader(self) -> Any:
        """Return the windows that `final` alone asks for."""
        return DataLoader(self.windows["test"], batch_size=256)


class Forecaster(LightningModule):
    """A GRU that gives quantiles of the next hours."""

    def __init__(self, hidden: int, dropout: float, lr: float) -> None:
        super().__init__()
        self.lr = lr
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, FUTURE * len(QUANTILES))

    def forward(self, past: Tensor) -> Tensor:
        """Return (rows, FUTURE, quantiles)."""
        last = self.gru(past.unsqueeze(-1))[0][:, -1]
        return self.head(self.dropout(last)).unflatten(1, (FUTURE, -1))

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Return the pinball loss of a batch."""
        loss = self._measured(batch)["loss"]
        self.log("train_loss", loss, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        """Measure a batch of dev or test windows."""
        self.log_dict({f"val_{name}": value for name, value in self._measured(batch).items()})

    def configure_optimizers(self) -> Any:
        """Return Adam with a rate that rises and falls over the whole trial."""
        optimizer = torch.optim.Adam(self.parameters(), lr=self.lr)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.lr, total_steps=steps)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    def _measured(self, batch: list[Tensor]) -> dict[str, Tensor]:
        past, future = batch
        found = self(past)
        errors = future.unsqueeze(-1) - found
        quantiles = QUANTILES.to(errors.device)
        inside = (found[..., 0] <= future) & (future <= found[..., -1])
        return {
            "loss": torch.maximum(quantiles * errors, (quantiles - 1) * errors).mean(),
            "coverage": inside.float().mean(),
        }


def train(
    trial: Any, hidden: int, dropout: float, lr: float, batch_size: int, clip: float
) -> Iterator[dict[str, float]]:
    """Fit a forecaster: what Lightning needs of a trial is one line."""
    module = Forecaster(hidden, dropout, lr)
    yield from fit(trial, module, Series(batch_size), gradient_clip_val=clip)

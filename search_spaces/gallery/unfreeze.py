"""A backbone that brings its weights, and a head for the classes at hand."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn


def pretrained() -> nn.Module:
    """Return a backbone as torch.hub or a file would give it: its weights are always the same."""
    backbone = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Flatten())
    draw = torch.Generator().manual_seed(7)
    for parameter in backbone.parameters():
        parameter.data = 0.3 * torch.randn(parameter.shape, generator=draw)
    return backbone


def build(input_shape: tuple[int, ...], outputs: int, dropout: float) -> nn.Module:
    """Return both as one net, whose parts the sweep file names: backbone.*, head.*."""
    width = 8 * input_shape[1] * input_shape[2]
    head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, outputs))
    return nn.Sequential(OrderedDict(backbone=pretrained(), head=head))

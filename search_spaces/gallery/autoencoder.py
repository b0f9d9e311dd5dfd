"""Rows of 30 numbers that a net returns as it was given them, through a narrow code."""

import numpy as np
from sklearn.datasets import load_breast_cancer
from torch import nn


def load() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return 569 cell samples as 30 numbers by name, and the same as what is predicted."""
    samples = load_breast_cancer()
    columns = dict(zip(samples.feature_names, samples.data.T, strict=True))
    return columns, columns


def build(input_shape: tuple[int, ...], outputs: int, code: int, hidden: int) -> nn.Module:
    """Return an encoder to `code` numbers and a decoder back."""
    encoder = nn.Sequential(nn.Linear(input_shape[0], hidden), nn.ReLU(), nn.Linear(hidden, code))
    decoder = nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
    return nn.Sequential(encoder, decoder)

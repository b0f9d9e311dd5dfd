"""A variational autoencoder of digits (Kingma and Welling, ICLR 2014), with its loss."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return 1,797 images as 61 grey values from 0 to 1, and the same as what is predicted."""
    images = (load_digits().data / 16).astype(np.float32)
    seen = images[:, images.any(0)]  # three pixels at the edge are never lit
    return seen, seen


def perceptron(inputs: int, hidden: int, outputs: int) -> nn.Module:
    """Return a net with one hidden layer."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


class Vae(nn.Module):
    """Returns the pixels that it makes, then means and log variances of the code."""

    def __init__(self, pixels: int, code: int, hidden: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, 2 * code)
        )
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return (rows, pixels), which is what the net answers, and twice (rows, code)."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        noise = torch.randn_like(mean) if self.training else 0.0
        made = self.decoder(mean + noise * (log_variance / 2).exp()).sigmoid()
        return made, mean, log_variance


def build(input_shape: tuple[int, ...], outputs: int, code: int, hidden: int) -> nn.Module:
    """Return the net."""
    return Vae(outputs, code, hidden)


def elbo(outputs: tuple[Tensor, Tensor, Tensor], targets: Tensor, beta: float) -> Tensor:
    """Return minus the evidence lower bound of each row: (rows,)."""
    made, mean, log_variance = outputs
    pixels = binary_cross_entropy(made, targets, reduction="none").sum(1)
    divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)
    return pixels + beta * divergence

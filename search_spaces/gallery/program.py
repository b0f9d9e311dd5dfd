"""A program as people have it: arguments, data of its own, a checkpoint, a line for each epoch."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--l2", type=float, default=0.0)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--saved", type=Path, default=Path("."))
args = parser.parse_args()

# Three classes of points in the plane, of which the last hundred are to compare trials on.
random = np.random.default_rng(0)
labels = random.integers(3, size=400)
points = np.eye(3)[labels][:, :2] + random.normal(scale=0.4, size=(400, 2))
inputs = np.column_stack([points, np.ones(400)])
targets = np.eye(3)[labels]
train, dev = slice(0, 300), slice(300, 400)


def probabilities(weights: np.ndarray, rows: slice) -> np.ndarray:
    """(rows, 3): a softmax."""
    outputs = np.exp(inputs[rows] @ weights)
    return outputs / outputs.sum(axis=1, keepdims=True)


def loss(weights: np.ndarray, rows: slice) -> float:
    """The cross-entropy."""
    return float(-np.log((probabilities(weights, rows) * targets[rows]).sum(axis=1)).mean())


weights, first = np.random.default_rng(args.seed).normal(scale=0.1, size=(3, 3)), 1
checkpoint = args.saved / "last.npz"
if checkpoint.exists():  # the trial goes on where it was stopped
    with np.load(checkpoint) as saved:
        weights, first = saved["weights"], int(saved["epoch"]) + 1

for epoch in range(first, args.epochs + 1):
    for start in range(0, 300, 30):
        rows = slice(start, start + 30)
        slope = inputs[rows].T @ (probabilities(weights, rows) - targets[rows]) / 30
        weights = weights - args.lr * (slope + args.l2 * weights)
    hits = (probabilities(weights, dev).argmax(axis=1) == labels[dev]).mean()
    row = {"epoch": epoch, "loss": loss(weights, dev), "accuracy": float(hits)}
    row["train_loss"] = loss(weights, train)
    print(row)
    # Outside a sweep, nobody reads it.
    with open(os.environ.get("SWEEPS_METRICS", os.devnull), "a", encoding="utf-8") as file:
        print(json.dumps(row), file=file)
    temporary = checkpoint.with_suffix(".new.npz")
    np.savez(temporary, weights=weights, epoch=epoch)
    temporary.replace(checkpoint)  # a kill leaves the old one or the new one

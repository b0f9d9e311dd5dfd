"""Functions that a user might write to bring data of their own, good and bad."""

from __future__ import annotations

import numpy as np
import pandas as pd

not_a_function = 3


def shapes() -> tuple[dict[str, list[object]], list[str]]:
    columns: dict[str, list[object]] = {
        "width": [float(row) for row in range(12)],
        "colour": ["red", "green", "blue"] * 4,
    }
    return columns, ["square", "circle"] * 6


def grey_images() -> tuple[np.ndarray, np.ndarray]:
    return np.arange(12 * 5 * 4, dtype=np.uint8).reshape(12, 5, 4), np.arange(12) % 2


def frame() -> tuple[pd.DataFrame, pd.Series[int]]:
    table = pd.DataFrame({"a": [1.5, 2.5, 3.5], "town": ["u", None, "v"]})
    return table, pd.Series([0, 1, 0])


def only_features() -> np.ndarray:
    return np.zeros((3, 2, 2))


def uneven() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((4, 2)), np.array([0, 1, 0])


def broken() -> None:
    raise RuntimeError("disk on fire")


def days_as_text() -> tuple[np.ndarray, np.ndarray, dict[str, list[str]]]:
    features = np.random.default_rng(0).normal(size=(40, 2))
    return features, np.arange(40) % 2, {"day": [str(day) for day in range(1, 41)]}


def weighted() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    features, target, _ = days_as_text()
    return features, target, {"w": np.linspace(0, 1, 40)}


def two_labels() -> tuple[np.ndarray, pd.DataFrame]:
    features, target, _ = days_as_text()
    return features, pd.DataFrame({"wet": target, "cold": np.arange(40) // 20})

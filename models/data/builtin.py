"""The data sets that need no file of the user's.

scikit-learn's own data files are read in place, because importing scikit-learn takes two seconds.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeps.models.data.features import Features, features_from_array
from sweeps.models.data.targets import Target
from sweeps.models.errors import DataError

__all__ = ["BuiltinData", "load_builtin", "moons", "spirals"]

_DEFAULT_SAMPLES = 1000
_NOISE_SEED = 20_240_101  # a generated set is a constant: a sweep's seed only splits it


@dataclass(frozen=True, eq=False)
class BuiltinData:
    """A built-in data set: raw features and what is predicted from them."""

    features: Features
    target: Target


def load_builtin(name: str, samples: int | None = None, noise: float | None = None) -> BuiltinData:
    """The built-in data set of that name.

    Args:
        name: one of `data_configuration.BUILTIN_NAMES`.
        samples: rows of a generated set.
        noise: standard deviation of a generated set's noise.

    Raises:
        DataError: scikit-learn's data files are not installed.
    """
    if name in _READERS:
        return _READERS[name]()
    generate, default_noise = _GENERATORS[name]
    points, target = generate(samples or _DEFAULT_SAMPLES)
    spread = default_noise if noise is None else noise
    points = points + np.random.default_rng(_NOISE_SEED).normal(0.0, spread, points.shape)
    return _labelled(points, ("x", "y"), target, ("0", "1"))


def moons(samples: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Two interleaved half circles without noise, as in scikit-learn's `make_moons`.

    Returns:
        (samples, 2) points and their (samples,) classes, 0 for the outer half circle.
    """
    outer, inner = (np.linspace(0, np.pi, count) for count in _halves(samples))
    outer_points = np.column_stack((np.cos(outer), np.sin(outer)))
    inner_points = np.column_stack((1 - np.cos(inner), 0.5 - np.sin(inner)))
    return np.concatenate((outer_points, inner_points)), _two_classes(samples)


def spirals(samples: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Two interleaved spirals of three turns without noise.

    With 194 samples these are the points of the benchmark: Lang and Witbrock, "Learning to tell
    two spirals apart", 1988: for i in 0..96, radius 6.5 (104 - i) / 104 at the angle i pi / 16.

    Returns:
        (samples, 2) points and their (samples,) classes; class 1 is class 0 turned by half a turn.
    """
    steps = np.concatenate([np.linspace(0, 96, count) for count in _halves(samples)])
    target = _two_classes(samples)
    angle = steps * np.pi / 16 + np.pi * target
    radius = 6.5 * (104 - steps) / 104
    return np.column_stack((radius * np.sin(angle), radius * np.cos(angle))), target


def _halves(samples: int) -> tuple[int, int]:
    return samples // 2, samples - samples // 2


def _two_classes(samples: int) -> npt.NDArray[np.int64]:
    return np.repeat(np.arange(2, dtype=np.int64), _halves(samples))


def _read_digits() -> BuiltinData:
    table = np.loadtxt(_sklearn_file("digits.csv.gz"), delimiter=",", dtype=np.float32)
    names = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))
    images = table[:, :-1].reshape(-1, 1, 8, 8)
    target = table[:, -1].astype(np.int64)
    classes = tuple(str(digit) for digit in range(10))
    return _labelled(images, names, target, classes)


def _read_breast_cancer() -> BuiltinData:
    sizes = ("radius", "texture", "perimeter", "area", "smoothness", "compactness")
    shapes = ("concavity", "concave points", "symmetry", "fractal dimension")
    patterns = ("mean {}", "{} error", "worst {}")
    names = [pattern.format(part) for pattern in patterns for part in sizes + shapes]
    return _read_labelled("breast_cancer.csv", tuple(names))


def _read_wine() -> BuiltinData:
    names = (
        "alcohol malic_acid ash alcalinity_of_ash magnesium total_phenols flavanoids "
        "nonflavanoid_phenols proanthocyanins color_intensity hue od280/od315_of_diluted_wines "
        "proline"
    )
    return _read_labelled("wine_data.csv", tuple(names.split()))


def _read_iris() -> BuiltinData:
    parts = ("sepal length", "sepal width", "petal length", "petal width")
    return _read_labelled("iris.csv", tuple(f"{part} (cm)" for part in parts))


def _read_diabetes() -> BuiltinData:
    # The measured values: scikit-learn's default scales them over all rows, the test rows too.
    table = np.loadtxt(_sklearn_file("diabetes_data_raw.csv.gz"))
    target = np.loadtxt(_sklearn_file("diabetes_target.csv.gz"))
    names = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
    return BuiltinData(features_from_array(table, names), Target(target, "regression"))


def _read_labelled(file_name: str, feature_names: tuple[str, ...]) -> BuiltinData:
    """Reads a file whose first line is rows, columns, class names, and last column the class."""
    path = _sklearn_file(file_name)
    with path.open(encoding="utf-8") as lines:
        class_names = tuple(lines.readline().strip().split(",")[2:])
        table = np.loadtxt(lines, delimiter=",")
    return _labelled(table[:, :-1], feature_names, table[:, -1].astype(np.int64), class_names)


def _labelled(
    values: npt.NDArray[Any],
    names: tuple[str, ...],
    target: npt.NDArray[np.int64],
    class_names: tuple[str, ...],
) -> BuiltinData:
    features = features_from_array(values, names)
    return BuiltinData(features, Target(target, "classification", class_names))


def _sklearn_file(file_name: str) -> Path:
    spec = importlib.util.find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        raise DataError(
            "the built-in data sets need scikit-learn, which brings their files",
            key=("source",),
            hint="Install them: pip install scikit-learn",
        )
    return Path(spec.submodule_search_locations[0], "datasets", "data", file_name)


_READERS: dict[str, Callable[[], BuiltinData]] = {
    "digits": _read_digits,
    "breast_cancer": _read_breast_cancer,
    "wine": _read_wine,
    "iris": _read_iris,
    "diabetes": _read_diabetes,
}
_Generator = Callable[[int], tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]]
_GENERATORS: dict[str, tuple[_Generator, float]] = {
    "moons": (moons, 0.2),
    "spirals": (spirals, 0.1),
}

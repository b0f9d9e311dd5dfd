from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn import datasets as reference

from sweeps.models.data.builtin import load_builtin, moons, spirals


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine", "iris"])
def test_classification_sets_equal_those_of_scikit_learn(name: str) -> None:
    expected = getattr(reference, f"load_{name}")()
    data = load_builtin(name)
    np.testing.assert_array_equal(data.features.flat, expected.data)
    np.testing.assert_array_equal(data.target.values, expected.target)
    assert data.features.number_names == tuple(expected.feature_names)
    assert data.target.class_names == tuple(str(label) for label in expected.target_names)


def test_diabetes_has_the_measured_values_of_scikit_learn() -> None:
    expected = reference.load_diabetes(scaled=False)
    data = load_builtin("diabetes")
    np.testing.assert_array_equal(data.features.numbers, expected.data)
    np.testing.assert_array_equal(data.target.values, expected.target)
    assert data.features.number_names == tuple(expected.feature_names)


def test_digits_are_images_of_one_channel() -> None:
    images = load_builtin("digits").features.numbers
    np.testing.assert_array_equal(images[:, 0], reference.load_digits().images)
    assert images.dtype == np.float32


@pytest.mark.parametrize("samples", [10, 101])
def test_moons_equal_those_of_scikit_learn(samples: int) -> None:
    points, target = moons(samples)
    expected_points, expected_target = reference.make_moons(samples, shuffle=False)
    np.testing.assert_allclose(points, expected_points, atol=1e-12)
    np.testing.assert_array_equal(target, expected_target)


def test_spirals_of_194_points_are_the_published_benchmark() -> None:
    points, target = spirals(194)
    step = np.arange(97)
    radius, angle = 6.5 * (104 - step) / 104, step * np.pi / 16
    expected = np.column_stack((radius * np.sin(angle), radius * np.cos(angle)))
    np.testing.assert_allclose(points[target == 0], expected, atol=1e-12)
    np.testing.assert_allclose(points[target == 1], -expected, atol=1e-12)


def test_generated_sets_are_the_same_every_time() -> None:
    first, second = load_builtin("moons", 50, 0.3), load_builtin("moons", 50, 0.3)
    np.testing.assert_array_equal(first.features.numbers, second.features.numbers)
    assert len(first.features) == 50


def test_noise_has_the_standard_deviation_asked_for() -> None:
    noise = load_builtin("spirals", 100_000, 0.5).features.numbers - spirals(100_000)[0]
    assert noise.std() == pytest.approx(0.5, rel=0.01)
    assert noise.mean() == pytest.approx(0.0, abs=0.01)


def test_a_check_of_digits_imports_nothing_slow() -> None:
    script = (
        "import sys; from pathlib import Path;"
        "from sweeps.models.splits.data_checks import check_data;"
        "from sweeps.models.data.configuration import DataConfig;"
        "assert check_data(DataConfig(source='digits'), Path('.'), 7).summary;"
        "slow = ['torch', 'sklearn', 'pandas', 'scipy', 'ray', 'mlflow', 'pyarrow', 'yaml'];"
        "print([name for name in slow if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr

"""Weights of training rows, held to torch and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from torch.nn.functional import cross_entropy

from sweeps.models.errors import TrialConfigError
from sweeps.models.scoring.losses import ClassWeights
from sweeps.models.scoring.row_weights import row_weights

LABELS = np.random.default_rng(0).choice(3, size=200, p=[0.9, 0.08, 0.02])


def test_rows_that_count_alike_have_no_weights() -> None:
    assert row_weights("none", LABELS, None) is None


def test_balanced_weights_are_scikit_learns() -> None:
    found = row_weights("balanced", LABELS, None)
    assert found == pytest.approx(compute_sample_weight("balanced", LABELS))


@pytest.mark.parametrize("weights", ["balanced", (1.0, 9.0, 2.5)])
def test_the_loss_of_all_rows_is_torchs_with_the_same_class_weights(weights: ClassWeights) -> None:
    logits = torch.randn(200, 3, generator=torch.Generator().manual_seed(1))
    labels = torch.from_numpy(LABELS)
    classes = (
        compute_class_weight("balanced", classes=np.arange(3), y=LABELS)
        if weights == "balanced"
        else weights
    )
    expected = cross_entropy(logits, labels, weight=torch.tensor(classes, dtype=torch.float32))
    found = row_weights(weights, LABELS, None)
    assert found is not None
    rows = cross_entropy(logits, labels, reduction="none")
    assert (rows * torch.from_numpy(found)).mean().item() == pytest.approx(
        expected.item(), rel=1e-6
    )


def test_weights_of_rows_and_of_classes_are_multiplied() -> None:
    own = np.arange(200.0)
    found = row_weights((1.0, 2.0, 4.0), LABELS, own)
    expected = own * np.array([1.0, 2.0, 4.0])[LABELS]
    assert found == pytest.approx(expected / expected.mean(), rel=1e-6)


def test_weights_that_leave_no_row_are_refused() -> None:
    with pytest.raises(TrialConfigError, match="must have a weight above 0"):
        row_weights("none", LABELS, np.zeros(200))

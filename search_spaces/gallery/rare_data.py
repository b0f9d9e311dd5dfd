"""Made transactions, of which one in twenty is a fraud."""

import numpy as np
from sklearn.datasets import make_classification


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return 2,000 transactions as 12 numbers, and what each of them was."""
    features, is_fraud = make_classification(
        n_samples=2000, n_features=12, n_informative=4, weights=[0.95], class_sep=0.8,
        flip_y=0.0, random_state=0,
    )  # fmt: skip
    return features, np.where(is_fraud, "fraud", "honest")

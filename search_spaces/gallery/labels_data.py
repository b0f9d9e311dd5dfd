"""The topics of made documents: each has any number of four."""

import numpy as np
from sklearn.datasets import make_multilabel_classification

TOPICS = ("art", "law", "music", "sport")


def load() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return 600 documents as counts of 20 words, and for each topic whether they have it."""
    words, topics = make_multilabel_classification(
        n_samples=600, n_features=20, n_classes=len(TOPICS), n_labels=2, random_state=0
    )
    return words, {name: topics[:, at] for at, name in enumerate(TOPICS)}

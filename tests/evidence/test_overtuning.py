"""What is called overtuning, on numbers that one can follow by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evidence.overtuning import incumbents, relative_overtuning


def test_overtuning_is_what_a_search_gives_away_again_of_what_it_gained() -> None:
    dev = np.array([0.9, 0.7, 0.8, 0.5, 0.6])
    assert incumbents(dev).tolist() == [0, 1, 1, 3, 3]
    assert relative_overtuning(dev, np.array([0.9, 0.6, 0.1, 0.7, 0.2])) == pytest.approx(1 / 3)
    assert relative_overtuning(dev, np.array([0.6, 0.5, 0.1, 0.7, 0.2])) == pytest.approx(2)
    assert relative_overtuning(dev, np.array([0.9, 0.6, 0.1, 0.5, 0.2])) == 0

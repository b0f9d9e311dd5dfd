from __future__ import annotations

import numpy as np
import pytest

from sweeps.models.data.own import arrays_of, call_data_function
from sweeps.models.errors import DataError

HERE = "tests.models.own_data_examples"


def test_the_function_of_a_user_gives_features_and_target() -> None:
    source = f"{HERE}:grey_images"
    features, target, beside = arrays_of(source, call_data_function(source))
    assert beside == {}
    assert np.shape(features) == (12, 5, 4)
    assert target.shape == (12,)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "nowhere_at_all:load",
            "cannot import module nowhere_at_all: ModuleNotF.*PYTHONPATH",
        ),
        (f"{HERE}:shape", f"Did you mean '{HERE}:shapes'"),
        (f"{HERE}:not_a_function", f"module {HERE} must have a function not_a_function"),
        (f"{HERE}:broken", r"raised \(RuntimeError: disk on fire at own_data_examples\.py:"),
        (f"{HERE}:only_features", "returned a ndarray"),
    ],
)
def test_functions_that_give_no_data_say_why(source: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        arrays_of(source, call_data_function(source))

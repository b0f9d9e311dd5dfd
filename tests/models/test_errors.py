from __future__ import annotations

import pickle

from sweeps.models.errors import DataError, ModelError


def test_a_data_error_gives_rule_value_place_and_way_out() -> None:
    error = DataError(
        "a source is known",
        key=("source",),
        value="irsi",
        choices=("iris", "wine"),
        hint="Or name a file",
    )
    assert str(error) == (
        "data.source: a source is known; got 'irsi'. "
        "Did you mean 'iris'? Choices: iris, wine. Or name a file"
    )
    assert isinstance(error, ModelError)


def test_a_data_error_survives_pickling() -> None:
    error = DataError("a rule", key=("split", "test"), value=0.0, hint="a hint")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.key, copy.hint) == (str(error), error.key, error.hint)


def test_long_lists_of_choices_are_cut_off() -> None:
    error = DataError("a column is known", value="z", choices=[f"c{i}" for i in range(100)])
    assert str(error).endswith("c18, c19, ...")

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sweeps.models.data.builtin import load_builtin
from sweeps.models.data.configuration import BUILTIN_NAMES, DataConfig
from sweeps.models.errors import DataError


def the_error(section: dict[str, Any]) -> DataError:
    """The one DataError that a section is refused with."""
    with pytest.raises(ValidationError) as caught:
        DataConfig.model_validate(section)
    (details,) = caught.value.errors()
    error = details["ctx"]["error"]
    assert isinstance(error, DataError)
    return error


def test_a_source_alone_is_a_whole_section() -> None:
    config = DataConfig.model_validate({"source": "digits"})
    assert (config.split.dev, config.split.test) == (0.2, 0.2)
    assert (config.task, config.scale, config.missing) == ("auto", "standard", "error")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("iris", "builtin"),
        ("data/houses.csv", "file"),
        ("HOUSES.PARQUET", "file"),
        ("/abs/images.npz", "file"),
        ("my_lab.data:load", "function"),
    ],
)
def test_the_form_of_a_source_says_what_it_is(source: str, kind: str) -> None:
    target = "y" if kind == "file" else None
    assert DataConfig(source=source, target=target).kind == kind


@pytest.mark.parametrize("name", BUILTIN_NAMES)
def test_every_builtin_name_can_be_loaded(name: str) -> None:
    assert len(load_builtin(name).features) > 100


def test_a_misspelt_source_gets_a_suggestion() -> None:
    error = the_error({"source": "digit"})
    assert error.key == ("source",)
    assert "Did you mean 'digits'?" in str(error)


@pytest.mark.parametrize(
    ("section", "key", "rule"),
    [
        ({"source": "iris", "target": "y"}, "target", "only for files"),
        ({"source": "iris", "exclude": ["id"]}, "exclude", "only for files"),
        ({"source": "iris", "samples": 50}, "samples", "only for moons and spirals"),
        ({"source": "a.csv", "target": "y", "noise": 0.0}, "noise", "only for moons and spirals"),
    ],
)
def test_keys_that_do_not_suit_the_source_are_named(
    section: dict[str, Any], key: str, rule: str
) -> None:
    error = the_error(section)
    assert error.key == (key,)
    assert rule in str(error)


@pytest.mark.parametrize(
    "section",
    [
        {"source": "iris", "tagret": "y"},
        {"source": "iris", "split": {"dev": "0.2"}},
        {"source": "iris", "split": {"dev": 0.0}},
        {"source": "iris", "split": {"test": 1.0}},
        {"source": "iris", "split": {"dev": True}},
        {"source": "iris", "split": {"folds": 1}},
        {"source": "iris", "split": {"folds": 21}},
        {"source": "iris", "split": {"folds": 5.0}},
        {"source": "iris", "scale": "minmax"},
        {"source": "moons", "samples": 100.0},
        {"source": "moons", "noise": float("nan")},
        {"source": "a.csv", "target": "y", "exclude": "id"},
    ],
)
def test_wrong_keys_types_and_bounds_are_refused(section: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DataConfig.model_validate(section)


def test_fractions_that_leave_nothing_to_train_on_are_refused() -> None:
    error = the_error({"source": "iris", "split": {"dev": 0.7, "test": 0.3}})
    assert "must be below 1, to leave rows for training" in str(error)


def test_folds_stand_in_place_of_dev() -> None:
    config = DataConfig.model_validate({"source": "iris", "split": {"folds": 5}})
    assert (config.split.dev, config.split.test, config.split.folds) == (None, 0.2, 5)
    error = the_error({"source": "iris", "split": {"folds": 5, "dev": 0.2}})
    assert error.key == ("split", "folds")
    assert "give either folds or dev, not both; got 5" in str(error)


@pytest.mark.parametrize("split", [{"folds": 4, "test": 0.3}, {"test": 0.3}, {"dev": 0.1}])
def test_a_split_is_read_again_as_it_was_resolved(split: dict[str, Any]) -> None:
    config = DataConfig.model_validate({"source": "iris", "split": split})
    assert DataConfig.model_validate(config.model_dump(mode="json")) == config


def test_a_configuration_is_written_back_as_it_was_read() -> None:
    section = {"source": "a.csv", "target": "y", "exclude": ["id"], "split": {"dev": 0.1}}
    config = DataConfig.model_validate(section)
    assert DataConfig.model_validate_json(config.model_dump_json()) == config
    assert config.model_dump(mode="json", exclude_unset=True) == section

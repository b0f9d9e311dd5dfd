from __future__ import annotations

import pytest

from sweeps.definition.configurations import flatten, varied_in, varied_keys


def test_sections_in_a_list_have_their_positions_as_keys() -> None:
    groups = [{"parameters": "a.*", "lr": 0.1}, {"parameters": "b.*"}]
    assert flatten({"optimizer": {"groups": groups, "betas": [0.9, 0.99]}, "rest": []}) == {
        "optimizer.groups.0.parameters": "a.*",
        "optimizer.groups.0.lr": 0.1,
        "optimizer.groups.1.parameters": "b.*",
        "optimizer.betas": [0.9, 0.99],
        "rest": [],
    }


@pytest.mark.parametrize(
    ("options", "varied"),
    [
        ([None, {"patience": 3, "min_delta": 0}], ["a.patience"]),
        ([{"patience": 3}, None], ["a.patience"]),
        ([None, {"patience": 3, "delta": 0}, {"patience": 3, "delta": 1}], ["a.delta"]),
        ([None, {"inner": {"kind": "x"}}], ["a.inner.kind"]),
        (["auto", {"kind": "x"}], ["a", "a.kind"]),
        ([[], [{"lr": 0.1}]], ["a.0.lr"]),
        ([None, None], []),
        ([{"kind": "x", "beta": 1}, {"kind": "y", "gamma": 1}], ["a.kind"]),
    ],
)
def test_a_section_that_some_trials_lack_is_varied(
    options: list[object], varied: list[str]
) -> None:
    flats = [flatten({"a": option, "rest": 1}) for option in options]
    assert varied_keys(flats) == varied


def test_a_trial_without_the_section_shows_that_it_has_none() -> None:
    without, with_it = ({"a": option, "rest": 1} for option in (None, {"patience": 3, "b": 1}))
    varied = varied_keys([flatten(without), flatten(with_it)])
    assert varied_in(flatten(without), varied) == ["a"]
    assert varied_in(flatten(with_it), varied) == ["a.patience"]

from __future__ import annotations

from sweeps.definition.configurations import flatten


def test_sections_in_a_list_have_their_positions_as_keys() -> None:
    groups = [{"parameters": "a.*", "lr": 0.1}, {"parameters": "b.*"}]
    assert flatten({"optimizer": {"groups": groups, "betas": [0.9, 0.99]}, "rest": []}) == {
        "optimizer.groups.0.parameters": "a.*",
        "optimizer.groups.0.lr": 0.1,
        "optimizer.groups.1.parameters": "b.*",
        "optimizer.betas": [0.9, 0.99],
        "rest": [],
    }

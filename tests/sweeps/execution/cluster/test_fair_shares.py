"""Shares are those of weighted max-min fairness, held to its closed form."""

from __future__ import annotations

from dataclasses import replace
from math import floor

import pytest

from sweeps.execution.cluster.fair_shares import Capacity, Claim, fair_shares, words_for


def claim(key: str, wanted: int = 1000, **about: float) -> Claim:
    defaults = {"priority": 1, "cpu": 1, "gpu": 0}
    return Claim(key=key, name=key, wanted=wanted, **{**defaults, **about})  # type: ignore[arg-type]


def shares(*claims: Claim, cpus: float, gpus: float = 0) -> list[int]:
    return [*fair_shares(claims, Capacity(cpus, gpus)).values()]


def water_level(weights: list[float], wanted: list[int], places: int) -> list[float]:
    """Weighted max-min fairness of divisible places: min(wanted, weight x level), by bisection."""
    low, high = 0.0, float(places)
    for _ in range(100):
        middle = (low + high) / 2
        given = sum(min(w * middle, n) for w, n in zip(weights, wanted, strict=True))
        low, high = (low, middle) if given > places else (middle, high)
    return [min(w * low, n) for w, n in zip(weights, wanted, strict=True)]


@pytest.mark.parametrize(
    ("weights", "wanted", "places"),
    [
        ([1, 1], [1000, 1000], 10),
        ([1, 1, 1], [1000, 2, 1000], 12),
        ([2, 1], [1000, 1000], 12),
        ([3, 2, 1], [4, 1000, 1000], 19),
        ([1, 5, 0.5], [1000, 1000, 1000], 26),
        ([1, 1, 1, 1], [1, 7, 1000, 1000], 40),
    ],
)
def test_shares_are_those_of_the_water_level_but_for_less_than_one_place(
    weights: list[float], wanted: list[int], places: int
) -> None:
    claims = [
        claim(f"{number}", n, priority=w)
        for number, (w, n) in enumerate(zip(weights, wanted, strict=True))
    ]
    found = shares(*claims, cpus=places)
    level = water_level(weights, wanted, places)
    assert sum(found) == min(places, sum(wanted))
    assert all(floor(fair + 1e-6) <= one < fair + 1 for one, fair in zip(found, level, strict=True))


def test_the_share_of_two_resources_is_that_of_the_paper() -> None:
    # Ghodsi et al. 2011, section 4.1: 9 CPUs, 18 GB; <1, 4> gets 3 tasks and <3, 1> gets 2.
    one, other = claim("A", cpu=1, gpu=4), claim("B", cpu=3, gpu=1)
    assert shares(one, other, cpus=9, gpus=18) == [3, 2]


def test_what_one_cannot_use_is_everyones_and_nobody_gets_more_than_there_is() -> None:
    assert shares(claim("A", 1), claim("B", 100), cpus=3) == [1, 2]
    assert shares(claim("A", 0), claim("B", 100), cpus=3) == [0, 3]
    assert shares(claim("A", cpu=2), claim("B", cpu=1), cpus=3) == [1, 1]
    assert shares(claim("A", gpu=0.5), claim("B"), cpus=8, gpus=1) == [2, 6]


def test_more_sweeps_than_places_take_turns() -> None:
    holding = [claim(key, held=1, turn_s=at) for key, at in (("A", 30), ("B", 50), ("C", 20))]
    waiting = claim("D", turn_s=40)
    # Nobody loses a place within a minute; then who has had it for longest.
    assert shares(*holding, waiting, cpus=3) == [1, 1, 1, 0]
    later = [replace(one, turn_s=one.turn_s + 45) for one in holding]
    assert shares(*later, waiting, cpus=3) == [1, 0, 1, 1]
    # A higher priority has longer turns; who has waited for longest is next.
    assert shares(replace(later[1], priority=2), waiting, cpus=1) == [1, 0]
    assert shares(later[1], waiting, claim("E", turn_s=41), cpus=1) == [0, 0, 1]


def test_a_user_hears_who_has_the_nodes_while_they_are_short() -> None:
    own, other = claim("A", turn_s=5), claim("B", held=3, turn_s=90)
    there = Capacity(3, 0)
    assert words_for(own, [own, other], {"A": 1, "B": 2}, there) == "waiting: B holds 3 of 3 CPUs"
    new = replace(own, turn_s=1)
    assert words_for(new, [new, other], {"A": 1, "B": 2}, there) == ""
    has = replace(own, held=1)
    less = replace(other, held=2)
    words = words_for(has, [has, less], {"A": 1, "B": 2}, there)
    assert words == "shares the nodes: B holds 2 of 3 CPUs"
    small = replace(own, wanted=1)
    modest = replace(other, wanted=2)
    assert words_for(small, [small, modest], {"A": 1, "B": 2}, there) == ""
    gpus = claim("G", held=2, gpu=0.5)
    words = words_for(own, [own, gpus], {"A": 0, "G": 2}, Capacity(2, 1))
    assert words == "waiting: G holds 1 of 1 GPUs"

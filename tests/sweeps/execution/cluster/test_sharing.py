"""Drivers that tell one another what they hold come to the same shares, also when one dies."""

from __future__ import annotations

import json
import time

import pytest

from sweeps.definition.sweep_file import Resources
from sweeps.execution.cluster import sharing
from sweeps.execution.cluster.fair_shares import Capacity
from sweeps.execution.cluster.sharing import Share

ONE_CPU = Resources()


class Store:
    """What a head keeps for its drivers."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def write(self, key: str, text: str) -> None:
        self.texts[key] = text

    def delete(self, key: str) -> None:
        self.texts.pop(key, None)

    def read_all(self) -> dict[str, str]:
        return dict(self.texts)


def share(store: Store, name: str, held: int, resources: Resources = ONE_CPU) -> Share:
    one = Share(name, resources, lambda: 100, store)
    one.held = lambda: held
    return one


def test_a_sweep_that_is_alone_has_no_limit() -> None:
    one = share(Store(), "alone", 3)
    one.update(Capacity(0, 0))
    assert one.limit is None
    assert not one.is_exceeded_by(1000)
    assert one.words == ""


def test_the_first_gives_what_is_the_seconds_and_has_it_again_afterwards() -> None:
    store, nothing_free = Store(), Capacity(0, 0)
    first, second = share(store, "first", 4), share(store, "second", 0)
    for one in (first, second, first):
        one.update(nothing_free)
    assert (first.limit, second.limit) == (2, 2)
    assert first.is_exceeded_by(4)
    assert not first.is_exceeded_by(2)
    second.withdraw()
    first.update(nothing_free)
    assert first.limit is None


def test_priority_and_workers_count() -> None:
    store, free = Store(), Capacity(14, 0)
    first = share(store, "first", 0, Resources(priority=3))
    second = share(store, "second", 0)
    third = share(store, "third", 0, Resources(workers=2))
    for one in (first, second, third, first, second, third):
        one.update(free)
    assert (first.limit, second.limit, third.limit) == (9, 3, 2)
    first.withdraw()
    second.withdraw()
    third.update(free)
    assert third.limit == 2


def test_a_driver_that_was_killed_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    store, killed = Store(), 4
    first, second = share(store, "first", killed), share(store, "second", 0)
    first.update(Capacity(0, 0))
    second.update(Capacity(0, 0))
    assert second.limit == 2
    monkeypatch.setattr(sharing, "_DEAD_S", -1.0)
    second.update(Capacity(killed, 0))
    assert second.limit is None
    assert len(store.texts) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"key": "share-1", "name": "x"})])
def test_what_another_version_wrote_is_passed_over(text: str) -> None:
    store = Store()
    store.texts["share-1"] = text
    one = share(store, "first", 1)
    one.update(Capacity(1, 0))
    assert one.limit is None


def test_a_wait_is_told_after_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    store = Store()
    first, second = share(store, "first", 2), share(store, "second", 0)
    first.update(Capacity(0, 0))
    second.update(Capacity(0, 0))
    assert second.words == ""
    later = now + 10
    monkeypatch.setattr(time, "monotonic", lambda: later)
    second.update(Capacity(0, 0))
    assert second.words == "waiting: first holds 2 of 2 CPUs"
    second.held = lambda: 1
    first.held = lambda: 1
    first.update(Capacity(0, 0))
    second.update(Capacity(0, 0))
    assert second.words == "shares the nodes: first holds 1 of 2 CPUs"


def test_a_place_that_changes_hands_is_not_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    first, second = share(store, "first", 2), share(store, "second", 1)
    first.update(Capacity(0, 0))
    second.update(Capacity(0, 0), Capacity(2, 0))
    later = time.monotonic() + 10
    monkeypatch.setattr(time, "monotonic", lambda: later)
    second.update(Capacity(0, 0), Capacity(2, 0))
    assert second.words == "shares the nodes: first holds 2 of 2 CPUs"

"""A function that trains from its first epoch to its last waits where it says so."""

from __future__ import annotations

import os
import threading

import pytest

from sweeps.models.training.own_thread import OwnThread


class Counting:
    """Counts to three, and waits before each."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.thread = OwnThread(self.run)

    def run(self) -> None:
        try:
            for number in range(3):
                self.thread.pause()
                self.seen.append(number)
        finally:
            self.seen.append(-1)


def test_it_goes_from_one_pause_to_the_next_and_to_its_end() -> None:
    counting = Counting()
    assert [counting.thread.go_on() for _ in range(5)] == [True, True, True, False, False]
    assert counting.seen == [0, 1, 2, -1]


def test_one_that_is_ended_is_unwound_where_it_waits() -> None:
    counting = Counting()
    before = threading.active_count()
    counting.thread.go_on()
    counting.thread.go_on()
    counting.thread.end()
    assert counting.seen == [0, -1]
    assert threading.active_count() == before


def test_one_that_never_began_is_ended() -> None:
    counting = Counting()
    counting.thread.end()
    assert counting.seen == []


@pytest.mark.parametrize("error", [ValueError("three"), SystemExit(3)])
def test_what_it_raises_is_raised_where_it_is_asked_to_go_on(error: BaseException) -> None:
    def fails() -> None:
        raise error

    with pytest.raises(type(error)):
        OwnThread(fails).go_on()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_that_comes_back_ends_by_itself() -> None:
    read, write = os.pipe()

    def forks() -> None:
        child = os.fork()
        os.write(write, b".")
        thread.pause()
        os.write(write, b"twice" if child == 0 else b"!")
        os.waitpid(child, 0)

    thread = OwnThread(forks)
    assert thread.go_on()
    assert not thread.go_on()
    os.close(write)
    with os.fdopen(read) as file:
        assert sorted(file.read()) == ["!", ".", "."]

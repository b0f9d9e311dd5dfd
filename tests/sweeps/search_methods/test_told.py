from __future__ import annotations

from sweeps.search_methods.sampler import State, Told


def test_a_trial_without_a_loss_is_told_as_the_same_again() -> None:
    """NaN is not equal to itself, and dataclasses of Python 3.13 compare by it."""
    one, again = (Told((0.5, None), State.RUNNING, loss=float("nan")) for _ in range(2))
    assert one == again
    assert hash(one) == hash(again)
    assert one != Told((0.5, None), State.RUNNING, loss=0.1)

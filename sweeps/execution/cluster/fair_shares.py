"""How many trials each of the sweeps of a cluster may train at once: a fair share of what is there.

Weighted max-min fairness over each sweep's dominant resource (Ghodsi et al., "Dominant Resource
Fairness", NSDI 2011): what a sweep cannot use is everyone's, and a sweep of priority 2 gets twice
what one of priority 1 gets. Where sweeps are more than places, they take turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Capacity", "Claim", "fair_shares", "words_for"]

# A worker's start costs seconds, so whoever has a place keeps it for some trials.
_TURN_S = 60.0
# Of a start of workers, of which nobody needs to hear.
_QUIET_S = 3.0
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Capacity:
    """What sweeps can have of a cluster: all, but for what other programs use of it."""

    cpus: float
    gpus: float


@dataclass(frozen=True)
class Claim:
    """What a sweep that runs tells the others of itself.

    Attributes:
        key: Its own among all claims.
        name: What people call it.
        priority: How much it gets of what is short, in comparison with the others.
        cpu: CPU cores of one of its trials.
        gpu: GPUs of one.
        wanted: How many trials it could train at once, those that it trains included.
        held: How many places for trials it has.
        turn_s: Seconds for which it has held any place, or has waited for its first.
        since: When it came, in seconds since 1970.
    """

    key: str
    name: str
    priority: float
    cpu: float
    gpu: float
    wanted: int
    held: int = 0
    turn_s: float = 0.0
    since: float = 0.0


def fair_shares(claims: Sequence[Claim], capacity: Capacity) -> dict[str, int]:
    """Return by key how many trials each sweep may train at once.

    Places are dealt out one at a time, each to the sweep that has least for its priority.
    """
    shares = {one.key: 0 for one in claims}
    left = capacity
    while True:
        able = [one for one in claims if shares[one.key] < one.wanted and _fits(one, left)]
        if not able:
            return shares
        poorest = min(able, key=lambda one: (_level(one, shares[one.key], capacity), _turn(one)))
        shares[poorest.key] += 1
        left = Capacity(left.cpus - poorest.cpu, left.gpus - poorest.gpu)


def words_for(own: Claim, claims: Sequence[Claim], shares: dict[str, int], all_of: Capacity) -> str:
    """Return what a sweep's user should hear: who else has the nodes; empty where nothing is short.

    Args:
        own: The claim of the user's sweep.
        claims: All of them.
        shares: What is fair.
    """
    others = [one for one in claims if one.key != own.key and one.held]
    is_short = any(shares[one.key] < one.wanted for one in claims)
    if not is_short or not others:
        return ""
    held = " and ".join(_held(one, all_of) for one in others)
    if own.held:
        return f"shares the nodes: {held}"
    return f"waiting: {held}" if own.wanted and own.turn_s >= _QUIET_S else ""


def _fits(one: Claim, left: Capacity) -> bool:
    return one.cpu <= left.cpus + _ROUNDING and one.gpu <= left.gpus + _ROUNDING


def _level(one: Claim, places: int, all_of: Capacity) -> float:
    """Return which part of its dominant resource a sweep has, for its priority."""
    parts = [one.cpu / all_of.cpus] + ([one.gpu / all_of.gpus] if one.gpu else [])
    return round(places * max(parts) / one.priority, 9)


def _turn(one: Claim) -> tuple[int, float, float]:
    """Return the order of those who have equally little: who holds a place loses it after a turn.

    First those whose turn is not over, then those who wait, the longest first; then who has held
    its places for the shortest time.
    """
    if one.held:
        rank = 0 if one.turn_s < _TURN_S * one.priority else 2
        return (rank, one.since, 0.0) if rank == 0 else (rank, one.turn_s, one.since)
    return (1, -one.turn_s, one.since)


def _held(one: Claim, all_of: Capacity) -> str:
    if one.gpu:
        return f"{one.name} holds {one.held * one.gpu:g} of {all_of.gpus:g} GPUs"
    return f"{one.name} holds {one.held * one.cpu:g} of {all_of.cpus:g} CPUs"

"""Has the sweeps of a Ray cluster share its nodes.

Ray gives a free place to whoever asked first, and Tune keeps its workers from trial to trial, so
that the first sweep would have all nodes until its last trial. So each driver tells the others, in
the cluster's own store, what it wants and holds; each works out the same shares from that, asks Ray
for no more than its own, and ends a worker with a trial while it has more. Whether a place is free
is still decided by Ray: a claim that is wrong or late costs time and nothing else.
"""

from __future__ import annotations

import json
import math
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Protocol

import ray
from ray.experimental import internal_kv

from sweeps.definition.sweep_file import Resources
from sweeps.execution.cluster.fair_shares import Capacity, Claim, fair_shares, words_for
from sweeps.execution.cluster.nodes import alive_nodes
from sweeps.execution.placement import Node

__all__ = ["ClaimStore", "Share", "claimed_share"]

_PERIOD_S = 1.0
# A driver writes every second; one that has not for so long was killed, or cut off.
_DEAD_S = 15.0
# A place that is given or given back is neither free nor held for a moment.
_READINGS = 5
_NO_LIMIT = Capacity(math.inf, math.inf)


class ClaimStore(Protocol):
    """Where drivers leave their claims for one another."""

    def write(self, key: str, text: str) -> None:
        """Put a claim there, in place of an older one."""

    def delete(self, key: str) -> None:
        """Take a claim away."""

    def read_all(self) -> dict[str, str]:
        """Return all claims by key."""


class _ClusterStore:
    """The store of the cluster's head, which every driver reaches that has joined it."""

    _NAMESPACE = b"sweeps"

    def write(self, key: str, text: str) -> None:
        internal_kv._internal_kv_put(key, text, namespace=self._NAMESPACE)

    def delete(self, key: str) -> None:
        internal_kv._internal_kv_del(key, namespace=self._NAMESPACE)

    def read_all(self) -> dict[str, str]:
        keys = internal_kv._internal_kv_list("share-", namespace=self._NAMESPACE)
        found = {key: internal_kv._internal_kv_get(key, namespace=self._NAMESPACE) for key in keys}
        return {key.decode(): text.decode() for key, text in found.items() if text is not None}


@dataclass(frozen=True)
class _Seen:
    """What another driver's claim was, and when it was other than before, by this clock."""

    text: str
    at: float


class Share:
    """This sweep's claim and its share.

    Attributes:
        limit: How many trials may be trained at once; `workers` where no other sweep is there, and
            None where that is not set either.
        words: What the user should hear of others on the nodes; empty where there is nothing.
        nodes: Those that the cluster had a second ago; none before the first look.
    """

    def __init__(
        self, name: str, resources: Resources, wanted: Callable[[], int], store: ClaimStore
    ) -> None:
        """Begin without a claim: `update` writes it.

        Args:
            wanted: Returns how many trials could be trained at once.
        """
        self.limit = resources.workers
        self.words = ""
        self.nodes: tuple[Node, ...] = ()
        self.held: Callable[[], int] = lambda: 0
        self._name = name
        self._resources = resources
        self._wanted = wanted
        self._store = store
        self._key = f"share-{secrets.token_hex(8)}"
        self._since = time.time()
        self._turn_from = time.monotonic()
        self._was_held = False
        self._beats = 0
        self._seen: dict[str, _Seen] = {}
        self._readings: deque[Capacity] = deque(maxlen=_READINGS)

    def update(self, free: Capacity, there: Capacity = _NO_LIMIT) -> None:
        """Tell the others, hear of them, and work out the share.

        Args:
            free: What nobody holds of the cluster.
            there: All that it has. While a place changes hands, two may say that they hold it.
        """
        own = self._claim()
        self._beats += 1
        self._store.write(self._key, json.dumps({**asdict(own), "beat": self._beats}))
        claims = [own, *self._others()]
        everything = self._everything(free, claims, there)
        if len(claims) == 1 or not everything.cpus:
            self.limit, self.words = self._resources.workers, ""
            return
        shares = fair_shares(claims, everything)
        self.limit = shares[own.key]
        self.words = words_for(own, claims, shares, everything)

    def withdraw(self) -> None:
        """Take the claim away."""
        self._store.delete(self._key)

    def is_exceeded_by(self, held: int) -> bool:
        """Return whether `held` trials at once are more than the share."""
        return self.limit is not None and held > self.limit

    def _everything(self, free: Capacity, claims: Sequence[Claim], there: Capacity) -> Capacity:
        """Return the most that sweeps together had lately, what is free included."""
        cpus = free.cpus + sum(one.held * one.cpu for one in claims)
        gpus = free.gpus + sum(one.held * one.gpu for one in claims)
        self._readings.append(Capacity(min(cpus, there.cpus), min(gpus, there.gpus)))
        return Capacity(
            max(one.cpus for one in self._readings), max(one.gpus for one in self._readings)
        )

    def _claim(self) -> Claim:
        held, wanted, now = self.held(), self._wanted(), time.monotonic()
        if bool(held) != self._was_held:
            self._was_held, self._turn_from = bool(held), now
        return Claim(
            self._key,
            self._name,
            self._resources.priority,
            self._resources.cpu,
            self._resources.gpu,
            max(held, min(wanted, self._resources.workers or wanted)),
            held,
            round(now - self._turn_from, 3),
            self._since,
        )

    def _others(self) -> list[Claim]:
        """Return the claims of drivers that live; those of the dead are deleted."""
        now, found = time.monotonic(), []
        texts = {key: text for key, text in self._store.read_all().items() if key != self._key}
        self._seen = {key: self._seen_now(key, text, now) for key, text in texts.items()}
        for key, seen in self._seen.items():
            claim = _read(key, seen.text)
            if now - seen.at > _DEAD_S:
                self._store.delete(key)
            elif claim is not None:
                found.append(claim)
        return found

    def _seen_now(self, key: str, text: str, now: float) -> _Seen:
        before = self._seen.get(key)
        return before if before is not None and before.text == text else _Seen(text, now)


def _read(key: str, text: str) -> Claim | None:
    """Return a claim; None where another version wrote what is none here."""
    try:
        about: Mapping[str, object] = json.loads(text)
        claim = Claim(**{name: about[name] for name in Claim.__dataclass_fields__})  # type: ignore[arg-type]
        is_one = claim.key == key and claim.cpu > 0 and claim.priority > 0 and claim.held >= 0
        return claim if is_one else None
    except (ValueError, TypeError, KeyError):
        return None


@contextmanager
def claimed_share(name: str, resources: Resources, wanted: Callable[[], int]) -> Iterator[Share]:
    """Give a share of the cluster that this process has joined, kept up to date in a thread."""
    share, over = Share(name, resources, wanted, _ClusterStore()), threading.Event()

    def keep() -> None:
        while True:
            with suppress(Exception):  # the head is away: whoever watches it ends the session
                share.nodes = tuple(alive_nodes().values())
                share.update(
                    _capacity(ray.available_resources()),  # type: ignore[no-untyped-call]
                    _capacity(ray.cluster_resources()),  # type: ignore[no-untyped-call]
                )
            if over.wait(_PERIOD_S):
                return

    thread = threading.Thread(target=keep, name="share", daemon=True)
    thread.start()
    try:
        yield share
    finally:
        over.set()
        thread.join(timeout=5.0)
        with suppress(Exception):
            share.withdraw()


def _capacity(resources: Mapping[str, float]) -> Capacity:
    return Capacity(resources.get("CPU", 0.0), resources.get("GPU", 0.0))

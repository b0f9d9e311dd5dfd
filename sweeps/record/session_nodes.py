"""The nodes that a session trains on: which they are now, and what other sweeps hold of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["SessionNodes"]

_MOST_NAMED = 3


@dataclass(frozen=True)
class SessionNodes:
    """What the ledger says of a session's nodes.

    Attributes:
        now: Those that are there, each with `name`, `cpus` and `gpus`.
        gone: The names of those that have left the cluster and are not back.
        shared: What other sweeps hold of them, in words; empty where there are enough for all.
    """

    now: Sequence[Mapping[str, Any]] = ()
    gone: Sequence[str] = ()
    shared: str = ""

    def after(self, event: Mapping[str, Any]) -> SessionNodes:
        """Return them after an event of the ledger."""
        match event["event"]:
            case "session":
                return SessionNodes(event.get("nodes", ()))
            case "nodes":
                return replace(self, now=event["nodes"], gone=event["gone"])
            case "shared":
                return replace(self, shared=event["text"])
            case "end":
                return SessionNodes(self.now)
        return self

    def change_to(self, nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the fields of the event that these nodes are there now; empty if no other are."""
        before, now = (Counter(str(one["name"]) for one in some) for some in (self.now, nodes))
        if now == before:
            return {}
        lost, joined = before - now, now - before
        gone = Counter(self.gone) + lost - joined
        named = {"lost": lost, "joined": joined, "gone": gone}
        return {"nodes": nodes, **{key: sorted(some.elements()) for key, some in named.items()}}

    @property
    def words(self) -> str:
        """Which have gone and what other sweeps hold; empty where there is nothing to say."""
        names, gone = self.gone, ""
        if len(names) == 1:
            gone = f"node {names[0]} has left the cluster"
        elif names:
            which = f" ({', '.join(names)})" if len(names) <= _MOST_NAMED else ""
            gone = f"{len(names)} nodes have left the cluster{which}"
        return "; ".join(filter(None, (gone, self.shared)))

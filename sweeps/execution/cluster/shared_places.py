"""Asks Ray for places on nodes: no more of them than a sweep's share of the cluster."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from ray.air.execution import PlacementGroupResourceManager, ResourceRequest

from sweeps.execution.cluster.sharing import Share

__all__ = ["SharedPlaces"]

_REST_S = 0.1  # as long as Tune would wait


class SharedPlaces(PlacementGroupResourceManager):
    """What Tune asks for the places of its workers; it takes the place of Ray's own.

    Requests beyond the share wait here, and not in Ray's queue, where they would stand before those
    of other sweeps.
    """

    _share: Share
    _kept_back: deque[ResourceRequest]

    @classmethod
    def within(cls, share: Share) -> SharedPlaces:
        """Return what keeps to a share; Ray calls `__init__` again, with arguments of its own."""
        places = cls()
        places._share, places._kept_back = share, deque()
        share.held = lambda: len(places._acquired_pgs)
        return places

    def request_resources(self, resource_request: ResourceRequest) -> None:
        """Ask Ray for a place, or keep the request back."""
        self._kept_back.append(resource_request)
        self._keep_to_share()

    def cancel_resource_request(self, resource_request: ResourceRequest) -> None:
        """Take a request back, if it can be one that Ray does not know."""
        if resource_request in self._kept_back:
            self._kept_back.remove(resource_request)
        else:
            super().cancel_resource_request(resource_request)

    def get_resource_futures(self) -> list[Any]:
        """Return what Tune waits for; where it has nothing to wait for, it would not rest."""
        if self._kept_back and not self._asked:
            time.sleep(_REST_S)
        futures: list[Any] = super().get_resource_futures()
        return futures

    def update_state(self) -> None:
        """Look which places are there, and ask for those that the share has come to allow."""
        self._keep_to_share()
        super().update_state()  # type: ignore[no-untyped-call]

    def clear(self) -> None:
        """Take everything back."""
        self._kept_back = deque()
        super().clear()  # type: ignore[no-untyped-call]

    def _keep_to_share(self) -> None:
        while self._kept_back and not self._share.is_exceeded_by(self._asked + 1):
            super().request_resources(self._kept_back.popleft())
        while self._share.is_exceeded_by(self._asked) and (waiting := self._waiting()):
            super().cancel_resource_request(waiting[0])
            self._kept_back.append(waiting[0])

    @property
    def _asked(self) -> int:
        """How many places Ray was asked for, or has given."""
        return len(self._pg_to_request)

    def _waiting(self) -> list[Any]:
        """Return the requests that Ray has not met."""
        return [request for request, groups in self._request_to_staged_pgs.items() if groups]

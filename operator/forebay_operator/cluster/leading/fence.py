"""What only the leader may do to the API server: every write begins and ends while the Lease keeps others out.

To look whether one leads before a write is not enough: the write takes its time, and a process may be stopped between the
look and the write. So each write gets as long as the Lease is surely ours and no longer, and none begins without it. Whoever
writes holds a Fence and no Api, so that no write can be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from forebay_operator.cluster.connection import REQUEST_SECONDS, Api, ApiError, Json


class NotLeading(ApiError):
    """Another replica may lead: nothing was sent."""

    def __init__(self) -> None:
        super().__init__(0, "NotLeading", "this replica does not hold the Lease")


class Fence:
    """The API server's door for writers. `seconds(most)` says how long a write may take that begins now, 0 for none.

    Every write raises NotLeading where it may not begin, and an ApiError where it was not answered in that time.
    """

    def __init__(self, api: Api, seconds: Callable[[float], float]) -> None:
        self._api = api
        self._seconds = seconds

    async def get(self, path: str) -> Json:
        return await self._api.get(path)

    async def version(self, path: str) -> str:
        """As Api.version."""
        return await self._api.version(path)

    async def create(self, path: str, body: Mapping[str, Any]) -> Json:
        return await self._api.create(path, body, seconds=self._left())

    async def apply(self, path: str, body: Mapping[str, Any], *, manager: str) -> Json:
        """As Api.apply."""
        return await self._api.apply(path, body, manager=manager, seconds=self._left())

    async def delete(self, path: str, *, uid: str) -> Json:
        """As Api.delete."""
        return await self._api.delete(path, uid=uid, seconds=self._left())

    def _left(self) -> float:
        left = self._seconds(REQUEST_SECONDS)
        if left <= 0:
            raise NotLeading
        return left

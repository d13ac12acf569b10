"""The newest value of something that one task writes and many read: configuration, pool state."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """One reference, one writer, one event loop. Readers take the value once and keep it: values are immutable."""

    __slots__ = ("_news", "_value")

    def __init__(self, value: T | None = None) -> None:
        self._value = value
        self._news = asyncio.Event()

    def get(self) -> T | None:
        """The newest value, None before the first `set`."""
        return self._value

    def set(self, value: T) -> None:
        """Replace the value and tell all who wait in `changed`."""
        self._value = value
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def changed(self) -> T:
        """Wait for the next `set`; return the newest value then, which may be a later one still.

        No change is missed by ``while True: use(latest.get()); await latest.changed()`` as long as `use` does not await.
        """
        await self._news.wait()
        assert self._value is not None  # noqa: S101 - only `set` wakes
        return self._value

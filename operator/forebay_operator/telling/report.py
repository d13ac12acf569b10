"""Report: what the operator tells whoever started it. Light to import, for readers have nothing else of the operator."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from forebay_api.status import Condition, PolicyStatus, PoolStatus


class Fault(msgspec.Struct, frozen=True, rename="camel"):
    """A mistake in a file, in the words of the loader."""

    source: str
    line: int | None
    path: str
    message: str


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """Where everything stands. `programmed` only when every expected replica has acknowledged the newest revision."""

    revision: str
    programmed: bool
    policies: dict[str, PolicyStatus]
    pools: dict[str, PoolStatus]
    errors: tuple[Fault, ...]

    def conditions(self) -> Iterator[tuple[str, list[Condition]]]:
        """The conditions of every object, policies first."""
        yield from ((name, status.conditions) for name, status in self.policies.items())
        yield from ((name, status.conditions) for name, status in self.pools.items())

"""Who leads, by a Lease: what to do next, given what the Lease says and the time. Pure.

The clocks of replicas are never compared: a holder counts as gone when its record has not changed for the lease's
duration on *our* clock since we first saw it so (as in client-go's leader election).

Source: coordination.k8s.io/v1, k8s.io/client-go/tools/leaderelection.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

LEASE_SECONDS: Final = 10
"""How long a record that nobody renews keeps others out: a killed leader is replaced within this and a retry, for it may
be so late that a standby sees the last renewal."""
RENEW_SECONDS: Final = 7.0
"""A leader that could not renew for so long steps down, well before anybody else may take over."""
RETRY_SECONDS: Final = 2.0


class Record(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """LeaseSpec."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int = 0


class Seen(msgspec.Struct, frozen=True):
    """A Lease as the API server has it, and when we first saw this record of it (monotonic seconds)."""

    record: Record
    metadata: dict[str, Any]
    at: float


class Election:
    """One replica's part in it. Mutable, single-threaded; times are passed in."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self._seen: Seen | None = None
        self._renewed_at: float | None = None

    def leads(self, now: float) -> bool:
        """True from a successful write until RENEW_SECONDS after the last one."""
        return self._renewed_at is not None and now < self._renewed_at + RENEW_SECONDS

    def write_seconds(self, now: float, most: float) -> float:
        """How long a write may take that begins now, `most` at the longest; 0 where it may not begin.

        Nobody takes over before LEASE_SECONDS have passed since our last write began, whatever their clock: they count
        from when they first saw it. A write that is given up by then overlaps with nobody else's.
        """
        if self._renewed_at is None or not self.leads(now):
            return 0.0
        return min(most, self._renewed_at + LEASE_SECONDS - now)

    @property
    def holder(self) -> str:
        """Who the Lease says leads, empty where nobody does."""
        return (self._seen.record.holder_identity or "") if self._seen else ""

    def see(self, lease: dict[str, Any] | None, now: float) -> None:
        """Take in what the API server answered; None where there is no Lease."""
        if lease is None:
            self._seen = None
            return
        record = msgspec.convert(lease.get("spec") or {}, Record)
        same = self._seen is not None and self._seen.record == record
        self._seen = Seen(record, lease["metadata"], self._seen.at if same and self._seen else now)
        if record.holder_identity != self.identity:
            self._renewed_at = None

    def wanted(self, now: float, wall: datetime) -> Record | None:
        """The record to write now, None where somebody else leads. `wall` is the time of day."""
        stamp = wall.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if self._seen is None:
            return Record(self.identity, LEASE_SECONDS, stamp, stamp)
        former = self._seen.record
        if former.holder_identity == self.identity:
            return msgspec.structs.replace(former, lease_duration_seconds=LEASE_SECONDS, renew_time=stamp)
        if now < self.free_at:
            return None
        return Record(self.identity, LEASE_SECONDS, stamp, stamp, former.lease_transitions + 1)

    @property
    def free_at(self) -> float:
        """When the record that somebody else holds runs out on our clock; in the past where nobody else does."""
        if self._seen is None or self._seen.record.holder_identity in (None, "", self.identity):
            return float("-inf")
        return self._seen.at + (self._seen.record.lease_duration_seconds or LEASE_SECONDS)

    def body(self, record: Record, name: str, namespace: str) -> dict[str, Any]:
        """The Lease to send; with the resourceVersion seen, so that of two who take it only one succeeds."""
        metadata: dict[str, Any] = {"name": name, "namespace": namespace}
        if self._seen is not None:
            metadata["resourceVersion"] = self._seen.metadata["resourceVersion"]
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": msgspec.to_builtins(record),
        }

    @property
    def exists(self) -> bool:
        return self._seen is not None

    def wrote(self, lease: dict[str, Any], started: float) -> None:
        """A write has succeeded that was `started` then: we lead from that moment."""
        self.see(lease, started)
        self._renewed_at = started

    def released(self) -> Record:
        """The record that lets the next one take over at once."""
        transitions = self._seen.record.lease_transitions if self._seen else 0
        return Record("", 1, None, None, transitions)

    def step_down(self) -> None:
        self._renewed_at = None

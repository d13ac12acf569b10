"""Outcome: what Envoy says became of one request."""

from __future__ import annotations

import msgspec


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One access-log entry. `request_id` is Envoy's name for the request, which every entry has. `pool` and `model` are those that served it (on a fallback chain not those first chosen);
    fields are empty where nobody decided. `status` is 0 where the caller left before an answer; times are seconds, the
    time to the first body byte None where none came; `attempts` counts upstream tries.
    """

    decision: str
    request_id: str = ""
    replica: str
    policy: str
    pool: str
    model: str
    decided_by: str
    status: int
    ttfb_seconds: float | None
    duration_seconds: float
    flags: tuple[str, ...]
    attempts: int = 1

    @property
    def status_class(self) -> str:
        """``2xx`` and so on; ``none`` without an answer."""
        return f"{self.status // 100}xx" if 100 <= self.status < 600 else "none"

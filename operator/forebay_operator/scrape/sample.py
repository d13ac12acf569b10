"""What one attempt to read one endpoint has shown."""

from __future__ import annotations

from typing import Literal

import msgspec

from forebay_operator.scrape.reading import Reading

Outcome = Literal["Read", "Down", "Failed"]


class Sample(msgspec.Struct, frozen=True):
    """One attempt, finished at `at` (Unix seconds).

    Read: `reading` is set. Down: nobody listens on the port that requests go to, which is news about the endpoint.
    Failed: a time-out, an error status, a page without the metrics: no news about the endpoint. `detail` says why.
    `stretch` is how much longer than asked it takes to the next attempt, and so how much longer this one counts.
    """

    pool: str
    endpoint: str
    at: float
    outcome: Outcome
    reading: Reading | None = None
    detail: str = ""
    stretch: float = 1.0

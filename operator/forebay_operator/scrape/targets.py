"""Which pages are read for which pools: one target an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from forebay_api.pool import PoolSpec
from forebay_api.quantities import duration_seconds
from forebay_operator.backends.endpoint import NOWHERE, Backend, Backends
from forebay_operator.scrape.mapping import EngineMetrics, MetricNames, engine_metrics

TIMEOUT_SHARE = 0.8
"""Of the interval: an answer that takes longer would run into the next scrape."""


class Target(msgspec.Struct, frozen=True):
    """One metrics page. Times are seconds; `endpoint` is ``host:port`` of the serving port.

    `serving` says that the page is on the port that requests go to: a refused connection then means that the endpoint
    is down, and not only that its metrics cannot be read.
    """

    pool: str
    endpoint: str
    names: MetricNames
    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    interval: float
    stale_after: float
    serving: bool

    @property
    def timeout(self) -> float:
        return self.interval * TIMEOUT_SHARE

    def pause(self, failures: int) -> float:
        """Seconds to the next scrape after so many failures in a row: doubling, and never so long that an endpoint that
        works again is read only after its state went stale."""
        slowest = max(self.interval, self.stale_after / 2)
        return min(slowest, self.interval * 2.0 ** min(max(0, failures - 1), 16))


def endpoint_names(backend: Backend) -> tuple[str, ...]:
    """``host:port`` of each endpoint that takes new requests, in the backend's order, each once."""
    return tuple(dict.fromkeys(endpoint.name for endpoint in backend.endpoints if endpoint.ready))


def scrape_targets(pools: Mapping[str, PoolSpec], backends: Backends) -> tuple[Target, ...]:
    """The pages to read for pools ``namespace/name``; pools whose engine is None have none."""
    return tuple(
        target
        for name, spec in pools.items()
        if (metrics := engine_metrics(spec.telemetry)) is not None
        for target in _targets(name, spec, metrics, backends.get(name, NOWHERE))
    )


def _targets(name: str, spec: PoolSpec, metrics: EngineMetrics, backend: Backend) -> dict[Target, None]:
    telemetry = spec.telemetry
    return {
        Target(
            pool=name,
            endpoint=endpoint.name,
            names=metrics.names,
            scheme="http" if spec.backend.external is None else "https",
            host=endpoint.host,
            port=telemetry.port or endpoint.port,
            path=telemetry.path or metrics.path,
            interval=max(0.05, duration_seconds(telemetry.interval)),
            stale_after=duration_seconds(telemetry.stale_after),
            serving=telemetry.port in (None, endpoint.port),
        ): None
        for endpoint in backend.endpoints
        if endpoint.ready
    }

"""The operator's metrics: what is counted, under which names and labels."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.metadata import version
from itertools import chain
from typing import Final, Literal

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from forebay_operator.scrape.sample import Outcome
from forebay_operator.telemetry.families import Count, Labels, Spread, gauge
from forebay_operator.telemetry.pools import PoolView, pool_families
from forebay_operator.xds.acknowledgements import Kind
from forebay_operator.xds.messages import Response
from forebay_operator.xds.type_urls import short

SCRAPE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
RECONCILE_SECONDS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
GATHER_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
LAG_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
WriteResult = Literal["written", "conflict", "failed"]
EventResult = Literal["posted", "refused", "dropped"]
_TYPES: Final = frozenset(
    {
        *("Secret", "Cluster", "ClusterLoadAssignment", "Listener", "RouteConfiguration"),
        *("Policy", "Pool", "PoolState", "Revision"),
    }
)


class OperatorMetrics:
    """Plain methods, called on the operator's loop; `page` freezes there, and what it returns renders anywhere."""

    def __init__(self) -> None:
        self._sources: list[Callable[[], Callable[[], Iterable[Metric]]]] = []
        self._leading = False
        self._scrapes = Count("forebay_scrapes", "Attempts to read a metrics page, by outcome.", ("outcome",))
        self._scrape_seconds = Spread("forebay_scrape_seconds", "Time of one attempt.", SCRAPE_SECONDS)
        self._responses = Count("forebay_xds_responses", "Discovery responses sent.", ("client", "type"))
        self._sent = Count(
            "forebay_xds_resources_sent", "Resources sent, each time to each client.", ("client", "type")
        )
        self._bytes = Count("forebay_xds_bytes_sent", "Bytes of the resources sent.", ("client", "type"))
        self._removed = Count("forebay_xds_resources_removed", "Removals sent.", ("client", "type"))
        self._reconciles = Count("forebay_reconciles", "Reconciles of everything, by result.", ("result",))
        self._reconcile_seconds = Spread(
            "forebay_reconcile_seconds", "From a change to its publication.", RECONCILE_SECONDS
        )
        self._gather_seconds = Spread(
            "forebay_gather_seconds",
            "From a change's arrival until it is taken up, with what else has changed by then.",
            GATHER_SECONDS,
        )
        self._lag = Spread(
            "forebay_loop_lag_seconds", "How late the event loop was, looked at 20 times a second.", LAG_SECONDS
        )
        self._writes = Count("forebay_status_writes", "Writes of status to the API server.", ("kind", "result"))
        self._events = Count("forebay_events", "Events for transitions, by what became of them.", ("result",))
        self._applied = Count(
            "forebay_gateway_writes",
            "Writes of objects for gateways: failed are errors of the operator's own, without a kind of a whole round.",
            ("kind", "result"),
        )
        self._process = ProcessCollector(registry=None)

    def scraped(self, outcome: Outcome, seconds: float) -> None:
        """One attempt to read a page has ended."""
        self._scrapes.add((outcome,))
        self._scrape_seconds.observe(seconds)

    def sent(self, client: Kind, response: Response) -> None:
        """A discovery response has been written to a client."""
        name = short(response.type_url)
        labels = (client.value, name if name in _TYPES else "other")
        self._responses.add(labels)
        if response.offers:
            self._sent.add(labels, len(response.offers))
            self._bytes.add(labels, sum(len(offer.resource.value) for offer in response.offers))
        if response.removed:
            self._removed.add(labels, len(response.removed))

    def reconciled(self, seconds: float, *, failed: bool = False) -> None:
        """A reconcile has been published, or has failed as a whole."""
        self._reconciles.add(("failed" if failed else "published",))
        self._reconcile_seconds.observe(seconds)

    def gathered(self, seconds: float) -> None:
        """Changes have been taken together; the first of them had waited so long."""
        self._gather_seconds.observe(seconds)

    def lagged(self, seconds: float) -> None:
        """The loop was so late."""
        self._lag.observe(seconds)

    def status_written(self, kind: Literal["ModelPool", "RoutingPolicy"], result: WriteResult) -> None:
        """A status write has been answered."""
        self._writes.add((kind, result))

    def gateway_written(self, kind: str, result: Literal["written", "deleted", "refused", "failed"]) -> None:
        """A write of an object for a gateway has come to an end; `kind` is a plural of ours, or empty."""
        self._applied.add((kind, result))

    def event_posted(self, result: EventResult) -> None:
        """An Event has been posted, refused by the API server, or dropped here."""
        self._events.add((result,))

    def lead(self, leading: bool) -> None:
        """This replica leads from now on, or no longer does."""
        self._leading = leading

    def watch(self, name: str, help_: str, labels: tuple[str, ...], read: Callable[[], Mapping[Labels, float]]) -> None:
        """Add a gauge that is read on the loop whenever somebody looks."""
        self._sources.append(lambda: partial(_one, name, help_, labels, dict(read())))

    def watch_pools(self, read: Callable[[], Iterable[PoolView]]) -> None:
        """Add the families of the pools, read on the loop whenever somebody looks."""
        self._sources.append(lambda: partial(pool_families, tuple(read())))

    def watch_scraping(self, read: Callable[[], tuple[int, float]]) -> None:
        """Add how many pages are scraped, and by how much their intervals are stretched."""
        self.watch("forebay_scrape_endpoints", "Pages that are read.", (), lambda: {(): float(read()[0])})
        stretch = "Factor by which the budget stretches every interval; 1 within it."
        self.watch("forebay_scrape_interval_stretch", stretch, (), lambda: {(): read()[1]})

    def watch_clients(self, read: Callable[[], Iterable[Kind]]) -> None:
        """Add how many clients of each kind are connected."""
        self.watch("forebay_xds_clients", "Connected discovery clients.", ("client",), lambda: _by_kind(read()))

    def page(self) -> Callable[[], tuple[str, bytes]]:
        """Freeze everything; the result makes content type and text of it."""
        families = [
            *(count.freeze() for count in (self._scrapes, self._responses, self._sent, self._bytes, self._removed)),
            *(count.freeze() for count in (self._reconciles, self._writes, self._events, self._applied)),
            *(
                spread.freeze()
                for spread in (self._scrape_seconds, self._gather_seconds, self._reconcile_seconds, self._lag)
            ),
            gauge("forebay_leader", "1 while this replica leads.", (), {(): float(self._leading)}),
        ]
        frozen = [source() for source in self._sources]
        return lambda: _render(
            [*families, *chain.from_iterable(make() for make in frozen), _build(), *self._process.collect()]
        )


def _one(name: str, help_: str, labels: tuple[str, ...], values: Mapping[Labels, float]) -> Iterable[Metric]:
    return [gauge(name, help_, labels, values)]


def _by_kind(clients: Iterable[Kind]) -> dict[Labels, float]:
    found = Counter(clients)
    return {(kind.value,): float(found[kind]) for kind in Kind}


class _Frozen:
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _render(families: Iterable[Metric]) -> tuple[str, bytes]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Frozen(families))
    return CONTENT_TYPE_PLAIN_0_0_4, generate_latest(registry)


def _build() -> Metric:
    family = InfoMetricFamily("forebay_build", "What is running.")
    family.add_metric((), {"version": version("forebay"), "python": platform.python_version()})
    return family

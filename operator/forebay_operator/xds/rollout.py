"""Which resources are on offer at each moment of a change, so that nothing refers to what is not there yet, or no longer.

Adding: foundation (clusters, endpoints, secrets), then routing (listeners, routes), then policies. Removing: policies,
then routing, then the foundation, `linger` seconds later. The rollout knows nothing of clients: the machine says when
everyone who counts has the present stage, and the rollout takes the next step.

A resource that is *changed in place* changes in its type's adding stage. Where both the old and the new policies need
the old content (a route table that loses a route), the publisher passes a `bridge`: routing that serves both, on offer
from the routing stage until the policies are in.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from forebay_operator.resources import Snapshot
from forebay_operator.xds.messages import Offer
from forebay_operator.xds.type_urls import CLUSTER, ENDPOINTS, FOUNDATION, POLICIES, ROUTES, ROUTING, STAGED

View = Mapping[str, Offer]


class Stage(IntEnum):
    """How far the newest snapshot is; a stage's value is reached when its resources are on offer."""

    FOUNDATION = 1
    ROUTING = 2
    POLICIES = 3
    RETIREMENT = 4
    DONE = 5


class Rollout:
    """The views on offer, by type. A view object is replaced, never changed, and only if its content differs."""

    def __init__(self, linger: float, rest: float = 0.0) -> None:
        self.stage = Stage.DONE
        self.edition = 0
        """Counts changes of views and stage: while it stays, nothing new is to be had, and what was found still holds."""
        self.warmable: frozenset[str] = frozenset()
        """Clusters of the target whose endpoints are a resource of the same name: warm once that is acknowledged."""
        self.routes: frozenset[str] = frozenset()
        """Route tables of the target: each has to be subscribed to before routing counts as acknowledged."""
        self._linger = linger
        self._rest = rest
        self._restless = False
        self._rests_until: float | None = None
        self._views: dict[str, View] = {}
        self._target: dict[str, View] = {}
        self._bridge: dict[str, View] | None = None
        self._live: dict[str, View] | None = None
        self._doomed: dict[tuple[str, str], float] = {}

    def view(self, type_url: str) -> View | None:
        """What is on offer of a type; None where its turn has not come, so that nothing at all is said about it."""
        return self._views.get(type_url)

    def tolerates(self, type_url: str, name: str, version: str) -> bool:
        """True where policies are live in spite of a refusal of this version, or nothing is live that could be kept."""
        live = self._live
        return live is None or ((offer := live.get(type_url, {}).get(name)) is not None and offer.version == version)

    def aims_at(self, type_url: str, name: str) -> bool:
        """False for what is on offer only because it lingers: nobody needs to take it."""
        return name in self._target[type_url] or (self._bridge is not None and name in self._bridge.get(type_url, {}))

    @property
    def types(self) -> tuple[str, ...]:
        """Every type on offer, in the order in which a stream sends them."""
        staged = tuple(url for url in STAGED if url in self._views)
        return staged + tuple(sorted(self._views.keys() - set(staged)))

    def begin(self, target: Snapshot, bridge: Snapshot | None) -> None:
        """Make `target` what is aimed at, from the first stage on; types without a stage are on offer at once.

        A target that differs from the last one only in such types, or in the endpoints of clusters that stay, leaves the
        stage as it is: endpoints that come and go all the time must not keep a change of policies from its end.
        """
        urls = {*target.resources, *self._views, *STAGED}
        former, self._target = self._target, {url: self._offers(url, target) for url in urls}
        for url in urls - set(STAGED):
            self._offer(url, self._target[url])
        moved = [url for url in STAGED if former.get(url) != self._target[url]]
        if not moved:
            return
        if moved == [ENDPOINTS] and former.get(ENDPOINTS, {}).keys() == self._target[ENDPOINTS].keys():
            self._offer(ENDPOINTS, {**self._views.get(ENDPOINTS, {}), **self._target[ENDPOINTS]})
            return
        self.edition += 1
        self._bridge = None if bridge is None else {url: self._offers(url, bridge) for url in ROUTING}
        clusters, endpoints = self._target[CLUSTER], self._target[ENDPOINTS]
        self.warmable = frozenset(clusters.keys() & endpoints.keys())
        self.routes = frozenset(self._target[ROUTES])
        self._doomed = {key: at for key, at in self._doomed.items() if key[1] not in self._target[key[0]]}
        for url in FOUNDATION:
            self._offer(url, {**self._views.get(url, {}), **self._target[url]})
        self.stage = Stage.FOUNDATION
        self._rests_until = None

    def _offers(self, url: str, snapshot: Snapshot) -> View:
        former = self._target.get(url, {})
        offers: dict[str, Offer] = {}
        for name, resource in snapshot.of_type(url).items():
            known = former.get(name)
            same = known is not None and known.resource.value == resource.value
            offers[name] = known if known is not None and same else Offer(resource.version, resource)
        return offers

    def _offer(self, url: str, view: View) -> None:
        if self._views.get(url) != view:
            self._views[url] = view
            self.edition += 1

    def advance(self, now: float) -> None:
        """Take the next step; the caller has checked that the present stage has reached all who count."""
        if self.stage is Stage.FOUNDATION:
            for url in ROUTING:
                between = self._target if self._bridge is None else self._bridge
                before = self.edition
                self._offer(url, {**self._views.get(url, {}), **between[url]})
                self._restless |= self.edition != before
        elif self.stage is Stage.ROUTING:
            for url in POLICIES:
                self._offer(url, self._target[url])
            self._live = self._target
        elif self.stage is Stage.POLICIES:
            for url in ROUTING:
                self._offer(url, self._target[url])
        elif self.stage is Stage.RETIREMENT:
            for url in FOUNDATION:
                for name in self._views[url].keys() - self._target[url].keys():
                    self._doomed.setdefault((url, name), now + self._linger)
        self.stage = Stage(min(self.stage + 1, Stage.DONE))
        self.edition += 1

    def rests(self, now: float) -> bool:
        """True while new routing, though acknowledged, may not have reached every thread and request of an Envoy.

        An Envoy acknowledges before its workers have the routes, and a request keeps the routes that it began with; so
        policies that choose by the new routes come `rest` seconds later.
        """
        if self.stage is not Stage.ROUTING or not self._restless:
            return False
        if self._rests_until is None:
            self._rests_until = now + self._rest
        if now < self._rests_until:
            return True
        self._restless, self._rests_until = False, None
        return False

    def expire(self, now: float) -> None:
        """Take off offer what has lingered long enough."""
        due = {key for key, at in self._doomed.items() if at <= now}
        for url in {url for url, _ in due}:
            self._offer(url, {name: offer for name, offer in self._views[url].items() if (url, name) not in due})
        for key in due:
            del self._doomed[key]

    @property
    def next_expiry(self) -> float | None:
        """When `expire` or `rests` has something new to say, None where nothing lingers or rests."""
        times = [*self._doomed.values(), *(() if self._rests_until is None else (self._rests_until,))]
        return min(times, default=None)

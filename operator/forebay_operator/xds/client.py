"""One client's stream: a ledger for each type, and how it stands towards a stage of the rollout."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final

from forebay_api.wire import REVISION_TYPE
from forebay_operator.xds.acknowledgements import Kind, Rejection
from forebay_operator.xds.ledger import Ledger, TooManyNames
from forebay_operator.xds.messages import Request, Response
from forebay_operator.xds.rollout import Rollout, Stage
from forebay_operator.xds.type_urls import (
    CLUSTER,
    ENDPOINTS,
    FOUNDATION,
    LEGACY_WILDCARD,
    LISTENER,
    POLICIES,
    PREREQUISITES,
    ROUTES,
    ROUTING,
)

MAX_TYPES: Final = 32
"""Resource types that one stream may ask for."""


class Standing(Enum):
    """A client's answer to the question that a stage asks."""

    PENDING = "pending"
    HAS = "has"
    REFUSES = "refuses"


class Client:
    """What the newest stream of a node has asked for and been sent. Identity is the object: a new stream is a new Client."""

    def __init__(
        self, node_id: str, kind: Kind, *, claims_foundation: float, claims_routing: float, max_names: int
    ) -> None:
        self.node_id = node_id
        self.kind = kind
        self._claims_until = dict.fromkeys(FOUNDATION, claims_foundation) | dict.fromkeys(ROUTING, claims_routing)
        self._max_names = max_names
        self._ledgers: dict[str, Ledger] = {}
        self._nonce = 0
        self._to_warm: set[str] = set()
        self._found: dict[Stage, Standing] = {}
        self._found_at = -1

    def become(self, kind: Kind) -> None:
        """The supervisor has said what the client is."""
        self.kind = kind
        self._found.clear()

    def receive(self, request: Request) -> None:
        """Take in a request. Raises TooManyNames where the client asks for more than is kept for one."""
        ledger = self._ledgers.get(request.type_url)
        if ledger is None:
            if len(self._ledgers) >= MAX_TYPES:
                raise TooManyNames(f"more than {MAX_TYPES} resource types on one stream")
            ledger = self._ledgers[request.type_url] = Ledger(
                request.type_url,
                legacy_wildcard=request.type_url in LEGACY_WILDCARD,
                claims_until=self._claims_until.get(request.type_url, 0.0),
                max_names=self._max_names,
            )
        self._found.clear()
        ledger.receive(request)
        if request.type_url == ENDPOINTS:
            ledger.repeat(self._to_warm)
            self._to_warm.clear()

    def next_response(self, rollout: Rollout, now: float) -> Response | None:
        """What to send next, None where there is nothing. It counts as outstanding from here on.

        Within a client the order holds as well, however late it is: no routing before its foundation is answered,
        nothing of the foundation taken away before its routing is, and no revision before what it names: while a client
        ponders a revision it may be sent newer objects, so it has to have the whole set when the revision comes.
        """
        for url in rollout.types:
            ledger, view = self._ledgers.get(url), rollout.view(url)
            if ledger is None or view is None or ledger.awaits_answer:
                continue
            if self._owed(rollout, PREREQUISITES.get(url, ()), now, removals=False):
                continue
            withdraw = url not in FOUNDATION or self._is_routed(rollout, now)
            response = ledger.compose(view, str(self._nonce + 1), now, withdraw=withdraw)
            if response is not None:
                self._nonce += 1
                self._found.clear()
                if url == CLUSTER:
                    self._warm_again(response, ledger)
                return response
        return None

    def _warm_again(self, response: Response, clusters: Ledger) -> None:
        """A cluster that is changed in place warms anew, and Envoy does not ask again for endpoints that it has.

        It would wait for them until its initial fetch time-out (15 s), with everything else of CDS held up (tried on
        1.40). So they are sent again, behind the cluster.
        """
        changed = {offer.resource.name for offer in response.offers if clusters.holds(offer.resource.name)}
        if (endpoints := self._ledgers.get(ENDPOINTS)) is not None:
            endpoints.repeat(changed)
        else:
            self._to_warm |= changed

    def standing(self, rollout: Rollout, stage: Stage, now: float) -> Standing:
        """How the client stands towards what is on offer to its kind up to `stage`."""
        if self._found_at != rollout.edition:
            self._found, self._found_at = {}, rollout.edition
        if (known := self._found.get(stage)) is not None:
            return known
        standing = self._find_standing(rollout, stage, now)
        # While claims wait for their time, the answer depends on the clock.
        if all(now >= until for until in self.claims_until()):
            self._found[stage] = standing
        return standing

    def _find_standing(self, rollout: Rollout, stage: Stage, now: float) -> Standing:
        if self.kind is Kind.DATA_PLANE:
            return self._stands(rollout, REVISION_TYPE, POLICIES, now)
        standing = self._stands(rollout, CLUSTER, FOUNDATION, now)
        if standing is Standing.HAS and not self._warm(rollout):
            return Standing.PENDING
        if standing is not Standing.HAS or stage < Stage.ROUTING:
            return standing
        standing = self._stands(rollout, LISTENER, ROUTING, now)
        return Standing.PENDING if standing is Standing.HAS and not self._asks_for_routes(rollout) else standing

    def has_taken_all(self, rollout: Rollout) -> bool:
        """False while any resource on offer stands refused."""
        return next(self.rejections(rollout), None) is None

    def rejections(self, rollout: Rollout) -> Iterator[Rejection]:
        """Every resource that the client refused and that the newest snapshot wants it to have."""
        for url, ledger in self._ledgers.items():
            view = rollout.view(url)
            if view is not None and ledger.refused:
                for name, text in ledger.refuses(view).items():
                    if rollout.aims_at(url, name):
                        yield Rejection(self.node_id, url, name, view[name].version, text)

    def claims_until(self) -> Iterator[float]:
        """When claims from an earlier stream stop being spared."""
        return (ledger.claims_until for ledger in self._ledgers.values() if ledger.has_claims)

    def _stands(self, rollout: Rollout, needed: str, group: tuple[str, ...], now: float) -> Standing:
        if rollout.view(needed) and needed not in self._ledgers:
            return Standing.PENDING
        if self._owed(rollout, group, now, removals=group is not FOUNDATION):
            return Standing.PENDING
        binding = any(
            # A refused listener withholds nothing: it is an entry of its own, and the others stay live.
            rejection.type_url in group
            and rejection.type_url != LISTENER
            # A data plane that refuses keeps using old policies, however long ago it refused.
            and (self.kind is Kind.DATA_PLANE or not rollout.tolerates(*rejection.what))
            for rejection in self.rejections(rollout)
        )
        return Standing.REFUSES if binding else Standing.HAS

    def _owed(self, rollout: Rollout, group: tuple[str, ...], now: float, *, removals: bool) -> bool:
        for url in group:
            ledger, view = self._ledgers.get(url), rollout.view(url)
            if ledger is None or view is None:
                continue
            found = ledger.differences(view, now)
            if ledger.awaits_answer or found.changed or found.unknown or (removals and found.withdrawn):
                return True
        return False

    def _is_routed(self, rollout: Rollout, now: float) -> bool:
        """True when the client is known to have all routing on offer, so that nothing it has refers to anything older."""
        asks = LISTENER in self._ledgers or not rollout.view(LISTENER)
        return (
            asks
            and self._asks_for_routes(rollout)
            and not self._owed(rollout, ROUTING, now, removals=True)
            and not self._refuses(rollout, ROUTING)
        )

    def _refuses(self, rollout: Rollout, group: tuple[str, ...]) -> bool:
        return any(rejection.type_url in group for rejection in self.rejections(rollout))

    def _warm(self, rollout: Rollout) -> bool:
        endpoints, clusters = self._ledgers.get(ENDPOINTS), self._ledgers.get(CLUSTER)
        unasked = rollout.warmable - (endpoints.names if endpoints is not None else set())
        return not unasked or (clusters is not None and unasked <= clusters.refused.keys())

    def _asks_for_routes(self, rollout: Rollout) -> bool:
        offered, routes = rollout.view(ROUTES) or {}, self._ledgers.get(ROUTES)
        unasked = (rollout.routes & offered.keys()) - (routes.names if routes is not None else set())
        # The route table of a refused listener is never asked for.
        return not unasked or self._refuses(rollout, (LISTENER,))

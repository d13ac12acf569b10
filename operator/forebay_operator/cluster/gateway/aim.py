"""What the applier is to bring about: each object beside what is stored of it, and what of ours is over.

Comparing hundreds of objects takes a while, so it is done once for each plan, away from the event loop, and what an
adapter remembers of it serves its judgement as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Final, Protocol

import msgspec

from forebay_operator.cluster.kinds import WRITTEN
from forebay_operator.gateway.comparison import as_stored, stored_of
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import Generated, Plan
from forebay_operator.gateway.naming import BESIDE, INSTALLATION, ROUTE, SHOWN
from forebay_operator.gateway.objects import Stored
from forebay_operator.gateway.showing import leaves, retired, shows
from forebay_operator.gateway.unmatched import unmatched

SHOWING: Final = "envoyextensionpolicies"
ROUTES: Final = "httproutes"
_ORDER: Final = {r.plural: {SHOWING: 0, ROUTES: 1}.get(r.plural, 2) for r in WRITTEN}
_NOBODY: Final[frozenset[str]] = frozenset()
Key = tuple[str, str]
"""Plural, and ``namespace/name``."""


class Want(msgspec.Struct, frozen=True):
    """One object, what is stored of it, and whether that is as it should be. `heard`: the gateway has spoken of it as it is
    stored. `leaves`: it shows requests that it is not to show any more, which the policies `takers` are to have. `kept`: there
    are routes of ours, which the gateway has, that keep its way to data planes."""

    made: Generated
    stored: Stored | None
    well: bool
    heard: bool = False
    leaves: bool = False
    takers: frozenset[str] = frozenset()
    kept: bool = False

    @property
    def key(self) -> Key:
        return self.made.plural, self.made.key

    @property
    def label(self) -> str:
        return self.made.labels.get(SHOWN, "")


class Over(msgspec.Struct, frozen=True):
    """Something of ours that nothing wants any more. `instead` are the policies that have HTTPRoutes in its stead, `others`
    those beside the same route of a user's, to which its requests may have gone.

    Of what shows requests: `heard`, `leaves` and `takers` as Want's; `retired` is what is to stand there before it goes, None
    where nothing would be kept by that. Of HTTPRoutes whose requests others have: `leaves` and `retired` until it lets them
    pass, `heard` from when the gateway knows that."""

    key: Key
    stored: Stored
    instead: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    heard: bool = False
    leaves: bool = False
    takers: frozenset[str] = frozenset()
    retired: Generated | None = None

    @property
    def label(self) -> str:
        return self.stored.metadata.labels.get(SHOWN, "")

    @property
    def is_taken_over(self) -> bool:
        """Whether it is an HTTPRoute whose requests others have."""
        return self.key[0] == ROUTES and bool(self.instead or self.others)


class Comparison(msgspec.Struct, frozen=True):
    """`showing` are policies of whose every target the gateway has heard that its requests are to be shown."""

    wants: tuple[Want, ...] = ()
    over: tuple[Over, ...] = ()
    """First what shows requests to data planes, then HTTPRoutes."""
    showing: frozenset[str] = frozenset()


class Aim(msgspec.Struct, frozen=True):
    """`taken` are the policies whose routes the gateway has and serves; `asked` are those of them that every data plane
    has, too: only then are requests shown to data planes, so that none meets one that knows nothing of the policy, and each
    decision finds its route."""

    comparison: Comparison
    asked: frozenset[str]
    taken: frozenset[str]


class Judge(Protocol):
    """What an adapter says of objects (implementation.Implementation)."""

    def is_written(self, made: Generated, stored: Stored) -> bool: ...
    def taken(self, stored: Stored) -> bool: ...
    def heard(self, stored: Stored) -> bool: ...


def compare(plan: Plan, facts: GatewayFacts, installation: str, adapter: Judge) -> Comparison:
    """In the plan's order."""
    instead: dict[str, set[str]] = {}
    for made in plan.objects:
        for label in (ROUTE, BESIDE):
            if (route := made.labels.get(label)) is not None:
                instead.setdefault(route, set()).update(made.policies)
    wanted = {(made.plural, made.key) for made in plan.objects}
    over = [
        Over((plural, key), stored, _labelled(stored, ROUTE, instead), _labelled(stored, BESIDE, instead))
        for plural in sorted((resource.plural for resource in WRITTEN), key=_ORDER.__getitem__)
        for key, stored in ours(facts, plural, installation)
        if (plural, key) not in wanted
    ]
    takers: dict[str, frozenset[str]] = {}
    for found in over:
        if found.key[0] == ROUTES:
            takers[found.label] = takers.get(found.label, _NOBODY) | found.others
    keeping = {
        (stored.metadata.namespace, stored.metadata.labels.get(SHOWN))
        for _, stored in ours(facts, ROUTES, installation)
        if adapter.taken(stored)
    }
    wants = tuple(_want(made, stored_of(facts, made), takers, keeping, adapter) for made in plan.objects)
    own: dict[str, set[str]] = {}
    showing: dict[str, bool] = {}
    for want in wants:
        if want.key[0] == SHOWING:
            own.setdefault(want.label, set()).update(want.made.policies)
            there = want.stored is not None and want.heard and shows(want.made, want.stored)
            for policy in want.made.policies:
                showing[policy] = showing.get(policy, True) and there
    return Comparison(
        wants,
        tuple(
            _leaving(found, takers.get(found.label, _NOBODY) | own.get(found.label, set()), keeping, adapter)
            if found.key[0] == SHOWING
            else _passing(found, adapter)
            for found in over
        ),
        frozenset(policy for policy, there in showing.items() if there),
    )


def _want(
    made: Generated,
    stored: Stored | None,
    takers: Mapping[str, frozenset[str]],
    keeping: Set[tuple[str, str | None]],
    adapter: Judge,
) -> Want:
    """`keeping` are our HTTPRoutes that the gateway has, by namespace and label."""
    well = stored is not None and adapter.is_written(made, stored)
    label = made.labels.get(SHOWN, "")
    if made.plural != SHOWING or not label:
        return Want(made, stored, well)
    kept = (made.namespace, label) in keeping
    if stored is None or SHOWN not in stored.metadata.labels:
        return Want(made, stored, well, kept=kept)
    others = takers.get(label, _NOBODY).difference(made.policies)
    return Want(made, stored, well, adapter.heard(stored), leaves(made, stored), others, kept)


def _leaving(found: Over, takers: frozenset[str], keeping: Set[tuple[str, str | None]], adapter: Judge) -> Over:
    stored = found.stored
    kept = found.label and (stored.metadata.namespace, found.label) in keeping
    first = retired(SHOWING, stored) if kept else None
    return msgspec.structs.replace(
        found, heard=adapter.heard(stored), leaves=leaves(None, stored), takers=takers, retired=first
    )


def _passing(found: Over, adapter: Judge) -> Over:
    if not found.is_taken_over:
        return found
    first = unmatched(ROUTES, found.stored)
    heard = first is None and adapter.heard(found.stored)
    return msgspec.structs.replace(found, heard=heard, leaves=first is not None, retired=first)


def _labelled(stored: Stored, label: str, found: Mapping[str, set[str]]) -> frozenset[str]:
    return frozenset(found.get(stored.metadata.labels.get(label, ""), ()))


def ours(facts: GatewayFacts, plural: str, installation: str) -> Iterator[tuple[str, Stored]]:
    """Everything of a kind that carries this installation's label."""
    if plural == "referencegrants":
        there: Mapping[str, Stored] = {key: as_stored(grant) for key, grant in facts.grants.items()}
    else:
        there = facts.routes if plural == "httproutes" else facts.kinds.get(plural, {})
    for key, stored in sorted(there.items()):
        if stored.metadata.labels.get(INSTALLATION) == installation:
            yield key, stored

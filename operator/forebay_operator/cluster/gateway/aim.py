"""What the applier is to bring about: each object beside what is stored of it, and what of ours is over.

Comparing hundreds of objects takes a while, so it is done once for each plan, away from the event loop, and what an
adapter remembers of it serves its judgement as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from forebay_operator.cluster.kinds import WRITTEN
from forebay_operator.gateway.comparison import as_stored, is_as_wanted, stored_of
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import Generated, Plan
from forebay_operator.gateway.naming import BESIDE, INSTALLATION, ROUTE
from forebay_operator.gateway.objects import Stored

SHOWING: Final = "envoyextensionpolicies"
Key = tuple[str, str]
"""Plural, and ``namespace/name``."""


class Want(msgspec.Struct, frozen=True):
    """One object, what is stored of it, and whether that is as it should be."""

    made: Generated
    stored: Stored | None
    well: bool

    @property
    def key(self) -> Key:
        return self.made.plural, self.made.key


class Over(msgspec.Struct, frozen=True):
    """Something of ours that nothing wants any more. `instead` are the policies that have HTTPRoutes in its stead, `others`
    those beside the same route of a user's, to which its requests may have gone."""

    key: Key
    stored: Stored
    instead: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()


class Comparison(msgspec.Struct, frozen=True):
    wants: tuple[Want, ...] = ()
    over: tuple[Over, ...] = ()
    """First what shows requests to data planes."""


class Aim(msgspec.Struct, frozen=True):
    """`taken` are the policies whose routes the gateway has and serves; `asked` are those of them that every data plane
    has, too: only then are requests shown to data planes, so that none meets one that knows nothing of the policy, and each
    decision finds its route."""

    comparison: Comparison
    asked: frozenset[str]
    taken: frozenset[str]


def compare(
    plan: Plan,
    facts: GatewayFacts,
    installation: str,
    is_written: Callable[[Generated, Stored], bool] = is_as_wanted,
) -> Comparison:
    """In the plan's order. `is_written` says whether an object is stored as it should be."""
    wants = []
    instead: dict[str, set[str]] = {}
    for made in plan.objects:
        stored = stored_of(facts, made)
        wants.append(Want(made, stored, stored is not None and is_written(made, stored)))
        for label in (ROUTE, BESIDE):
            if (route := made.labels.get(label)) is not None:
                instead.setdefault(route, set()).update(made.policies)
    wanted = {want.key for want in wants}
    over = tuple(
        Over((plural, key), stored, _labelled(stored, ROUTE, instead), _labelled(stored, BESIDE, instead))
        for plural in sorted((resource.plural for resource in WRITTEN), key=lambda plural: plural != SHOWING)
        for key, stored in ours(facts, plural, installation)
        if (plural, key) not in wanted
    )
    return Comparison(tuple(wants), over)


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

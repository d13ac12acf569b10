"""Whether what is stored of an object of ours is what it should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from forebay_operator.cluster.objects import ReferenceGrant
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import Generated
from forebay_operator.gateway.naming import CONTENT, content_hash
from forebay_operator.gateway.objects import Stored


def sealed(made: Generated) -> Generated:
    """The object with the hash of its content, by which it is known again."""
    return msgspec.structs.replace(made, content=content_hash([made.spec, made.labels, made.owner, made.keeper]))


def stored_of(facts: GatewayFacts, made: Generated) -> Stored | None:
    if made.plural == "referencegrants":
        grant = facts.grants.get(made.key)
        return None if grant is None else as_stored(grant)
    return facts.stored(made.plural, made.key)


def is_as_wanted(made: Generated, stored: Stored) -> bool:
    """Whether all that we write stands there; the API server's defaults stand beside it."""
    has = stored.metadata
    return (
        has.annotations.get(CONTENT) == made.content
        and holds(stored.spec, made.spec)
        and holds(has.labels, made.labels)
    )


class Written:
    """Whether objects stand as they should, remembered while both sides are the very same. For one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[Generated, Stored, bool]] = {}

    def keep(self, objects: Iterable[Generated]) -> None:
        """Forget all others."""
        keys = {(made.plural, made.key) for made in objects}
        self._known = {key: known for key, known in self._known.items() if key in keys}

    def __call__(self, made: Generated, stored: Stored) -> bool:
        known = self._known.get((made.plural, made.key))
        if known is None or known[0] is not made or known[1] is not stored:
            known = self._known[made.plural, made.key] = (made, stored, is_as_wanted(made, stored))
        return known[2]


def holds(there: Any, wanted: Any) -> bool:
    """Whether `there` has all of `wanted`; lists are whole."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(key in there and holds(there[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list | tuple):
        return isinstance(there, list) and len(there) == len(wanted) and all(map(holds, there, wanted))
    return bool(there == wanted)


def as_stored(grant: ReferenceGrant) -> Stored:
    spec = {
        "from": [{"group": f.group, "kind": f.kind, "namespace": f.namespace} for f in grant.spec.from_],
        "to": [{"group": t.group, "kind": t.kind, **({"name": t.name} if t.name else {})} for t in grant.spec.to],
    }
    return Stored(metadata=grant.metadata, spec=spec)

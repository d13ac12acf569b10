"""What shows requests to data planes, on its way from one target to another, and out.

A gateway takes the way to the data planes away in the same moment in which nothing refers to it any more, and ends the
questions that are under way there; its Envoys may even hear of that before they hear that nothing is to be asked. So what
goes first shows no more requests of users' routes and stays on ours, which are met by what is decided already: the way
stays until every question is answered. What comes is on ours first, too: of a way and of the routes that use it a gateway
tells in one breath, and its Envoys ask some milliseconds before the way is open. And what another policy takes over stays
shown until that one shows it: the gateway lets the older of two have a target, and the other one the moment in which the
older one has left it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from forebay_operator.gateway.comparison import sealed
from forebay_operator.gateway.implementation import Generated
from forebay_operator.gateway.naming import SHOWN
from forebay_operator.gateway.objects import GROUP, Stored

_TARGETS: Final = "targetRefs"
_OURS: Final = "targetSelectors"
_LAST: Final = 2
"""The stage in which it is written."""


def leaves(made: Generated | None, stored: Stored) -> bool:
    """Whether requests are shown that are not to be shown."""
    wanted = () if made is None else made.spec.get(_TARGETS) or ()
    return any(ref not in wanted for ref in _targets(stored))


def shows(made: Generated, stored: Stored) -> bool:
    """Whether all requests are shown that are to be shown."""
    there = _targets(stored)
    return all(ref in there for ref in made.spec.get(_TARGETS) or ())


def way(made: Generated) -> Generated:
    """It without what it shows: on our own routes alone."""
    return _with(made, made.spec, [])


def is_way(stored: Stored) -> bool:
    """Whether what stands there shows no requests but those that begin at our own routes."""
    return SHOWN in stored.metadata.labels and not _targets(stored)


def between(made: Generated, stored: Stored, *, new: bool, old: bool) -> Generated | None:
    """What is to stand in place of `stored` on the way to `made`: with the targets that it gets if they may be shown (`new`),
    and with those that it leaves while others wait for them (`old`). None where that is what is stored."""
    wanted, there = made.spec.get(_TARGETS) or (), _targets(stored)
    kept = [ref for ref in there if old or ref in wanted]
    if new:
        if len(kept) == sum(ref in wanted for ref in there):
            return made
        return _with(made, made.spec, [*kept, *(ref for ref in wanted if ref not in there)])
    return None if len(kept) == len(there) else _with(made, stored.spec, kept)


def retired(plural: str, stored: Stored) -> Generated:
    """What shows requests of none but our own routes. Nobody's: it is swept, whoever goes before it."""
    has = stored.metadata
    spec = {key: value for key, value in stored.spec.items() if key != _TARGETS}
    spec[_OURS] = [ours(has.labels[SHOWN])]
    return sealed(Generated(plural, has.namespace, has.name, spec, dict(has.labels), None, _LAST))


def ours(label: str) -> dict[str, Any]:
    """Our HTTPRoutes for a policy, from the moment when they are there."""
    return {"group": GROUP, "kind": "HTTPRoute", "matchLabels": {SHOWN: label}}


def _targets(stored: Stored) -> tuple[Mapping[str, Any], ...]:
    return tuple(stored.spec.get(_TARGETS) or ())


def _with(made: Generated, spec: Mapping[str, Any], targets: list[Any]) -> Generated:
    rest = {key: value for key, value in spec.items() if key != _TARGETS}
    return sealed(msgspec.structs.replace(made, spec={**rest, **({_TARGETS: targets} if targets else {})}))

"""HTTPRoutes of ours on their way out: there, with all of their servers, and matched by no request.

A gateway's proxy takes the table of routes when a request begins, asks the data plane, and looks for the servers of what was
decided last of all; and a gateway takes the servers of an HTTPRoute away in the moment in which that goes. Of two HTTPRoutes
for one pool it takes the older one, which is the one that goes. So one whose requests others take over lets them pass to
those first, and goes when all that have begun before are decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from forebay_decision.names import CLUSTER_HEADER
from forebay_operator.gateway.comparison import sealed
from forebay_operator.gateway.implementation import Generated
from forebay_operator.gateway.objects import Stored, matches_of

NOTHING: Final = "a^b"
"""A regular expression that no text matches, nor any that begins with it. Envoy refuses a whole table of routes for one that
it cannot read, and its bytes are no UTF-8: nothing clever here."""
_STAGE: Final = 1
"""The stage in which it is written."""


def unmatched(plural: str, stored: Stored) -> Generated | None:
    """What is to stand in place of `stored` before it goes; None where that is what is stored. Nobody's: it is swept,
    whoever goes before it."""
    has = stored.metadata
    rules = stored.spec.get("rules") or ()
    passed = [_passed(rule) for rule in rules]
    if passed == list(rules):
        return None
    spec = {**stored.spec, "rules": passed}
    return sealed(Generated(plural, has.namespace, has.name, spec, dict(has.labels), None, _STAGE))


def led_by(header: Mapping[str, Any]) -> str | None:
    """The value of the routing header for which a match of ours leads to a pool, or did before it let requests pass."""
    value = str(header.get("value", ""))
    if not _is_ours(header):
        return None
    if header.get("type", "Exact") != "Exact":
        value = value.removeprefix(NOTHING) if value.startswith(NOTHING) else ""
    return value or None


def _is_ours(header: Mapping[str, Any]) -> bool:
    return str(header.get("name", "")).lower() == CLUSTER_HEADER


def _passed(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The rule, whose number its servers are called by, with what its matches ask of our header made impossible."""
    return {**rule, "matches": [_never(match) for match in matches_of(rule)]}


def _never(match: Mapping[str, Any]) -> dict[str, Any]:
    headers = match.get("headers") or ()
    return {**match, "headers": [_impossible(header) if _is_ours(header) else header for header in headers]}


def _impossible(header: Mapping[str, Any]) -> dict[str, Any]:
    return {**header, "type": "RegularExpression", "value": f"{NOTHING}{led_by(header) or ''}"}

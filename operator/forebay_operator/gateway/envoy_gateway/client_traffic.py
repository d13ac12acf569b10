"""ClientTrafficPolicies: a client's `x-forebay-*` headers go before any route is chosen, and bodies fit the buffer.

A Gateway has one such policy, so ours is written only where nobody else's is and the policy may speak for the Gateway.
Where it is not, the policy says what has to be added to theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from forebay_api.quantities import byte_count
from forebay_decision import names
from forebay_operator.gateway.envoy_gateway.ownership import labels, reference
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import Generated, Held, Wanted
from forebay_operator.gateway.naming import MANAGED_BY, OPERATOR, generated_name
from forebay_operator.gateway.objects import GROUP, VERSION, Stored
from forebay_operator.gateway.permission import advice, permitted

STAGE: Final = 1
PLURAL: Final = "clienttrafficpolicies"
EDIT_ROOM: Final = 64 << 10
DEFAULT_BUFFER: Final = 32 << 10
_UNITS: Final = {"": 1, "k": 1000, "M": 10**6, "G": 10**9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def client_traffic(wanted: Wanted) -> tuple[list[Generated], dict[str, list[str]]]:
    """The policies to write, and what each RoutingPolicy has to ask for where none may be written."""
    by_gateway: dict[str, dict[str, Held]] = {}
    for name, held in wanted.policies.items():
        for ancestor in held.attached.ancestors:
            if ancestor.ref.kind == "Gateway" and not ancestor.problem:
                by_gateway.setdefault(ancestor.gateway, {})[name] = held
    made: list[Generated] = []
    asked: dict[str, list[str]] = {}
    for gateway, policies in sorted(by_gateway.items()):
        room = max(byte_count(held.spec.max_request_bytes) for held in policies.values()) + EDIT_ROOM
        theirs = list(_theirs(gateway, wanted.facts))
        speakers = [name for name in policies if _may(name, gateway, wanted.facts)]
        if not theirs and speakers:
            made.append(_generated(gateway, tuple(sorted(policies)), room, wanted))
        for name in policies:
            if theirs:
                asked.setdefault(name, []).extend(w for found in theirs for w in _lacking(found, room))
            elif not speakers:
                asked.setdefault(name, []).append(_needs_grant(name, gateway))
    return made, asked


def _generated(gateway: str, policies: tuple[str, ...], room: int, wanted: Wanted) -> Generated:
    namespace, _, name = gateway.partition("/")
    spec: dict[str, Any] = {
        "targetRefs": [{"group": GROUP, "kind": "Gateway", "name": name}],
        "headers": {"earlyRequestHeaders": {"removeOnMatch": [_removal()]}},
        "connection": {"bufferLimit": f"{-(-room // 1024)}Ki"},
    }
    uid = wanted.facts.gateways[gateway].metadata.uid or ""
    owner = reference(f"{GROUP}/{VERSION}", "Gateway", name, uid)
    own = generated_name(name, gateway)
    return Generated(PLURAL, namespace, own, spec, labels(wanted.installation), owner, STAGE, policies)


def _removal() -> dict[str, str]:
    return {"type": "Prefix", "value": names.HEADER_PREFIX}


def _theirs(gateway: str, facts: GatewayFacts) -> Iterator[Stored]:
    """Somebody else's policies on the Gateway or a listener of it."""
    namespace, _, name = gateway.partition("/")
    for _, found in sorted(facts.kinds.get(PLURAL, {}).items()):
        if found.metadata.namespace != namespace or found.metadata.labels.get(MANAGED_BY) == OPERATOR:
            continue
        refs = [*(found.spec.get("targetRefs") or ()), *filter(None, [found.spec.get("targetRef")])]
        if any(ref.get("kind") == "Gateway" and ref.get("name") == name for ref in refs):
            yield found


def _lacking(found: Stored, room: int) -> Iterator[str]:
    who = f"ClientTrafficPolicy {found.metadata.namespace}/{found.metadata.name}"
    early = ((found.spec.get("headers") or {}).get("earlyRequestHeaders")) or {}
    if not any(_removes(entry) for entry in early.get("removeOnMatch") or ()):
        yield (
            f"clients may send {names.HEADER_PREFIX}* headers: add to {who} headers.earlyRequestHeaders.removeOnMatch: "
            f"[{{type: Prefix, value: {names.HEADER_PREFIX}}}]"
        )
    limit = _bytes((found.spec.get("connection") or {}).get("bufferLimit"))
    if limit < room:
        yield (
            f"bodies above {limit} bytes are refused with 413: set connection.bufferLimit of {who} to {-(-room // 1024)}Ki, "
            "or lower spec.maxRequestBytes"
        )


def _removes(entry: Mapping[str, Any]) -> bool:
    return entry.get("type") == "Prefix" and names.HEADER_PREFIX.startswith(str(entry.get("value", "-")).lower())


def _bytes(quantity: object) -> int:
    """A Kubernetes quantity; what cannot be read counts as the default."""
    text = str(quantity or "")
    digits = text.rstrip("kMGi")
    try:
        return int(digits) * _UNITS[text[len(digits) :]]
    except (ValueError, KeyError):
        return DEFAULT_BUFFER


def _may(policy: str, gateway: str, facts: GatewayFacts) -> bool:
    return permitted(facts.grants.values(), namespace=policy.partition("/")[0], kind="Gateway", target=gateway)


def _needs_grant(policy: str, gateway: str) -> str:
    return (
        f"no ClientTrafficPolicy takes {names.HEADER_PREFIX}* headers off requests to Gateway {gateway}, and bodies above 32 "
        f"KiB are refused: {advice(policy.partition('/')[0], 'Gateway', gateway)}, or write one"
    )

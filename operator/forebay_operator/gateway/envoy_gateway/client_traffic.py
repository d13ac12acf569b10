"""ClientTrafficPolicies: a client's `x-forebay-*` headers go before any route is chosen, bodies fit the buffer, and a Gateway
that shares an HTTPRoute with another one says which it is.

A Gateway has one such policy, so ours is written only where nobody else's is and the policy may speak for the Gateway.
Where it is not, the policy says what has to be added to theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from forebay_api.quantities import byte_count
from forebay_decision import names
from forebay_operator.gateway.envoy_gateway.ownership import labels, reference
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import Generated, Held, Wanted
from forebay_operator.gateway.naming import MANAGED_BY, OPERATOR, generated_name
from forebay_operator.gateway.objects import GROUP, VERSION, Stored, said
from forebay_operator.gateway.permission import advice, permitted
from forebay_operator.gateway.sharing import gateway_token

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
                asked.setdefault(name, []).extend(w for found in theirs for w in _lacking(found, room, gateway, wanted))
            elif not speakers:
                asked.setdefault(name, []).append(_needs_grant(name, gateway))
    return made, asked


def _generated(gateway: str, policies: tuple[str, ...], room: int, wanted: Wanted) -> Generated:
    namespace, _, name = gateway.partition("/")
    spec: dict[str, Any] = {
        "targetRefs": [{"group": GROUP, "kind": "Gateway", "name": name}],
        "headers": {"earlyRequestHeaders": {**_introduction(gateway, wanted), "removeOnMatch": [_removal()]}},
        "connection": {"bufferLimit": f"{-(-room // 1024)}Ki"},
    }
    uid = wanted.facts.gateways[gateway].metadata.uid or ""
    owner = reference(f"{GROUP}/{VERSION}", "Gateway", name, uid)
    own = generated_name(name, gateway)
    return Generated(PLURAL, namespace, own, spec, labels(wanted.installation), owner, STAGE, policies)


def telling(gateways: Iterable[str], facts: GatewayFacts) -> frozenset[str]:
    """Those of `gateways` that say which one they are, over whatever a client says."""
    found = set()
    for stored in facts.kinds.get(PLURAL, {}).values():
        for ref in _refs(stored):
            gateway = f"{stored.metadata.namespace}/{ref.get('name')}"
            whole = gateway in gateways and "sectionName" not in ref
            if whole and _accepted(stored) and _tells(stored, gateway, facts):
                found.add(gateway)
    return frozenset(found)


def _introduction(gateway: str, wanted: Wanted) -> dict[str, Any]:
    if gateway not in wanted.shared.gateways:
        return {}
    return {"set": [{"name": names.GATEWAY_HEADER, "value": gateway_token(gateway, wanted.facts)}]}


def _tells(stored: Stored, gateway: str, facts: GatewayFacts) -> bool:
    token = gateway_token(gateway, facts)
    return any(
        header.get("name", "").lower() == names.GATEWAY_HEADER and header.get("value") == token
        for header in _early(stored).get("set") or ()
    )


def _accepted(stored: Stored) -> bool:
    said_of = [said(entry.conditions, "Accepted") for entry in stored.status.ancestors]
    return bool(said_of) and all(
        found is not None and found.status == "True" and found.observed_generation >= stored.metadata.generation
        for found in said_of
    )


def _removal() -> dict[str, str]:
    return {"type": "Prefix", "value": names.HEADER_PREFIX}


def _theirs(gateway: str, facts: GatewayFacts) -> Iterator[Stored]:
    """Somebody else's policies on the Gateway or a listener of it."""
    namespace, _, name = gateway.partition("/")
    for _, found in sorted(facts.kinds.get(PLURAL, {}).items()):
        if found.metadata.namespace != namespace or found.metadata.labels.get(MANAGED_BY) == OPERATOR:
            continue
        if any(ref.get("name") == name for ref in _refs(found)):
            yield found


def _refs(stored: Stored) -> Iterator[Mapping[str, Any]]:
    """The Gateways that it targets."""
    for ref in (*(stored.spec.get("targetRefs") or ()), stored.spec.get("targetRef")):
        if ref and ref.get("kind") == "Gateway":
            yield ref


def _early(stored: Stored) -> Mapping[str, Any]:
    return ((stored.spec.get("headers") or {}).get("earlyRequestHeaders")) or {}


def _lacking(found: Stored, room: int, gateway: str, wanted: Wanted) -> Iterator[str]:
    who = f"ClientTrafficPolicy {found.metadata.namespace}/{found.metadata.name}"
    if gateway in wanted.shared.gateways and not _tells(found, gateway, wanted.facts):
        yield (
            f"Gateway {gateway} has an HTTPRoute that is another policy's behind another Gateway: give each an HTTPRoute of its "
            f"own, or add to {who} headers.earlyRequestHeaders.set: [{{name: {names.GATEWAY_HEADER}, value: "
            f"{gateway_token(gateway, wanted.facts)}}}]"
        )
    if not any(_removes(entry) for entry in _early(found).get("removeOnMatch") or ()):
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

"""The EnvoyExtensionPolicy that has a target's requests shown to the data plane."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from forebay_decision import names
from forebay_operator.gateway.envoy_gateway.data_plane import data_plane_ref
from forebay_operator.gateway.envoy_gateway.origins import ATTRIBUTE
from forebay_operator.gateway.envoy_gateway.ownership import for_policy, labels, reference
from forebay_operator.gateway.envoy_gateway.routes import shown
from forebay_operator.gateway.envoy_gateway.servers import ENVOY_GROUP
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import DataPlaneRef, Generated, Wanted
from forebay_operator.gateway.naming import SHOWN, generated_name
from forebay_operator.gateway.objects import GROUP, VERSION
from forebay_operator.gateway.showing import ours

STAGE: Final = 2
MANY: Final = 1_000_000
RETRIES: Final = 3
MESSAGE_TIMEOUT: Final = "2s"
"""Envoy Gateway's own default of 200 ms is less than a decision may take."""


def extensions(policy: str, wanted: Wanted) -> Iterator[Generated]:
    """One a namespace in which the policy has targets.

    It is on our own routes, too, from the moment when they are there, so it chooses them by label: a client that forges
    the routing header meets the processor all the same, and the way to the data planes is there for as long as ours are.
    As with those (routes.py), the garbage collector must not take it before it is swept: the target is an owner, too.
    """
    held = wanted.policies[policy]
    by_namespace: dict[str, list[dict[str, Any]]] = {}
    for kind, target, section in held.attached.targets:
        namespace, _, name = target.partition("/")
        ref = {"group": GROUP, "kind": kind, "name": name}
        by_namespace.setdefault(namespace, []).append({**ref, "sectionName": section} if section else ref)
    for namespace, refs in sorted(by_namespace.items()):
        spec: dict[str, Any] = {
            "targetRefs": refs,
            "targetSelectors": [ours(shown(policy))],
            "extProc": [_processor(namespace, wanted.data_plane, fail_open=held.spec.fail_open is not None)],
        }
        name = generated_name(policy.partition("/")[2], policy)
        made = for_policy(wanted, policy, "envoyextensionpolicies", namespace, name, spec, STAGE)
        found = {**made.labels, SHOWN: shown(policy)}
        yield msgspec.structs.replace(
            made, labels=found, keeper=keeper(refs[0]["kind"], f"{namespace}/{refs[0]['name']}", wanted.facts)
        )


def keeper(kind: str, target: str, facts: GatewayFacts) -> dict[str, Any] | None:
    """The reference to a target; None where it is not there."""
    stored = facts.routes.get(target) if kind == "HTTPRoute" else facts.gateways.get(target)
    uid = "" if stored is None else stored.metadata.uid or ""
    return reference(f"{GROUP}/{VERSION}", kind, target.partition("/")[2], uid)


def grants(wanted: Wanted, generated: Iterable[Generated]) -> Iterator[Generated]:
    """ReferenceGrants for what crosses namespaces: to the data plane, and from routes to pools."""
    home = wanted.data_plane.service.partition("/")[0]
    needed: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    whose: dict[tuple[str, str, str], set[str]] = {}
    for made in generated:
        if made.plural == "envoyextensionpolicies" and made.namespace != home:
            for ref in made.spec["extProc"][0]["backendRefs"]:
                needed.setdefault((home, ENVOY_GROUP, made.namespace), set()).add((ref["group"], ref["kind"]))
                whose.setdefault((home, ENVOY_GROUP, made.namespace), set()).update(made.policies)
        elif made.plural == "httproutes":
            for ref in (
                ref for rule in made.spec["rules"] for ref in rule.get("backendRefs", ()) if "namespace" in ref
            ):
                where = (ref["namespace"], GROUP, made.namespace)
                needed.setdefault(where, set()).add((ref["group"], ref["kind"]))
                whose.setdefault(where, set()).update(made.policies)
    for (namespace, group, source), to in sorted(needed.items()):
        kind = "EnvoyExtensionPolicy" if group == ENVOY_GROUP else "HTTPRoute"
        spec = {
            "from": [{"group": group, "kind": kind, "namespace": source}],
            "to": [{"group": g, "kind": k} for g, k in sorted(to)],
        }
        name = generated_name(source, group, source)
        yield Generated(
            "referencegrants", namespace, name, spec, labels(wanted.installation), None, 0,
            tuple(sorted(whose[namespace, group, source])),
        )  # fmt: skip


def _processor(namespace: str, to: DataPlaneRef, *, fail_open: bool) -> dict[str, Any]:
    return {
        "backendRefs": [data_plane_ref(namespace, to)],
        "processingMode": {"request": {"body": "Buffered", "attributes": [ATTRIBUTE]}},
        "messageTimeout": MESSAGE_TIMEOUT,
        "failOpen": fail_open,
        "statusOnError": 503,
        "metadata": {
            "accessibleNamespaces": [names.JWT_NAMESPACE],  # under the names of its SecurityPolicy's providers
            "writableNamespaces": [names.METADATA_NAMESPACE],
        },
        "backendSettings": {
            "circuitBreaker": {
                "maxConnections": MANY,
                "maxPendingRequests": MANY,
                "maxParallelRequests": MANY,
                "maxParallelRetries": MANY,
            },
            "retry": {
                "numRetries": RETRIES,
                "retryOn": {
                    "triggers": [
                        "connect-failure",
                        "refused-stream",
                        "reset-before-request",
                        "reset",
                        "cancelled",
                        "unavailable",
                    ]
                },
            },
        },
    }

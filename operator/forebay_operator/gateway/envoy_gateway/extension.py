"""The EnvoyExtensionPolicy that has a target's requests shown to the data plane."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from forebay_decision import names
from forebay_operator.gateway.envoy_gateway.data_plane import data_plane_ref
from forebay_operator.gateway.envoy_gateway.origins import ATTRIBUTE
from forebay_operator.gateway.envoy_gateway.ownership import for_policy, labels
from forebay_operator.gateway.envoy_gateway.routes import shown
from forebay_operator.gateway.envoy_gateway.servers import ENVOY_GROUP
from forebay_operator.gateway.implementation import DataPlaneRef, Generated, Wanted
from forebay_operator.gateway.naming import SHOWN, generated_name
from forebay_operator.gateway.objects import GROUP

STAGE: Final = 2
MANY: Final = 1_000_000
RETRIES: Final = 3
MESSAGE_TIMEOUT: Final = "2s"
"""Envoy Gateway's own default of 200 ms is less than a decision may take."""


def extensions(policy: str, wanted: Wanted) -> Iterator[Generated]:
    """One a namespace in which the policy has targets.

    It is on our own routes, too, from the moment when they are there, so it chooses them by label: a client that forges
    the routing header meets the processor all the same.
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
            "extProc": [_processor(namespace, wanted.data_plane, fail_open=held.spec.fail_open is not None)],
        }
        if any(ref["kind"] == "HTTPRoute" for ref in refs):  # else ours hang on the Gateway themselves
            ours = {"group": GROUP, "kind": "HTTPRoute", "matchLabels": {SHOWN: shown(policy)}}
            spec["targetSelectors"] = [ours]
        name = generated_name(policy.partition("/")[2], policy)
        yield for_policy(wanted, policy, "envoyextensionpolicies", namespace, name, spec, STAGE)


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

"""Gateways, routes and policies as tests need them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from forebay_api.backend import Address, Backend
from forebay_api.base import ObjectMeta
from forebay_api.model import Model
from forebay_api.policy import Default, PolicySpec, RoutingPolicy, TargetRef
from forebay_api.pool import PoolSpec
from forebay_api.strategy import Direct, Strategy, WeightedPoolRef
from forebay_operator.cluster.objects import GrantFrom, GrantTo, ReferenceGrant, ReferenceGrantSpec
from forebay_operator.gateway.attach import Attached, attach
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.objects import ClassSpec, Gateway, GatewayClass, GatewaySpec, Listener, Stored

OURS = "gateway.envoyproxy.io/gatewayclass-controller"
CONTROLLERS = frozenset({OURS})


def meta(name: str, namespace: str = "ai", **more: Any) -> ObjectMeta:
    return ObjectMeta(name=name, namespace=namespace, **more)


def a_gateway(name: str = "web", *listeners: Listener, namespace: str = "ai", class_name: str = "eg") -> Gateway:
    own = listeners or (Listener(name="http", port=80),)
    return Gateway(metadata=meta(name, namespace), spec=GatewaySpec(gateway_class_name=class_name, listeners=own))


def a_rule(*paths: str, name: str = "", **more: Any) -> dict[str, Any]:
    matches = [{"path": {"type": "PathPrefix", "value": path}} for path in paths]
    return {**({"name": name} if name else {}), **({"matches": matches} if matches else {}), **more}


def a_route(
    name: str = "llm",
    *rules: dict[str, Any],
    parents: Iterable[str] = ("web",),
    hostnames: Iterable[str] = (),
    namespace: str = "ai",
) -> Stored:
    spec = {
        "parentRefs": [{"name": parent} for parent in parents],
        "hostnames": list(hostnames),
        "rules": list(rules or (a_rule("/v1"),)),
    }
    return Stored(metadata=meta(name, namespace), spec=spec)


def a_policy(
    name: str = "assistant",
    *targets: TargetRef,
    pools: Iterable[str] = ("small",),
    age: int | None = None,
    mode: Any = "Enforce",
    **more: Any,
) -> RoutingPolicy:
    """`age` is a minute: the smaller the older."""
    made = [Strategy(name=f"to-{pool}", direct=Direct(pools=[WeightedPoolRef(name=pool)])) for pool in pools]
    spec = PolicySpec(target_refs=list(targets), mode=mode, strategies=made, default=Default(use=made[0].name), **more)
    stamp = None if age is None else f"2026-01-01T00:{age:02}:00Z"
    return RoutingPolicy(
        api_version="forebay.dev/v1alpha1",
        kind="RoutingPolicy",
        metadata=meta(name, creation_timestamp=stamp),
        spec=spec,
    )


def gateway_target(name: str = "web", section: str | None = None, namespace: str | None = None) -> TargetRef:
    return TargetRef(kind="Gateway", name=name, section_name=section, namespace=namespace)


def route_target(name: str = "llm", section: str | None = None, namespace: str | None = None) -> TargetRef:
    return TargetRef(kind="HTTPRoute", name=name, section_name=section, namespace=namespace)


def a_grant(namespace: str, source: str, kind: str) -> ReferenceGrant:
    return ReferenceGrant(
        metadata=meta("let", namespace),
        spec=ReferenceGrantSpec(
            from_=(GrantFrom(group="forebay.dev", kind="RoutingPolicy", namespace=source),),
            to=(GrantTo(group="gateway.networking.k8s.io", kind=kind),),
        ),
    )


def facts(
    *objects: Gateway | Stored | ReferenceGrant,
    kinds: dict[str, dict[str, Stored]] | None = None,
    controller: str = OURS,
) -> GatewayFacts:
    def keyed(of: type[Any]) -> dict[str, Any]:
        return {f"{o.metadata.namespace}/{o.metadata.name}": o for o in objects if isinstance(o, of)}

    return GatewayFacts(
        classes={"/eg": GatewayClass(metadata=meta("eg", ""), spec=ClassSpec(controller_name=controller))},
        gateways=keyed(Gateway),
        routes=keyed(Stored),
        kinds=kinds or {},
        grants=keyed(ReferenceGrant),
    )


def attached(world: GatewayFacts, *policies: RoutingPolicy) -> dict[str, Attached]:
    named = {f"{p.metadata.namespace}/{p.metadata.name}": p for p in policies}
    return attach(named, world, CONTROLLERS)


def a_pool(**more: Any) -> PoolSpec:
    backend = more.pop("backend", Backend(addresses=[Address(host="192.0.2.1", port=8000)]))
    return PoolSpec(backend=backend, models=[Model(name="m")], **more)


def reasons(of: Attached) -> list[str]:
    return [finding.reason for finding in of.findings]

"""What one change costs the operator's core: CPU time from new facts to a new publication, and where it goes.

    python -m pytest is not needed: .venv/bin/python tests/bench/profile_reconcile.py [--profile] [--places hosts|paths]

1,000 policies, 1,000 pools with a Service each, 10,000 endpoints, nobody connected. Sockets, Kubernetes and Envoy are
left out: they are measured end to end elsewhere (e2e/scale).
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable
from typing import Any

import msgspec

from forebay_api.base import ObjectMeta
from forebay_api.local import Listener
from forebay_api.policy import RoutingPolicy
from forebay_api.pool import ModelPool
from forebay_operator.backends.resolve import Resolver
from forebay_operator.cluster.facts import Facts
from forebay_operator.cluster.objects import (
    EndpointSlice,
    Service,
    ServicePort,
    ServiceSpec,
    SliceEndpoint,
    SlicePort,
)
from forebay_operator.core import Core
from forebay_operator.envoy.inputs import DataPlane
from forebay_operator.gather import Inputs
from forebay_operator.publication import Surface
from forebay_operator.xds.server import XdsServer

NAMESPACES = 20
SURFACE = Surface((Listener(),), DataPlane(("10.0.0.1:18001", "10.0.0.2:18001")))


def policy(index: int, places: str, revision: int = 0) -> RoutingPolicy:
    attach = {"hostnames": [f"h{index}.example.com"]} if places == "hosts" else {"pathPrefix": f"/team{index}"}
    spec = {
        "attach": attach,
        "signals": [{"name": "urgent", "keyword": {"any": ["asap", f"urgent{revision}"]}}],
        "strategies": [
            {
                "name": "cheap",
                "direct": {
                    "pools": [{"name": pool_name(index)}],
                    "fallback": [{"name": pool_name(index + NAMESPACES)}],
                },
            },
            {"name": "careful", "direct": {"pools": [{"name": pool_name(index + NAMESPACES)}]}},
        ],
        "rules": [{"name": "urgent", "when": "signals.urgent.matched", "use": "careful"}],
        "default": {"use": "cheap"},
    }
    return msgspec.convert(_object("RoutingPolicy", f"p{index}", index, spec), RoutingPolicy)


def pool_name(index: int) -> str:
    return f"m{index}"


def pool(index: int) -> ModelPool:
    spec = {
        "backend": {"service": {"name": f"s{index}", "port": "http"}},
        "models": [{"name": f"model-{index}", "capabilities": ["Tools", "Vision", "JSONSchema"]}],
        "telemetry": {"engine": "vLLM"} if index % 5 == 0 else {},
    }
    return msgspec.convert(_object("ModelPool", pool_name(index), index, spec), ModelPool)


def _object(kind: str, name: str, index: int, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": f"ns{index % NAMESPACES}"}
    return {"apiVersion": "forebay.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def slices(index: int, size: int, revision: int = 0) -> tuple[EndpointSlice, ...]:
    endpoints = tuple(
        SliceEndpoint(
            addresses=(f"10.{revision % 200}.{index // 250}.{index % 250}",)
            if not n
            else (f"10.{200 + n}.{index // 250}.{index % 250}",),
            zone=f"z{n % 3}",
        )
        for n in range(size)
    )
    metadata = ObjectMeta(name=f"s{index}-x", namespace=f"ns{index % NAMESPACES}")
    return (EndpointSlice(metadata=metadata, endpoints=endpoints, ports=(SlicePort(port=8000, name="http"),)),)


class World:
    """The cluster as the store would picture it: unchanged parts keep their identity."""

    def __init__(self, policies: int, pools: int, endpoints: int, places: str) -> None:
        self.places = places
        self.size = endpoints // pools
        pools += -pools % NAMESPACES
        self.policies = {key(made): made for made in (policy(n, places) for n in range(policies))}
        self.pools = {key(made): made for made in (pool(n) for n in range(pools + NAMESPACES))}
        services = {f"ns{n % NAMESPACES}/s{n}": service(n) for n in range(pools + NAMESPACES)}
        listed = {f"ns{n % NAMESPACES}/s{n}": slices(n, self.size) for n in range(pools + NAMESPACES)}
        self.facts = Facts(services=services, slices=listed)
        self.resolver = Resolver()
        self.core = Core(XdsServer())

    def move_endpoint(self, revision: int) -> None:
        index = revision % 90
        self.facts = msgspec.structs.replace(
            self.facts,
            slices={**self.facts.slices, f"ns{index % NAMESPACES}/s{index}": slices(index, self.size, revision)},
        )

    def edit_policy(self, revision: int) -> None:
        made = policy(revision % 90, self.places, revision)
        self.policies = {**self.policies, key(made): made}

    def edit_pool(self, revision: int) -> None:
        made = pool(revision % 90)
        spec = msgspec.structs.replace(
            made.spec, models=[msgspec.structs.replace(made.spec.models[0], context_tokens=9000 + revision)]
        )
        self.pools = {**self.pools, key(made): msgspec.structs.replace(made, spec=spec)}

    def reconcile(self) -> None:
        specs = {name: made.spec for name, made in self.pools.items()}
        inputs = Inputs(policies=self.policies, pools=self.pools, backends=self.resolver.resolve(specs, self.facts))
        self.core.reconcile(inputs, SURFACE, {})


def key(made: Any) -> str:
    return f"{made.metadata.namespace}/{made.metadata.name}"


def service(index: int) -> Service:
    metadata = ObjectMeta(name=f"s{index}", namespace=f"ns{index % NAMESPACES}")
    return Service(metadata=metadata, spec=ServiceSpec(ports=(ServicePort(port=80, name="http"),)))


def cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=("endpoint", "policy", "pool", "start"))
    parser.add_argument("--places", choices=("hosts", "paths"), default="hosts")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--objects", type=int, default=1000, help="policies, and as many pools; ten endpoints each")
    options = parser.parse_args()
    world = World(options.objects, options.objects, 10 * options.objects, options.places)
    profile = cProfile.Profile() if options.profile == "start" else None
    if profile is not None:
        profile.enable()
    print(f"start: {cpu(world.reconcile):.0f} ms", flush=True)
    if profile is not None:
        profile.disable()
        pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
    changes = {"endpoint": world.move_endpoint, "policy": world.edit_policy, "pool": world.edit_pool}
    for name, change in changes.items():
        times = []
        profile = cProfile.Profile() if options.profile == name else None
        for revision in range(1, options.rounds + 1):
            change(revision)
            if profile is not None:
                profile.enable()
            times.append(cpu(world.reconcile))
            if profile is not None:
                profile.disable()
        times.sort()
        print(f"one {name} change: median {times[len(times) // 2]:.0f} ms, worst {times[-1]:.0f} ms of CPU", flush=True)
        if profile is not None:
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
    print(f"no change: {cpu(world.reconcile):.0f} ms")


if __name__ == "__main__":
    main()

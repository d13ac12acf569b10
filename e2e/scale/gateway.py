"""`python -m e2e.scale.gateway`: what Envoy Gateway's Envoy adds beside our own, and how long many routes take.

Latency: one data plane, one server, three ways to it in turn, in the same run: straight, through our own Envoy, through
Envoy Gateway's. Both Envoys send headers and the buffered body. What a way adds is its median less the straight one's.

Routes: many HTTPRoutes, each with a policy of its own, from the first write until the last policy is Programmed; beside
what Envoy Gateway alone takes to accept as many routes, header-matched routes and extension policies, without us.

Delays: from Envoy Gateway's word that it has accepted an HTTPRoute until its Envoy serves it, with few objects and beside
the many routes; gateway/transition.py waits longer than that.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from ..binaries import locate
from ..conftest import apply_crds
from ..control_plane import running_control_plane
from ..gateway.envoy_gateway import EnvoyGateway
from ..gateway.manifests import gateway, route
from ..installation import READY, Installation
from ..isolation import HOST, can_listen, isolate
from ..kube import condition_of, place
from ..waiting import free_port, wait_until
from .milestones import Milestones, cpu_seconds
from .serving import serving_delays
from .team import BODY, NAMESPACE, STRAIGHT, own_route, policy, pool, target
from .world import write

OUT: Final = Path("build/bench/gateway.json")
WAYS: Final = ("straight", "own", "envoy-gateway")
PARTS: Final = ("etcd", "kube-apiserver", "kube-controller-manager", "envoy-gateway")
ALONE: Final = "scale/alone"
LONGEST_SECONDS: Final = 300.0


class Way:
    """A kept connection and what is asked on it."""

    def __init__(self, port: int, body: str, host: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1" if host else HOST, port, timeout=10)
        self._body = body
        self._headers = {"content-type": "application/json"} | ({"host": host} if host else {})

    def ask(self) -> float:
        """Milliseconds."""
        started = time.perf_counter()
        self._connection.request("POST", "/v1/chat/completions", self._body, self._headers)
        answer = self._connection.getresponse()
        answer.read()
        took = time.perf_counter() - started
        assert answer.status == 200, answer.status
        return took * 1000


def latency(ways: Mapping[str, Way], rounds: int, each: int) -> dict[str, Any]:
    """Medians of each way, of what the two Envoys add, and of the ratio of one round's to the other."""
    medians: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        for _ in range(each):
            way.ask()
    for number in range(rounds):
        order = list(ways) if number % 2 else list(reversed(list(ways)))
        for name in order:
            medians[name].append(statistics.median(ways[name].ask() for _ in range(each)))
    added = {
        name: [here - straight for here, straight in zip(medians[name], medians["straight"], strict=True)]
        for name in WAYS[1:]
    }
    ratios = [theirs / ours for ours, theirs in zip(added["own"], added["envoy-gateway"], strict=True)]
    return {
        "rounds": rounds,
        "requestsEach": each,
        "p50Ms": {name: round(statistics.median(found), 3) for name, found in medians.items()},
        "addedMs": {name: round(statistics.median(found), 3) for name, found in added.items()},
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in sorted(ratios)],
    }


def many_routes(forebay: Installation, count: int) -> dict[str, Any]:
    """Seconds from the first write; `routesSeconds` is when every policy was Programmed."""

    def objects() -> Iterator[dict[str, Any]]:
        for number in range(count):
            yield own_route(f"route-{number}", f"host-{number}.example.com")
            yield policy(f"policy-{number}", target(f"route-{number}"))

    used = cpu_seconds()
    started = time.monotonic()
    with Milestones(forebay.kube, count, started) as milestones:
        written = asyncio.run(write(forebay.kube, NAMESPACE, objects()))
        took = wait_programmed(forebay, count, started)
    now = cpu_seconds()
    return {
        "routes": count,
        "writtenSeconds": round(written, 1),
        "programmedSeconds": round(took, 1),
        "lastOfEachSeconds": milestones.reached,
        "cpuSeconds": {name: round(now[name] - used.get(name, 0.0), 1) for name in now},
        "load": [round(found, 1) for found in os.getloadavg()],
    }


def no_route() -> dict[str, Any]:
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "HTTPRouteFilter",
        "metadata": {"name": "no-route", "labels": {ALONE: "true"}},
        "spec": {"directResponse": {"statusCode": 503}},
    }


def alone(forebay: Installation, count: int) -> float:
    """Seconds until Envoy Gateway has said of every object of the same shape that it accepts it; no operator runs."""
    kube = forebay.kube

    def objects() -> Iterator[dict[str, Any]]:
        for number in range(count):
            name = f"alone-{number}"
            made = own_route(name, f"{name}.example.com")
            rules = [
                {
                    "matches": [{"headers": [{"name": "x-forebay-cluster", "value": f"pool/{pool}"}]}],
                    "filters": [
                        {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x-forebay-cluster"]}}
                    ],
                    "backendRefs": [{"name": pool, "port": 8000}],
                }
                for pool in ("small", "large")
            ]
            rules.append(
                {
                    "matches": [
                        {"headers": [{"type": "RegularExpression", "name": "x-forebay-cluster", "value": ".+"}]}
                    ],
                    "filters": [
                        {
                            "type": "ExtensionRef",
                            "extensionRef": {
                                "group": "gateway.envoyproxy.io", "kind": "HTTPRouteFilter", "name": "no-route",
                            },
                        }
                    ],
                }
            )  # fmt: skip
            made["metadata"]["labels"] = {ALONE: "true"}
            yield made
            yield {
                **made,
                "metadata": {"name": f"{name}-pools", "labels": {ALONE: "true"}},
                "spec": {**made["spec"], "rules": rules},
            }
            yield {
                "apiVersion": "gateway.envoyproxy.io/v1alpha1",
                "kind": "EnvoyExtensionPolicy",
                "metadata": {"name": name, "labels": {ALONE: "true"}},
                "spec": {
                    "targetRefs": [
                        {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": target}
                        for target in (name, f"{name}-pools")
                    ],
                    "extProc": [
                        {
                            "backendRefs": [{"name": "small", "port": 8000}],
                            "processingMode": {"request": {"body": "Buffered"}},
                        }
                    ],
                },
            }

    def accepted() -> bool:
        routes = kube.list("HTTPRoute", NAMESPACE)
        extensions = kube.list("EnvoyExtensionPolicy", NAMESPACE)
        judged = [found.get("status", {}).get("parents") for found in routes]
        judged += [found.get("status", {}).get("ancestors") for found in extensions]
        return all(judged)

    started = time.monotonic()
    asyncio.run(write(kube, NAMESPACE, [no_route()]))
    asyncio.run(write(kube, NAMESPACE, objects()))
    wait_until(accepted, "Envoy Gateway has accepted all", LONGEST_SECONDS, pause=1.0)
    took = time.monotonic() - started
    for kind in ("EnvoyExtensionPolicy", "HTTPRoute", "HTTPRouteFilter"):
        kube.http.delete(place(kind, NAMESPACE), params={"labelSelector": f"{ALONE}=true"}).raise_for_status()
    wait_until(lambda: not kube.list("HTTPRoute", NAMESPACE)[1:], "they are gone", LONGEST_SECONDS)
    time.sleep(5.0)  # Envoy Gateway takes note of it
    return took


def wait_programmed(forebay: Installation, count: int, started: float) -> float:
    def all_are() -> bool:
        stored = [
            found
            for found in forebay.kube.list("RoutingPolicy", NAMESPACE)
            if found["metadata"]["name"].startswith("policy-")
        ]
        current = [
            found
            for found in stored
            if condition_of(found, "Programmed").get("status") == "True"
            and condition_of(found, "Programmed")["observedGeneration"] == found["metadata"]["generation"]
        ]
        return len(current) == count

    # A look reads every policy: not so often that it is what is measured.
    wait_until(all_are, f"{count} policies are Programmed", LONGEST_SECONDS, pause=1.0)
    return time.monotonic() - started


def measure(
    gateways: EnvoyGateway, forebay: Installation, given: argparse.Namespace, say: Callable[[str], None]
) -> dict[str, Any]:
    kube = forebay.kube
    for name in ("small", "large"):
        port = forebay.add_server(name, f"{name}-model")
        forebay.service(name, [8000])
        forebay.slice(name, f"{name}-0", port, {f"{name}-0": (HOST, READY)})
    straight = forebay.servers["small"].argv
    port = free_port()
    kube.apply(gateway("web", port) + route("web", "web", "small", host="web.example.com"), namespace=NAMESPACE)
    found: dict[str, Any] = {"gatewayAloneSeconds": round(alone(forebay, given.routes), 1)}
    say(f"Envoy Gateway alone: {found['gatewayAloneSeconds']} s for as many objects")
    objects = [
        pool("small"),
        pool("large"),
        policy("own", {"attach": {"hostnames": ["own.example.com"]}}),
        policy("web", target("web")),
    ]
    asyncio.run(write(kube, NAMESPACE, objects))
    forebay.add_operator("--gateway-api")
    forebay.add_data_plane("dp-0")
    forebay.add_envoy("envoy-0")
    for name in ("own", "web"):
        kube.wait_condition("RoutingPolicy", NAMESPACE, name, "Programmed", seconds=60)
    ways = {
        "straight": Way(int(straight[straight.index("--port") + 1]), STRAIGHT, ""),
        "own": Way(forebay.listener, BODY, "own.example.com"),
        "envoy-gateway": Way(port, BODY, "web.example.com"),
    }
    for name, at in (("own", forebay.listener), ("web", port)):
        wait_until(lambda name=name, at=at: _decided(at, f"{name}.example.com"), f"{name} is served by its policy", 30)
    say("both ways are served")
    found["latency"] = latency(ways, given.rounds, given.each)
    say(f"latency: {found['latency']}")
    found["quiet"] = serving_delays(kube, port, given.delays)
    say(f"an HTTPRoute more: {found['quiet']}")
    found["many"] = many_routes(forebay, given.routes)
    say(f"routes: {found['many']}")
    found["beside"] = serving_delays(kube, port, given.delays)
    say(f"an HTTPRoute more beside {given.routes}: {found['beside']}")
    forebay.operators[0].stop()
    started = time.monotonic()
    forebay.operators[0].start()
    wait_until(lambda: forebay.revision(0), "a new operator has judged everything", 60)
    found["many"]["newOperatorSeconds"] = round(time.monotonic() - started, 1)
    return found


def _decided(port: int, host: str) -> bool:
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    try:
        answer = httpx.post(url, content=BODY, headers={"host": host}, trust_env=False, timeout=10)
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.scale.gateway", description=__doc__)
    parser.add_argument("--routes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--each", type=int, default=200, help="requests a round and way")
    parser.add_argument("--delays", type=int, default=20, help="HTTPRoutes that are timed one after the other")
    parser.add_argument("--qps", type=int, default=0, help="of Envoy Gateway at the API server; 0: its default, 50")
    parser.add_argument("--keep", type=Path, help="where logs are kept")
    given = parser.parse_args()
    if not can_listen() and (why := isolate()):
        print(f"SKIPPED: {why}", file=sys.stderr)
        return 1
    binaries = {name: path for name in PARTS if (path := locate(name))}
    if missing := set(PARTS) - binaries.keys():
        print(f"SKIPPED: there is no {', '.join(sorted(missing))}: `make e2e-parts`", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no process is left behind
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", file=sys.stderr, flush=True)

    with contextlib.ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fb-scale-")))
        folder.mkdir(parents=True, exist_ok=True)
        control = stack.enter_context(running_control_plane(binaries))
        apply_crds(control.kube)
        control.kube.kubectl("create", "namespace", NAMESPACE)
        gateways = EnvoyGateway(
            control.kube, binaries["envoy-gateway"], folder / "envoy-gateway", requests_per_second=given.qps
        )
        stack.callback(gateways.stop)
        gateways.install()
        gateways.start()
        forebay = Installation(control.kube, NAMESPACE, folder)
        stack.callback(forebay.stop)
        found = measure(gateways, forebay, given, say)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

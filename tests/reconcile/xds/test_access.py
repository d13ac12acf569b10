"""Who may ask for what over mutual TLS: a certificate says what its holder is, and secrets are Envoy's alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import msgspec
import pytest
from envoy.service.discovery.v3 import discovery_pb2

from forebay_api.wire import POLICY_TYPE, LoadReport
from forebay_operator.resources import Resource, Snapshot
from forebay_operator.xds import Kind, XdsServer
from forebay_operator.xds.type_urls import CLUSTER, SECRET
from forebay_transport.security import PlaintextRefused

from ...authority import Authority

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
LOAD = "/forebay.v1alpha1.Load/Report"
PUBLISHED = Snapshot.of(
    [Resource("c", CLUSTER, b"1"), Resource("s", SECRET, b"hush"), Resource("p", POLICY_TYPE, b"policy")]
)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "tls")
    for role in ("operator", "data-plane", "envoy"):
        made.issue(role)
    made.issue("stranger", "other.example")
    return made


@pytest.fixture
async def operator(authority: Authority) -> AsyncIterator[tuple[XdsServer, str]]:
    server = XdsServer(security=authority.security("operator"), on_load=lambda _: None, ack_deadline=0.2)
    [address] = await server.start(["127.0.0.1:0"])
    server.publish(PUBLISHED)
    yield server, address
    await server.stop(0.1)


@pytest.fixture
def dial(authority: Authority, operator: tuple[XdsServer, str]) -> Callable[..., Any]:
    """``async with dial("envoy") as channel``: a channel with the certificate of a role."""

    @asynccontextmanager
    async def open_channel(role: str) -> AsyncIterator[grpc.aio.Channel]:
        channel = authority.security(role).open_channel(operator[1], "forebay-operator")
        try:
            yield channel
        finally:
            await channel.close()

    return open_channel


async def ask(channel: grpc.aio.Channel, node_id: str, type_url: str) -> Any:
    """The names of the resources that come first, or the status with which the stream ends."""
    call = channel.stream_stream(
        METHOD,
        request_serializer=discovery_pb2.DeltaDiscoveryRequest.SerializeToString,
        response_deserializer=discovery_pb2.DeltaDiscoveryResponse.FromString,
    )()
    await call.write(
        discovery_pb2.DeltaDiscoveryRequest(type_url=type_url, node={"id": node_id}, resource_names_subscribe=["*"])
    )
    try:
        response = await call.read()
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details()
    if response is grpc.aio.EOF:
        return await call.code(), await call.details()
    return [resource.name for resource in response.resources]


async def test_envoy_gets_its_secrets_and_a_data_plane_its_policies(dial: Callable[..., Any]) -> None:
    async with dial("envoy") as channel:
        assert await ask(channel, "envoy/a", SECRET) == ["s"]
    async with dial("data-plane") as channel:
        assert await ask(channel, "dataplane/a", POLICY_TYPE) == ["p"]


async def test_a_data_plane_gets_no_secret_whatever_it_calls_itself(dial: Callable[..., Any]) -> None:
    denied = grpc.StatusCode.PERMISSION_DENIED
    async with dial("data-plane") as channel:
        assert await ask(channel, "dataplane/a", SECRET) == (denied, "Secret is not for the role data plane")
        code, text = await ask(channel, "envoy/a", SECRET)
        assert (code, text) == (denied, "node envoy/a is of the role Envoy, which this certificate does not name")


async def test_envoy_gets_no_policy_and_cannot_acknowledge_for_a_data_plane(dial: Callable[..., Any]) -> None:
    denied = grpc.StatusCode.PERMISSION_DENIED
    async with dial("envoy") as channel:
        assert await ask(channel, "envoy/a", POLICY_TYPE) == (denied, "Policy is not for the role Envoy")
        assert (await ask(channel, "dataplane/a", POLICY_TYPE))[0] is denied


async def test_who_is_refused_displaces_nobody(operator: tuple[XdsServer, str], dial: Callable[..., Any]) -> None:
    async with dial("envoy") as good, dial("data-plane") as bad:
        call = good.stream_stream(
            METHOD,
            request_serializer=discovery_pb2.DeltaDiscoveryRequest.SerializeToString,
            response_deserializer=discovery_pb2.DeltaDiscoveryResponse.FromString,
        )()
        await call.write(discovery_pb2.DeltaDiscoveryRequest(type_url=CLUSTER, node={"id": "envoy/a"}))
        await call.read()
        await ask(bad, "envoy/a", CLUSTER)
        assert operator[0].subscribers == {"envoy/a": Kind.ENVOY}


async def test_a_certificate_of_the_ca_with_another_name_gets_nothing(dial: Callable[..., Any]) -> None:
    async with dial("stranger") as channel:
        assert (await ask(channel, "envoy/a", CLUSTER))[0] is grpc.StatusCode.PERMISSION_DENIED
        assert (await ask(channel, "dataplane/a", POLICY_TYPE))[0] is grpc.StatusCode.PERMISSION_DENIED


async def test_load_is_reported_by_data_planes_alone(dial: Callable[..., Any]) -> None:
    report = msgspec.msgpack.encode(LoadReport(replica="a", in_flight={}))
    async with dial("data-plane") as channel:
        assert await channel.unary_unary(LOAD)(report) == b""
    async with dial("envoy") as channel:
        with pytest.raises(grpc.aio.AioRpcError, match="load reports are for the role data plane"):
            await channel.unary_unary(LOAD)(report)


async def test_it_does_not_listen_beyond_this_machine_without_tls() -> None:
    server = XdsServer()
    with pytest.raises(PlaintextRefused, match="--tls-cert"):
        await server.start(["0.0.0.0:0"])

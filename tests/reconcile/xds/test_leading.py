"""An operator that stands by, leads, and stands by again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import msgspec
import pytest
from envoy.service.discovery.v3 import discovery_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from forebay_api.wire import LoadReport
from forebay_operator.resources import Resource, Snapshot
from forebay_operator.xds import Kind, XdsServer
from forebay_operator.xds.machine import Machine
from forebay_operator.xds.messages import Request
from forebay_operator.xds.type_urls import CLUSTER
from forebay_operator.xds.wire import SERVICE

METHOD = f"/{SERVICE}/DeltaAggregatedResources"
PATIENCE = 60.0
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def clusters(*names: str) -> Snapshot:
    return Snapshot.of([Resource(name, CLUSTER, b"1") for name in names])


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[XdsServer]:
    made = XdsServer(leading=False, on_load=lambda _: None)
    await made.start([f"unix:{tmp_path}/xds"])
    made.expect({"envoy/a": Kind.ENVOY})
    yield made
    await made.stop(0.1)


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"unix:{tmp_path}/xds") as made:
        yield made


def knock(channel: grpc.aio.Channel) -> Any:
    """A stream that has not said anything. Who is turned away at once is told so before it has: a write would race with
    that, and the client's library then puts an error of its own in place of the status."""
    return channel.stream_stream(
        METHOD,
        request_serializer=discovery_pb2.DeltaDiscoveryRequest.SerializeToString,
        response_deserializer=discovery_pb2.DeltaDiscoveryResponse.FromString,
    )()


async def dial(channel: grpc.aio.Channel, **versions: str) -> Any:
    call = knock(channel)
    await call.write(
        discovery_pb2.DeltaDiscoveryRequest(
            type_url=CLUSTER, node={"id": "envoy/a"}, initial_resource_versions=versions
        )
    )
    return call


async def health(channel: grpc.aio.Channel, service: str) -> int:
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    return int(answer.status)


@pytest.mark.parametrize("service", ["", SERVICE])
async def test_health_says_serving_only_while_it_leads(
    server: XdsServer, channel: grpc.aio.Channel, service: str, eventually: Callable[..., Awaitable[Any]]
) -> None:
    async def is_serving() -> bool:
        return await health(channel, service) == SERVING

    assert not await is_serving()
    server.lead(True)
    await eventually(is_serving)
    server.lead(False)
    server.lead(True)
    server.lead(False)

    async def stands_by() -> bool:
        return not await is_serving()

    await eventually(stands_by)
    assert not await is_serving(), "the last word counts"


async def test_over_a_directory_an_operator_always_leads(tmp_path: Path, channel: grpc.aio.Channel) -> None:
    server = XdsServer()
    await server.start([f"unix:{tmp_path}/xds"])
    assert await health(channel, SERVICE) == SERVING
    await server.stop(0.1)


async def test_a_standby_turns_streams_and_reports_away_at_once(server: XdsServer, channel: grpc.aio.Channel) -> None:
    server.publish(clusters("c"))
    call = knock(channel)
    assert await asyncio.wait_for(call.code(), PATIENCE) is grpc.StatusCode.UNAVAILABLE
    assert "standing by" in await call.details()
    report = msgspec.msgpack.encode(LoadReport(replica="a", in_flight={}))
    with pytest.raises(grpc.aio.AioRpcError, match="standing by"):
        await channel.unary_unary("/forebay.v1alpha1.Load/Report")(report)
    assert server.subscribers == {}


async def test_a_standby_that_takes_over_serves_what_was_published_before(
    server: XdsServer, channel: grpc.aio.Channel
) -> None:
    server.publish(clusters("c"))
    server.lead(True)
    call = await dial(channel)
    assert [resource.name for resource in (await call.read()).resources] == ["c"]


async def test_what_a_client_already_has_is_acknowledged_without_a_word(
    server: XdsServer, channel: grpc.aio.Channel
) -> None:
    revision = server.publish(clusters("c"))
    server.lead(True)
    call = await dial(channel, c=Resource("c", CLUSTER, b"1").version)
    assert (await server.wait(revision, PATIENCE)).complete
    call.cancel()


async def test_streams_end_when_leadership_does(server: XdsServer, channel: grpc.aio.Channel) -> None:
    server.publish(clusters("c"))
    server.lead(True)
    call = await dial(channel)
    await call.read()
    server.lead(False)
    assert await asyncio.wait_for(call.code(), PATIENCE) is grpc.StatusCode.UNAVAILABLE


async def test_a_stop_says_not_serving_before_it_closes_anything(server: XdsServer, channel: grpc.aio.Channel) -> None:
    server.lead(True)
    server.publish(clusters("c"))
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
    seen = [(await watch.read()).status]
    call = await dial(channel)
    await call.read()
    stopping = asyncio.create_task(server.stop(0.5))
    while seen[-1] != NOT_SERVING:
        seen.append((await watch.read()).status)
    await call.code()
    await stopping


async def test_a_stand_in_serves_only_who_has_nothing(tmp_path: Path, channel: grpc.aio.Channel) -> None:
    server = XdsServer(newcomers_only=True)
    await server.start([f"unix:{tmp_path}/xds"])
    server.publish(clusters("c"))
    refused = await dial(channel, c="an operator's")
    assert await refused.code() is grpc.StatusCode.UNAVAILABLE
    assert "keep the configuration" in await refused.details()
    call = await dial(channel)
    assert (await call.read()).resources[0].name == "c"
    await server.stop(0.1)


def test_after_a_change_of_leader_replicas_have_their_time_to_come_back_before_a_change_passes_them_by() -> None:
    machine = Machine(ack_deadline=5.0)
    machine.expect({"envoy/a": Kind.ENVOY, "envoy/b": Kind.ENVOY}, 0.0)
    machine.publish(clusters("c"), 0.0)
    machine.settle(100.0)
    machine.forgive(100.0)
    a = machine.connect("envoy/a", 100.5)
    machine.receive(a, Request(CLUSTER, "envoy/a", initial_versions={"c": Resource("c", CLUSTER, b"1").version}), 100.5)
    before = machine.rollout.stage
    machine.publish(clusters("c", "d"), 101.0)
    response = machine.next_response(a, 101.0)
    assert response is not None
    machine.receive(a, Request(CLUSTER, nonce=response.nonce), 101.1)
    assert machine.rollout.stage < before, "envoy/b may still be on its way"
    machine.settle(105.1)
    assert machine.rollout.stage == before, "it was given 5 s"
    assert machine.acknowledgements().missing == ("envoy/b",), "and it is named"


def test_who_leaves_and_comes_back_is_counted_as_it_stands() -> None:
    machine = Machine(ack_deadline=5.0)
    everybody = {"envoy/a": Kind.ENVOY, "envoy/b": Kind.ENVOY}
    machine.expect(everybody, 0.0)
    machine.publish(clusters("c"), 0.0)
    for node_id in everybody:
        client = machine.connect(node_id, 1.0)
        machine.receive(client, Request(CLUSTER, node_id), 1.0)
        response = machine.next_response(client, 1.0)
        assert response is not None
        machine.receive(client, Request(CLUSTER, nonce=response.nonce), 1.0)
    assert machine.acknowledgements().complete
    machine.expect({"envoy/a": Kind.ENVOY}, 2.0)
    assert (machine.acknowledgements().expected, machine.acknowledgements().complete) == (1, True)
    machine.expect(everybody, 3.0)
    assert machine.acknowledgements().complete, "it is still connected and still has everything"
    machine.expect({**everybody, "envoy/new": Kind.ENVOY}, 4.0)
    assert machine.acknowledgements().missing == ("envoy/new",), "named at once, before it connects"
    machine.expect(everybody, 4.1)
    assert machine.acknowledgements().complete

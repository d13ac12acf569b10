"""The server's sockets: addresses, streams, bounds, watchers, stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from envoy.service.discovery.v3 import discovery_pb2

from forebay_operator.resources import Resource, Snapshot
from forebay_operator.xds import Kind, XdsServer
from forebay_operator.xds.type_urls import CLUSTER

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
PATIENCE = 60.0


def clusters(*names: str, version: str = "1") -> Snapshot:
    return Snapshot.of([Resource(name, CLUSTER, version.encode()) for name in names])


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[XdsServer]:
    made = XdsServer(linger=0.1, ack_deadline=0.3, max_clients=3)
    await made.start([f"unix:{tmp_path}/xds"])
    yield made
    await made.stop(0.1)


@pytest.fixture
async def dial(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """``await dial("envoy/a")``: an open stream that has asked for clusters; without a node id one that is silent."""
    channel = grpc.aio.insecure_channel(f"unix:{tmp_path}/xds")
    stream = channel.stream_stream(
        METHOD,
        request_serializer=discovery_pb2.DeltaDiscoveryRequest.SerializeToString,
        response_deserializer=discovery_pb2.DeltaDiscoveryResponse.FromString,
    )

    async def start(node_id: str | None = None) -> Any:
        call = stream()
        if node_id is not None:
            await call.write(discovery_pb2.DeltaDiscoveryRequest(type_url=CLUSTER, node={"id": node_id}))
        return call

    yield start
    await channel.close()


async def acknowledge(call: Any, response: Any) -> None:
    await call.write(discovery_pb2.DeltaDiscoveryRequest(type_url=CLUSTER, response_nonce=response.nonce))


async def test_it_listens_on_several_addresses_and_says_which_port_it_took(tmp_path: Path) -> None:
    server = XdsServer()
    unix, tcp = await server.start([f"unix:{tmp_path}/xds", "127.0.0.1:0"])
    assert unix == f"unix:{tmp_path}/xds"
    assert int(tcp.removeprefix("127.0.0.1:")) > 0
    await server.stop(0)


async def test_an_address_that_is_taken_is_an_error_that_names_it(tmp_path: Path) -> None:
    first, second = XdsServer(), XdsServer()
    [taken] = await first.start(["127.0.0.1:0"])
    with pytest.raises(OSError, match=taken):
        await second.start([taken])
    await first.stop(0)


async def test_a_socket_in_a_directory_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=f"there is no directory {tmp_path}/run: make it"):
        await XdsServer().start([f"unix:{tmp_path}/run/xds"])


async def test_a_resource_travels_whole_with_its_content_hash_and_can_be_waited_for(
    server: XdsServer, dial: Callable[..., Any]
) -> None:
    server.expect({"envoy/a": Kind.ENVOY})
    revision = server.publish(clusters("c"))
    call = await dial("envoy/a")
    response = await call.read()
    [resource] = response.resources
    assert (resource.name, resource.resource.type_url, resource.resource.value) == ("c", CLUSTER, b"1")
    assert resource.version == Resource("c", CLUSTER, b"1").version
    assert not server.acknowledgements(revision).complete
    await acknowledge(call, response)
    assert (await server.wait(revision, PATIENCE)).complete


async def test_waiting_ends_at_its_deadline_and_says_who_is_missing(server: XdsServer) -> None:
    server.expect({"envoy/a": Kind.ENVOY})
    found = await server.wait(server.publish(clusters("c")), 0.05)
    assert found.missing == ("envoy/a",)


async def test_watchers_hear_of_every_change_until_the_server_stops(
    server: XdsServer, dial: Callable[..., Any]
) -> None:
    server.expect({"envoy/a": Kind.ENVOY})
    server.publish(clusters("c"))
    watch = aiter(server.watch())
    assert (await anext(watch)).acknowledged == 0
    call = await dial("envoy/a")
    await acknowledge(call, await call.read())
    assert (await asyncio.wait_for(anext(watch), PATIENCE)).acknowledged == 1
    waiting = asyncio.ensure_future(anext(watch, None))
    await server.stop(0.1)
    assert await asyncio.wait_for(waiting, PATIENCE) is None


async def test_time_alone_lets_go_of_what_lingers(server: XdsServer, dial: Callable[..., Any]) -> None:
    call = await dial("envoy/a")
    server.publish(clusters("a", "b"))
    await acknowledge(call, await call.read())
    server.publish(clusters("a"))
    response = await asyncio.wait_for(call.read(), PATIENCE)
    assert list(response.removed_resources) == ["b"]


async def test_a_stream_without_a_node_id_is_told_what_to_set(server: XdsServer, dial: Callable[..., Any]) -> None:
    call = await dial("")
    assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "node.id" in await call.details()


async def test_an_older_stream_of_the_same_node_is_ended(server: XdsServer, dial: Callable[..., Any]) -> None:
    server.publish(clusters("c"))
    old = await dial("envoy/a")
    await old.read()
    new = await dial("envoy/a")
    assert (await new.read()).resources[0].name == "c"
    assert await old.code() is grpc.StatusCode.ABORTED
    assert server.subscribers == {"envoy/a": Kind.ENVOY}


async def test_one_client_too_many_is_turned_away_and_a_place_that_is_free_is_given(
    server: XdsServer, dial: Callable[..., Any], eventually: Callable[..., Awaitable[Any]]
) -> None:
    server.publish(clusters("c"))
    calls = [await dial(f"envoy/{number}") for number in range(3)]
    for call in calls:
        await call.read()
    refused = await dial()  # a write would race with the refusal, and hide its status
    assert await asyncio.wait_for(refused.code(), PATIENCE) is grpc.StatusCode.UNAVAILABLE
    calls[0].cancel()
    await eventually(lambda: len(server.subscribers) == 2)
    assert (await (await dial("envoy/late")).read()).resources


async def test_a_client_that_breaks_off_during_a_send_leaves_nothing_behind(
    server: XdsServer, dial: Callable[..., Any], eventually: Callable[..., Awaitable[Any]]
) -> None:
    server.publish(Snapshot.of([Resource(str(number), CLUSTER, bytes(1 << 20)) for number in range(8)]))
    call = await dial("envoy/a")
    await eventually(lambda: server.subscribers)
    call.cancel()
    await eventually(lambda: not server.subscribers)
    again = await dial("envoy/a")
    assert (await again.read()).resources


async def test_stopping_ends_streams_cleanly(server: XdsServer, dial: Callable[..., Any]) -> None:
    server.publish(clusters("c"))
    call = await dial("envoy/a")
    await call.read()
    await server.stop(5)
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


async def test_a_resource_too_large_to_send_is_an_error_and_what_was_published_stays(
    server: XdsServer, dial: Callable[..., Any]
) -> None:
    server.publish(clusters("c"))
    with pytest.raises(ValueError, match="Cluster huge has 16777216 bytes"):
        server.publish(Snapshot.of([Resource("huge", CLUSTER, bytes(16 << 20))]))
    call = await dial("envoy/a")
    assert [resource.name for resource in (await call.read()).resources] == ["c"]

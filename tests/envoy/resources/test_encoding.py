"""The encoder's bytes are those of the library that defines the messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay_api.local import Jwks, Jwt, JwtProvider, Listener, ListenerTls
from forebay_operator.envoy.clusters import data_plane_cluster, pool_cluster
from forebay_operator.envoy.encoding import encoded
from forebay_operator.envoy.inputs import DataPlane
from forebay_operator.envoy.listeners import public_listener
from forebay_operator.envoy.messages import struct
from forebay_operator.envoy.picker import picker_cluster, picker_listener, picker_routes
from forebay_operator.envoy.proto import core, endpoint, protobuf, route, types
from forebay_operator.envoy.rooms import composite_cluster, room_cluster, room_listener, room_routes

from ..builders import pool

EXTERNAL = pool(backend={"external": {"hostname": "api.example.com"}})
OBJECTIVE = pool(backend={"inferencePool": {"name": "x", "objective": "batch"}})
MADE = {
    "a listener": public_listener(Listener()),
    "a listener with TLS and a log": public_listener(
        Listener(tls=ListenerTls(cert_file="/c", key_file="/k"), access_log="-")
    ),
    "a listener with tokens": public_listener(
        Listener(jwt=Jwt(providers=[JwtProvider(name="p", issuer="i", audiences=["a"], jwks=Jwks(inline="{}"))]))
    ),
    "a listener without need of tokens": public_listener(
        Listener(
            jwt=Jwt(required=False, providers=[JwtProvider(name="p", issuer="i", audiences=["a"], jwks=Jwks(file="f"))])
        )
    ),
    "a pool": pool_cluster("ai/a", pool(1), credential=True, trust_ca=None),
    "a bought pool": pool_cluster("ai/a", EXTERNAL, credential=False, trust_ca="/ca"),
    "a picked pool": pool_cluster("ai/a", OBJECTIVE, credential=False, trust_ca=None, picked=True),
    "the data plane": data_plane_cluster(DataPlane(("unix:/x", "127.0.0.1:1"))),
    "a chain": composite_cluster("chain/x", ("room/ai/a", "room/ai/b")),
    "a room's cluster": room_cluster("ai/a"),
    "a room": room_listener("ai/a"),
    "a room's routes": room_routes("ai/a", pool(1), secret_missing=False, picker=None),
    "a room's refusal": room_routes("ai/a", pool(1), secret_missing=True, picker="FailOpen"),
    "a picker's cluster": picker_cluster("ai/a", encrypted=True),
    "a picker's listener": picker_listener("ai/a"),
    "a picker's routes": picker_routes("ai/a", OBJECTIVE),
    "an empty message": core.Node(),
    "an empty list member": endpoint.ClusterLoadAssignment(endpoints=[endpoint.LocalityLbEndpoints()]),
    "a struct": struct({"a": [1.5, -2, True, None, "é"], "b": {"c": ""}}),
    "zero in a oneof": route.RouteMatch(prefix=""),
    "no time": protobuf.Duration(),
}


@pytest.mark.parametrize("message", MADE.values(), ids=MADE)
def test_a_message_is_encoded_as_its_library_does(message: Any) -> None:
    assert encoded(message) == bytes(message)


@settings(deadline=None)
@given(
    start=st.integers(-(2**63), 2**63 - 1),
    percent=st.floats(allow_nan=False),
    text=st.text(),
    port=st.integers(0, 2**32 - 1),
    weight=st.none() | st.integers(0, 2**32 - 1),
    seconds=st.timedeltas(timedelta(0), timedelta(days=10_000)),
    status=st.sampled_from(list(core.HealthStatus)),
)
def test_any_value_is_encoded_as_its_library_does(
    start: int, percent: float, text: str, port: int, weight: int | None, seconds: timedelta, status: Any
) -> None:
    address = core.Address(socket_address=core.SocketAddress(address=text, port_value=port))
    messages = (
        types.Int64Range(start=start, end=-start if start != -(2**63) else 0),
        types.Percent(value=percent),
        route.RouteAction(cluster=text, timeout=seconds),
        endpoint.LbEndpoint(
            endpoint=endpoint.Endpoint(address=address, hostname=text),
            health_status=status,
            load_balancing_weight=weight,
        ),
        route.RetryPolicy(retriable_status_codes=[port, 0, 503], retry_on=text),
        core.Metadata(filter_metadata={text: struct({text: percent}), "": struct({})}),
        core.DataSource(inline_bytes=text.encode()),
    )
    for message in messages:
        assert encoded(message) == bytes(message)

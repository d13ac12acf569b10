"""What Envoy's jwt_authn leaves in metadata, as the data plane reads it: plain, bounded, and never a reason to fail."""

from __future__ import annotations

from typing import Any

import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from hypothesis import given
from hypothesis import strategies as st
from streams import headers

from forebay_decision.names import JWT_NAMESPACE
from forebay_extproc.events import HeadersEvent
from forebay_extproc.wire.processing import parse_request, read_event
from forebay_extproc.wire.token import MAX_BYTES, MAX_DEPTH, MAX_PROVIDERS

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def read(payload: dict[str, Any], namespace: str = JWT_NAMESPACE) -> Any:
    message = headers()
    message.metadata_context.filter_metadata[namespace].update(payload)
    event = read_event(parse_request(message.SerializeToString()))
    assert isinstance(event, HeadersEvent)
    return event.head.verified


def nested(depth: int) -> Any:
    return "x" if depth == 0 else [nested(depth - 1)]


def test_claims_are_plain_values_by_provider() -> None:
    claims = {"sub": "ada", "n": 7, "ok": True, "no": None, "roles": ["a", "b"], "realm": {"roles": ["c"]}}
    assert read({"corp": claims, "other": {}}) == {"corp": {**claims, "n": 7.0}, "other": {}}


def test_without_metadata_there_is_no_token() -> None:
    event = read_event(headers())
    assert isinstance(event, HeadersEvent)
    assert event.head.verified == {}


@pytest.mark.parametrize("namespace", ["forebay", "envoy.filters.http.jwt_authn.x", "envoy.filters.http.lua"])
def test_other_namespaces_say_nothing(namespace: str) -> None:
    assert read({"corp": {"plan": "gold"}}, namespace) == {}


def test_what_is_no_object_is_no_token() -> None:
    assert read({"corp": "gold", "status": 5, "list": [{"plan": "gold"}]}) == {}


def test_claims_out_of_bounds_are_a_token_that_nobody_can_read() -> None:
    assert read({"corp": {"pad": "x" * MAX_BYTES}, "other": {"plan": "gold"}}) == {
        "corp": None,
        "other": {"plan": "gold"},
    }
    assert read({"corp": {"deep": nested(MAX_DEPTH - 1)}})["corp"] is not None
    assert read({"corp": {"deep": nested(MAX_DEPTH)}})["corp"] is None
    assert len(read({f"p{index:02}": {} for index in range(MAX_PROVIDERS + 4)})) == MAX_PROVIDERS


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=6))
def test_no_payload_makes_it_fail(payload: dict[str, Any]) -> None:
    found = read({"corp": payload})
    assert found["corp"] == payload


def test_a_body_message_with_metadata_is_a_body() -> None:
    message = ext_proc.ProcessingRequest(request_body=ext_proc.HttpBody(body=b"{}", end_of_stream=True))
    message.metadata_context.filter_metadata[JWT_NAMESPACE].update({"corp": {"plan": "gold"}})
    assert not isinstance(read_event(message), HeadersEvent)

"""Protobuf in, events out; replies in, protobuf out."""

from __future__ import annotations

import pytest
from envoy.config.core.v3 import base_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from hypothesis import given
from hypothesis import strategies as st
from streams import headers, headers_event, said, set_headers

from forebay_api.wire import Origin
from forebay_extproc.events import BodyEvent, Continue, HeadersEvent, Immediate, Mutate, UnknownEvent
from forebay_extproc.wire import processing
from forebay_extproc.wire.processing import host_of, parse_request, read_event, write_reply


def of(*pairs: tuple[str, bytes]) -> HeadersEvent:
    listed = [base_pb2.HeaderValue(key=key, raw_value=value) for key, value in pairs]
    event = read_event(
        ext_proc.ProcessingRequest(request_headers=ext_proc.HttpHeaders(headers=base_pb2.HeaderMap(headers=listed)))
    )
    assert isinstance(event, HeadersEvent)
    return event


def test_a_header_is_read_from_value_as_from_raw_value() -> None:
    message = headers()
    message.request_headers.headers.headers.add(key="X-Old", value="plain")
    event = read_event(message)
    assert isinstance(event, HeadersEvent)
    assert event.head.headers["x-old"] == "plain"


def test_lines_of_one_header_are_joined_with_commas() -> None:
    assert of(("x-tag", b"a"), ("x-tag", b"b")).head.headers["x-tag"] == "a, b"


def test_cookie_lines_are_joined_with_semicolons() -> None:
    assert of(("cookie", b"a=1"), ("cookie", b"b=2")).head.headers["cookie"] == "a=1; b=2"


def test_bytes_that_are_no_utf8_leave_the_rest_readable() -> None:
    event = of((":path", b"/v1/models"), ("x-odd", b"caf\xe9"))
    assert (event.head.path, event.head.headers["x-odd"]) == ("/v1/models", "caf\ufffd")


def test_the_query_is_no_part_of_the_path() -> None:
    assert headers_event("/v1/models?limit=2").head.path == "/v1/models"


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("API.Example.com:8443", "api.example.com"),
        ("api.example.com", "api.example.com"),
        ("[::1]:10080", "[::1]"),
        ("user@host:1", "host"),
        ("", ""),
    ],
)
def test_a_host_has_no_port_and_no_capitals(authority: str, host: str) -> None:
    assert host_of(authority) == host


@pytest.mark.parametrize(("text", "length"), [("12", 12), ("-1", None), ("x", None), ("", None), ("9" * 40, None)])
def test_a_content_length_that_is_no_number_counts_as_not_given(text: str, length: int | None) -> None:
    assert headers_event(content_length=text).content_length == length


def test_a_processing_mode_that_cannot_route_is_named_with_its_fix() -> None:
    assert "STREAMED" in headers_event(mode=1).mode_error
    assert "BUFFERED" in headers_event(mode=1).mode_error


def test_an_empty_message_is_unknown() -> None:
    assert isinstance(read_event(ext_proc.ProcessingRequest()), UnknownEvent)


def test_the_route_that_a_request_met_first_is_envoys_word_alone() -> None:
    message = headers()
    message.request_headers.headers.headers.add(key="xds.route_name", raw_value=b"httproute/ai/forged")
    message.request_headers.headers.headers.add(key="forebay-gateway", raw_value=b"a token")
    event = read_event(message)
    assert isinstance(event, HeadersEvent)
    assert event.head.origin == Origin(""), "without attributes there is no origin, whatever headers say"

    fields = message.attributes["envoy.filters.http.ext_proc"].fields
    fields["xds.route_name"].string_value = "httproute/ai/llm/rule/0/match/0/*"
    event = read_event(message)

    assert isinstance(event, HeadersEvent)
    assert event.head.origin == Origin("httproute/ai/llm/rule/0/match/0/*", "a token")


@given(st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=16)), max_size=6))
def test_no_headers_make_reading_fail(pairs: list[tuple[str, bytes]]) -> None:
    assert isinstance(of(*pairs), HeadersEvent)


@given(st.binary(max_size=64))
def test_a_body_arrives_byte_for_byte(data: bytes) -> None:
    message = ext_proc.ProcessingRequest(request_body=ext_proc.HttpBody(body=data, end_of_stream=True))
    assert read_event(parse_request(message.SerializeToString())) == BodyEvent(data, True)


def test_a_mutation_overwrites_headers_and_clears_the_route() -> None:
    reply = ext_proc.ProcessingResponse.FromString(
        write_reply(Mutate("request_body", (("x-forebay-cluster", "pool/a"),), ("x-forebay-old",)))
    )
    common = reply.request_body.response
    assert set_headers(common.header_mutation) == {"x-forebay-cluster": "pool/a"}
    assert list(common.header_mutation.remove_headers) == ["x-forebay-old"]
    assert common.header_mutation.set_headers[0].append_action == base_pb2.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    assert common.clear_route_cache
    assert not common.HasField("body_mutation")


def test_a_changed_body_comes_with_its_length() -> None:
    written = write_reply(Mutate("request_body", (("x-forebay-cluster", "c"),), body=b"12345"))
    common = ext_proc.ProcessingResponse.FromString(written).request_body.response
    assert set_headers(common.header_mutation)["content-length"] == "5"
    assert common.body_mutation.body == b"12345"


def test_ids_of_answers_do_not_fill_the_cache_of_headers() -> None:
    write_reply(Immediate(403, (("x-forebay-decision-id", "first"), ("x-forebay-rule", "no")), b""))
    before = len(processing._HEADERS)
    for number in range(5000):
        write_reply(Immediate(403, (("x-forebay-decision-id", f"{number:020x}"), ("x-forebay-rule", "no")), b""))
    assert len(processing._HEADERS) == before
    write_reply(Mutate("request_body", (("x-forebay-cluster", "pool/seldom"),)))
    assert ("x-forebay-cluster", "pool/seldom") in processing._HEADERS


def test_a_bodyless_request_is_mutated_at_its_headers() -> None:
    reply = ext_proc.ProcessingResponse.FromString(
        write_reply(Mutate("request_headers", (("x-forebay-cluster", "c"),)))
    )
    assert reply.request_headers.response.clear_route_cache


def test_metadata_stands_in_the_decisions_namespace() -> None:
    written = write_reply(Mutate("request_body", (("x-forebay-cluster", "c"),), metadata={"rule": "r", "pool": "p"}))
    assert said(ext_proc.ProcessingResponse.FromString(written)) == {"rule": "r", "pool": "p"}


def test_an_immediate_answer_has_no_details_so_that_it_is_told_from_envoys_errors() -> None:
    reply = ext_proc.ProcessingResponse.FromString(
        write_reply(Immediate(418, (("content-type", "text/plain"),), b"short and stout", {"rule": "tea"}))
    )
    answer = reply.immediate_response
    assert (answer.status.code, answer.body, answer.details) == (418, b"short and stout", "")
    assert set_headers(answer.headers) == {"content-type": "text/plain"}
    assert said(reply) == {"rule": "tea"}


@pytest.mark.parametrize("phase", ["request_headers", "request_body", "response_headers", "response_trailers"])
def test_continue_answers_the_message_it_was_asked_for(phase: str) -> None:
    reply = ext_proc.ProcessingResponse.FromString(write_reply(Continue(phase)))  # type: ignore[arg-type]
    assert reply.WhichOneof("response") == phase

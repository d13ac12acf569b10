"""What was decided, as Envoy is told it."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from streams import POLICY, a_config, a_policy, chat, headers_event

from forebay_decision.errors import BadRequest
from forebay_decision.request import RequestHead
from forebay_decision.route import Answer, Forward, Surroundings, refuse, route
from forebay_decision.work import run_inline
from forebay_extproc.mutation import LONGEST_VALUE, error_code, forward, immediate, metadata_of, tenant_hash

AROUND = Surroundings(
    id="d1", replica="r0", clock=lambda: 0.0, deadline=1.0, states={}, in_flight=lambda _: 0, random=random.Random(0)
)


def decided(body: bytes = chat("a secret wish"), **policy: object) -> Forward | Answer:
    config = a_config({POLICY: a_policy(**policy)})
    return run_inline(route(config.policies[POLICY], headers_event().head, body, AROUND))


def forwarded() -> Forward:
    outcome = decided()
    assert isinstance(outcome, Forward)
    return outcome


def test_a_forwarded_request_names_its_cluster_and_carries_the_new_body() -> None:
    body = chat("a secret wish")
    reply = forward(forwarded(), headers_event().head, body, "request_body", replica="r0", tenant="")
    assert dict(reply.set_headers)["x-forebay-cluster"] == "pool/ai/small"
    assert reply.body == body.replace(b'"auto"', b'"up/qwen"')


def test_the_metadata_says_all_that_an_outcome_needs_and_nothing_of_the_prompt() -> None:
    metadata = metadata_of(forwarded().record, replica="r0", tenant=tenant_hash("clinic"))
    assert metadata["decision-id"] == "d1"
    assert {"policy", "revision", "rule", "strategy", "pool", "model", "reason", "replica", "tenant"} <= set(metadata)
    assert "secret" not in str(metadata)
    assert "clinic" not in str(metadata)


@given(st.text())
def test_metadata_values_are_printable_and_bounded(reason: str) -> None:
    record = msgspec.structs.replace(forwarded().record, reason=reason)
    value = metadata_of(record, replica="r0").get("reason", "")
    assert len(value) <= LONGEST_VALUE
    assert not value or (value.isascii() and value.isprintable())


def test_headers_of_ours_that_came_with_the_request_are_removed() -> None:
    head = RequestHead("POST", "h", "/", {"x-forebay-hops": "|evil=x@|", "x-forebay-cluster": "evil", "accept": "*/*"})
    reply = forward(forwarded(), head, chat("a secret wish"), "request_body", replica="r0", tenant="")
    assert reply.remove_headers == ("x-forebay-hops",)
    assert dict(reply.set_headers)["x-forebay-cluster"] == "pool/ai/small"


def test_a_rejection_explains_itself_in_headers_and_metadata() -> None:
    rules = [{"name": "closed", "when": "true", "reject": {"message": "We are closed."}}]
    outcome = decided(rules=rules)
    assert isinstance(outcome, Answer)
    reply = immediate(outcome, "POST", replica="r0")
    assert reply.status == 403
    assert dict(reply.headers)["x-forebay-rule"] == "closed"
    assert dict(reply.headers)["content-type"] == "application/json"
    assert reply.metadata["decision-id"] == "d1"
    assert b"We are closed." in reply.body


def test_an_answer_to_head_has_no_body() -> None:
    assert immediate(refuse(BadRequest("no", code="x")), "HEAD").body == b""


def test_the_code_of_an_error_is_read_from_its_object() -> None:
    assert error_code(refuse(BadRequest("no", code="invalid_json"))) == "invalid_json"


def test_an_answer_that_is_no_error_object_has_no_code() -> None:
    assert error_code(Answer(None, 500, (), b"oops")) == ""


def test_a_tenants_hash_is_the_same_everywhere() -> None:
    assert tenant_hash("clinic") == "".join(tenant_hash("clinic"))
    assert tenant_hash("clinic") != tenant_hash("other")
    assert tenant_hash("") == ""

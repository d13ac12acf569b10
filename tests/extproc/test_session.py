"""The stream's state machine, in every order of messages."""

from __future__ import annotations

import json

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from streams import POLICY, a_config, a_placed_policy, a_policy, came_by, chat, headers, headers_event

from forebay_decision.compiled import CompiledConfig
from forebay_extproc.events import (
    BodyEvent,
    Continue,
    EndEvent,
    Event,
    HeadersEvent,
    Immediate,
    Mutate,
    ResponseEvent,
    TrailersEvent,
    UnknownEvent,
)
from forebay_extproc.session import Close, Decide, Fail, Say, Session, State, Step, Wait
from forebay_extproc.wire.processing import read_event

CONFIG = a_config({POLICY: a_policy(attach={"hostnames": ["localhost"]}, maxRequestBytes="1Ki")})
BODY = BodyEvent(chat(), True)
FINAL = Mutate("request_body", (("x-forebay-cluster", "pool/ai/small"),))


def a_session(*events: Event) -> Session:
    session = Session(CONFIG)
    for event in events:
        session.on(event)
    return session


def refused(step: Step) -> tuple[int, str]:
    assert isinstance(step, Say)
    assert step.last
    assert isinstance(step.reply, Immediate)
    return step.reply.status, json.loads(step.reply.body)["error"]["code"]


def test_headers_are_answered_at_once() -> None:
    step = Session(CONFIG).on(headers_event())
    assert step == Say(Continue("request_headers"), last=False)


def test_a_body_after_its_headers_is_decided() -> None:
    step = a_session(headers_event()).on(BODY)
    assert isinstance(step, Decide)
    assert (step.policy.name, step.phase, step.body) == (POLICY, "request_body", BODY.body)


def test_a_body_that_trailers_follow_is_whole_all_the_same() -> None:
    assert isinstance(a_session(headers_event()).on(BodyEvent(chat(), False)), Decide)


def test_a_request_without_a_body_is_decided_at_its_headers() -> None:
    step = Session(CONFIG).on(headers_event("/v1/models", "GET", end=True))
    assert isinstance(step, Decide)
    assert (step.phase, step.body) == ("request_headers", b"")


def test_the_final_reply_ends_the_stream() -> None:
    session = a_session(headers_event(), BODY)
    assert session.settle(FINAL) == Say(FINAL, last=True)
    assert session.on(EndEvent()) == Close()


def test_without_a_policy_the_answer_is_404() -> None:
    assert refused(Session(CONFIG).on(headers_event(host="elsewhere"))) == (404, "no_policy")


def by_gateway(*rules: int) -> CompiledConfig:
    return a_config({POLICY: a_placed_policy(*rules)})


def by_rule(rule: int, **more: str) -> HeadersEvent:
    event = read_event(came_by(rule, headers(**more)))
    assert isinstance(event, HeadersEvent)
    return event


def test_what_comes_by_a_rule_that_nobody_has_told_of_waits_for_the_next_configuration() -> None:
    session = Session(by_gateway(0))

    assert session.on(by_rule(1)) == Wait()
    assert session.renew(by_gateway(0)) == Wait()
    assert session.renew(by_gateway(0, 1)) == Say(Continue("request_headers"), last=False)
    assert isinstance(session.on(BODY), Decide)


def test_what_waits_is_404_when_nobody_tells_in_time() -> None:
    session = Session(by_gateway(0))
    session.on(by_rule(1))

    assert refused(session.give_up()) == (404, "no_policy")
    assert session.on(EndEvent()) == Close()
    with pytest.raises(RuntimeError):
        session.renew(by_gateway(1))


def test_what_a_client_may_have_chosen_waits_for_nothing() -> None:
    assert refused(Session(by_gateway(0)).on(by_rule(1, x_forebay_cluster="pool/ai/big"))) == (404, "no_policy")


def test_a_body_over_the_limit_is_413() -> None:
    assert refused(a_session(headers_event()).on(BodyEvent(b"x" * 1025, True))) == (413, "request_too_large")


def test_a_body_announced_over_the_limit_is_413_before_it_is_sent() -> None:
    assert refused(Session(CONFIG).on(headers_event(content_length="1025"))) == (413, "request_too_large")


def test_a_body_of_exactly_the_limit_is_decided() -> None:
    assert isinstance(a_session(headers_event()).on(BodyEvent(b"x" * 1024, True)), Decide)


def test_trailers_where_a_body_should_be_are_400() -> None:
    assert refused(a_session(headers_event()).on(TrailersEvent())) == (400, "invalid_json")


IDENTIFYING = a_config(
    {
        POLICY: a_policy(
            identity={"tenant": {"header": "x-tenant"}, "user": {"jwt": {"claim": "sub"}}},
            signals=[
                {"name": "role", "claims": {"jwt": {"claim": "role"}, "any": ["admin"]}},
                {"name": "plan", "claims": {"header": "x-plan", "any": ["gold"]}},
            ],
        )
    }
)
DUPLICATE = "duplicate_identity_header"


@pytest.mark.parametrize(("name", "code"), [("x-tenant", DUPLICATE), ("x-plan", DUPLICATE), ("x-tag", "")])
def test_a_header_that_says_who_is_asking_must_come_once(name: str, code: str) -> None:
    message = headers()
    for value in ("clinic", "x"):
        message.request_headers.headers.headers.add(key=name.title(), raw_value=value.encode())
    step = Session(IDENTIFYING).on(read_event(message))
    if not code:
        assert step == Say(Continue("request_headers"), last=False)
        return
    assert refused(step) == (400, code)
    assert isinstance(step, Say)
    assert isinstance(step.reply, Immediate)
    assert name in json.loads(step.reply.body)["error"]["message"]


def test_a_header_that_says_who_is_asking_may_come_once() -> None:
    step = Session(IDENTIFYING).on(headers_event(x_tenant="clinic"))
    assert step == Say(Continue("request_headers"), last=False)


def test_a_refusal_of_head_has_no_body() -> None:
    step = Session(CONFIG).on(headers_event("/v1/models", "HEAD", end=True, host="elsewhere"))
    assert isinstance(step, Say)
    assert isinstance(step.reply, Immediate)
    assert (step.reply.status, step.reply.body) == (404, b"")


@pytest.mark.parametrize(
    ("before", "event"),
    [
        ((), BODY),
        ((), TrailersEvent()),
        ((), EndEvent()),
        ((), UnknownEvent()),
        ((headers_event(),), headers_event()),
        ((headers_event(),), EndEvent()),
        ((headers_event(), BODY), BODY),
        ((headers_event(), BODY), EndEvent()),
        ((), headers_event(mode=4)),
    ],
)
def test_what_comes_out_of_turn_ends_the_stream_with_an_error(before: tuple[Event, ...], event: Event) -> None:
    assert isinstance(a_session(*before).on(event), Fail)


def test_messages_of_the_response_side_are_waved_through() -> None:
    assert a_session(headers_event()).on(ResponseEvent("response_headers")) == Say(
        Continue("response_headers"), last=False
    )


def test_nothing_is_settled_that_was_not_asked() -> None:
    with pytest.raises(RuntimeError, match="nothing to settle"):
        a_session(headers_event()).settle(FINAL)


EVENTS = st.sampled_from(
    [
        headers_event(),
        headers_event(end=True),
        headers_event(host="elsewhere"),
        headers_event(content_length="5000"),
        headers_event(mode=1),
        BODY,
        BodyEvent(b"", True),
        BodyEvent(b"{", False),
        BodyEvent(b"x" * 2000, True),
        TrailersEvent(),
        ResponseEvent("response_headers"),
        ResponseEvent("response_body"),
        ResponseEvent("response_trailers"),
        UnknownEvent(),
        EndEvent(),
    ]
)


class AnyOrder(RuleBasedStateMachine):
    """Envoy says anything, in any order, until the stream is over."""

    @initialize()
    def open(self) -> None:
        self.session = Session(CONFIG)
        self.finals = 0
        self.over = False
        self.deciding = False

    @precondition(lambda self: not self.over)
    @rule(event=EVENTS)
    def hear(self, event: Event) -> None:
        step = self.session.on(event)
        if isinstance(step, Say):
            self.said(step)
            assert step.last or isinstance(step.reply, Continue)
        elif isinstance(step, Decide):
            assert not self.deciding
            assert len(step.body) <= step.policy.max_request_bytes
            self.deciding = True
        else:
            self.over = True
            # A clean end before the final reply would let the request pass undecided.
            assert isinstance(step, Fail) or self.finals == 1

    @precondition(lambda self: self.over)
    @rule()
    def open_the_next(self) -> None:
        self.open()

    @precondition(lambda self: self.deciding and not self.over and not self.finals)
    @rule()
    def settle(self) -> None:
        self.said(self.session.settle(FINAL))

    def said(self, step: Say) -> None:
        assert not self.finals
        self.finals += step.last

    @invariant()
    def done_means_replied(self) -> None:
        if hasattr(self, "session"):
            assert (self.session.state is State.DONE) == (self.finals == 1)


AnyOrder.TestCase.settings = settings(max_examples=200, stateful_step_count=8, deadline=None)
TestAnyOrder = AnyOrder.TestCase

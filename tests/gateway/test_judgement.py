"""When Envoy Gateway's word makes a policy Programmed, and when it does not (yet)."""

from __future__ import annotations

from typing import Any

import msgspec

from forebay_operator.cluster.gateway.applier import body
from forebay_operator.gateway.envoy_gateway.adapter import EnvoyGateway
from forebay_operator.gateway.implementation import Generated, Judgement, Plan, Wanted
from forebay_operator.gateway.objects import (
    AncestorStatus,
    GatewayStatus,
    ListenerStatus,
    ParentRef,
    ParentStatus,
    Said,
    Standing,
    Stored,
)

from .builders import OURS, a_gateway, a_policy, a_route, meta, route_target
from .test_routes import of, plan, wanted

GENERATION = 3


def said(type_: str, status: str = "True", generation: int = GENERATION) -> Said:
    return Said(type=type_, status=status, reason="Why", message="because", observed_generation=generation)


WELL = said("Accepted")
PROGRAMMED = said("Programmed")


def a_listener(programmed: Said | None) -> ListenerStatus:
    return ListenerStatus(name="http", conditions=() if programmed is None else (programmed,))


def a_world(programmed: Said | None = PROGRAMMED) -> tuple[Any, ...]:
    gateway = msgspec.structs.replace(
        a_gateway(),
        metadata=meta("web", generation=GENERATION),
        status=GatewayStatus(listeners=(a_listener(programmed),)),
    )
    return gateway, a_route()


def a_stored(made: Generated, word: Said | None, **spec: Any) -> Stored:
    words = () if word is None else (word,)
    status = {
        "httproutes": Standing(
            parents=(ParentStatus(parent_ref=ParentRef(name="web"), controller_name=OURS, conditions=words),)
        ),
        "backends": Standing(conditions=words),
    }.get(made.plural, Standing(ancestors=(AncestorStatus(controller_name=OURS, conditions=words),)))
    own = meta(
        made.name,
        made.namespace,
        labels=made.labels,
        annotations=body(made)["metadata"]["annotations"],
        generation=GENERATION,
    )
    return Stored(metadata=own, spec={**made.spec, **spec}, status=status if words else Standing())


def judged(plural: str = "", word: Said | None = WELL, programmed: Said | None = PROGRAMMED, **spec: Any) -> Judgement:
    """Of a policy all of whose objects are accepted, but for those of `plural`: of them `word` is said, and `spec` differs."""
    policy = a_policy("p", route_target())
    made = plan(*a_world(programmed), p=policy)
    kinds: dict[str, dict[str, Stored]] = {}
    for entry in made.objects:
        odd = entry.plural == plural
        stored = a_stored(entry, word if odd else WELL, **(spec if odd else {}))
        kinds.setdefault(entry.plural, {})[entry.key] = stored
    need = wanted(*a_world(programmed), p=policy)
    grants = {grant.key: grant for grant in of(made, "referencegrants")}
    facts = msgspec.structs.replace(need.facts, routes={**need.facts.routes, **kinds.pop("httproutes")}, kinds=kinds)
    rest = Plan(tuple(entry for entry in made.objects if entry.key not in grants))
    return EnvoyGateway().judge("ai/p", rest, with_facts(need, facts))


def with_facts(need: Wanted, facts: Any) -> Wanted:
    return msgspec.structs.replace(need, facts=facts)


def test_all_that_is_written_and_accepted_is_well() -> None:
    assert judged() == Judgement()


def test_what_the_gateway_has_said_of_a_former_generation_does_not_count() -> None:
    for plural in ("httproutes", "envoyextensionpolicies", "clienttrafficpolicies"):
        (told,) = judged(plural, said("Accepted", generation=GENERATION - 1)).waiting
        assert told.endswith("is not accepted yet")


def test_a_refusal_of_a_former_generation_is_none() -> None:
    assert judged("httproutes", said("Accepted", "False", GENERATION - 1)).refused == ()


def test_a_refusal_is_told_in_the_gateways_words() -> None:
    (told,) = judged("envoyextensionpolicies", said("Accepted", "False")).refused

    assert told.endswith("Accepted: Why: because")


def test_an_object_that_is_not_as_it_should_be_is_not_written_yet_whatever_is_said_of_it() -> None:
    (told,) = judged("httproutes", hostnames=["other"], rules=[]).waiting

    assert told.endswith("is not written yet")


def test_a_kind_without_status_has_to_be_there_all_the_same() -> None:
    (told,) = judged("httproutefilters", None, directResponse={}).waiting

    assert told.startswith("HTTPRouteFilter ")
    assert told.endswith("is not written yet")


def test_a_listener_that_is_not_programmed_is_waited_for() -> None:
    (told,) = judged(programmed=said("Programmed", "False")).waiting
    assert told == "listener http of Gateway ai/web is not programmed: Why: because"

    (told,) = judged(programmed=None).waiting
    assert told == "listener http of Gateway ai/web is not programmed yet"


def test_a_listener_that_was_programmed_before_an_edit_is_waited_for() -> None:
    (told,) = judged(programmed=said("Programmed", generation=GENERATION - 1)).waiting

    assert told == "listener http of Gateway ai/web is not programmed yet"

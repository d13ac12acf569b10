"""Claims of verified tokens: what a policy may name, what it reads, and what nobody can tell."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from builders import a_policy, a_pool, chat, compiled, decide, head, seen
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.policy import IdentitySource
from forebay_api.signal import Claims, TokenClaim
from forebay_decision.record import SignalRecord
from forebay_decision.signals.claims import ClaimsDetector
from forebay_decision.token import Claimed, Verified, claimed, identity
from forebay_decision.work import Skipped

POOLS = {"default/small": a_pool()}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def of(claim: str, verified: Verified, provider: str | None = None) -> Claimed:
    return claimed(verified, TokenClaim(claim=claim, provider=provider))


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("gold", ("gold",)),
        ("two words, one text", ("two words, one text",)),
        (7.0, ("7",)),
        (-0.5, ("-0.5",)),
        (True, ("true",)),
        (False, ("false",)),
        (None, ()),
        ([], ()),
        (["a", 1.0, True, None], ("a", "1", "true")),
        ("", ("",)),
    ],
)
def test_a_claim_is_read_as_json_writes_it(value: object, texts: tuple[str, ...]) -> None:
    assert of("x", {"corp": {"x": value}}) == Claimed(texts)


@pytest.mark.parametrize("value", [{"a": 1.0}, [["a"]], ["a", {}], 1e300, float("nan"), float("inf"), 2.0**53 + 2])
def test_what_no_text_can_stand_for_is_unknown(value: object) -> None:
    assert of("x", {"corp": {"x": value}}).unknown


def test_only_scopes_are_split() -> None:
    claims = {"scope": "read  batch", "nested": {"scp": "a b"}, "name": "read batch"}
    assert of("scope", {"corp": claims}).texts == ("read", "batch")
    assert of("nested.scp", {"corp": claims}).texts == ("a", "b")
    assert of("name", {"corp": claims}).texts == ("read batch",)


def test_a_whole_name_goes_before_a_path() -> None:
    claims = {"https://example.com/roles": "a", "a.b": "whole", "a": {"b": "path", "c": {"d": "deep"}}}
    assert of("https://example.com/roles", {"corp": claims}).texts == ("a",)
    assert of("a.b", {"corp": claims}).texts == ("whole",)
    assert of("a.c.d", {"corp": claims}).texts == ("deep",)
    assert of("a.c.d.e", {"corp": claims}) == of("..", {"corp": claims}) == Claimed()


def test_without_a_token_of_the_provider_nothing_is_known() -> None:
    assert of("x", {}).unknown == of("x", {"other": {"x": "a"}}, "corp").unknown == "no verified token"
    assert of("x", {"corp": {}}) == Claimed()
    assert of("x", {"corp": None}).unknown
    assert of("x", {"other": {"x": "b"}, "corp": {"x": "a"}}, "other").texts == ("b",)


@given(
    st.dictionaries(st.text(max_size=8), st.none() | st.dictionaries(st.text(max_size=8), JSON)), st.text(min_size=1)
)
def test_no_claims_make_it_fail(verified: dict[str, Any], name: str) -> None:
    names = {name, *(claim for claims in verified.values() if claims for claim in claims)}
    for claim in names:
        told = of(claim, verified)
        assert all(isinstance(text, str) for text in told.texts)
        assert isinstance(identity(IdentitySource(jwt=TokenClaim(claim=claim)), {}, verified), str)
        view = seen("hello")
        view.verified = verified
        spec = Claims(jwt=TokenClaim(claim=claim), any=["gold"])
        assert isinstance(ClaimsDetector("c", spec).detect(view), SignalRecord | Skipped)


def test_an_identity_is_one_text() -> None:
    source = IdentitySource(jwt=TokenClaim(claim="org", provider="corp"))
    assert identity(source, {"org": "forged"}, {"corp": {"org": "acme"}}) == "acme"
    assert identity(source, {}, {"corp": {"org": 7.0}}) == "7"
    for verified in ({}, {"corp": None}, {"corp": {}}, {"corp": {"org": ["a", "b"]}}, {"other": {"org": "acme"}}):
        assert identity(source, {"org": "forged"}, verified) == ""
    assert identity(IdentitySource(header="x-org"), {"x-org": "acme"}, {}) == "acme"
    assert identity(None, {"x-org": "acme"}, {}) == ""


def test_rules_ask_for_claims_and_say_what_no_token_means() -> None:
    policy = compiled(
        a_policy(
            identity={"user": {"jwt": {"claim": "sub"}}},
            signals=[{"name": "plan", "claims": {"jwt": {"claim": "plan"}, "any": ["gold"]}}],
            rules=[
                {"name": "ada", "when": 'user == "ada"', "use": "all"},
                {"name": "not-gold", "when": "!signals.plan.matched", "onUnknown": "Skip", "reject": {"message": "no"}},
                {"name": "nobody", "when": "signals.plan.unknown", "use": "all"},
            ],
        ),
        POOLS,
    )

    def rule(verified: Verified) -> str:
        asked = msgspec.structs.replace(head(), verified=verified)
        record = decide(policy, chat("hi"), head=asked).record
        assert record is not None
        return record.rule

    assert rule({"corp": {"sub": "ada"}}) == "ada"
    assert rule({"corp": {"plan": "gold"}}) == "default"
    assert rule({"corp": {"plan": "silver"}}) == "not-gold"
    assert rule({}) == "nobody"

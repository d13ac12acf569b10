"""Compliance: whatever the request, the rules, the state and the clock, nothing outside `constrain` ever serves."""

from __future__ import annotations

from typing import Any

from builders import a_model, a_policy, a_pool, a_state, chat, compiled, decide, direct, head
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay_decision.check import check_policy
from forebay_decision.dialects.openai.view import read
from forebay_decision.errors import DecisionError
from forebay_decision.native import decided_natively, native_models
from forebay_decision.route import Forward
from forebay_decision.select.demand import Demand, unmet

BOUNDARIES = ["Edge", "Private", "Public"]
REGIONS = ["eu", "us"]
REGIMES = ["HIPAA", "GDPR"]
CAPABILITIES = ["Tools", "JSONSchema", "Vision", "Reasoning"]
NAMES = ["a", "b", "c", "d"]
SIGNALS = [
    {"name": "word", "keyword": {"any": ["magic"]}},
    {"name": "mail", "regex": {"pattern": "[a-z]+@[a-z]+", "scope": "Conversation"}},
]
CONDITIONS = [
    "true",
    "false",
    "signals.word.matched",
    "signals.mail.matched",
    "!signals.mail.matched",
    "signals.word.matched || request.stream",
    "signals.mail.matched && request.promptTokens > 20",
    'pools["a"].saturated',
    "1 / request.maxTokens > 0",
]

constrains = st.fixed_dictionaries(
    {},
    optional={
        "boundary": st.sampled_from(BOUNDARIES),
        "regions": st.lists(st.sampled_from(REGIONS), min_size=1, unique=True),
        "compliance": st.lists(st.sampled_from(REGIMES), min_size=1, unique=True),
        "capabilities": st.lists(st.sampled_from(CAPABILITIES), min_size=1, max_size=2, unique=True),
    },
).filter(bool)
placements = st.fixed_dictionaries(
    {"boundary": st.sampled_from(BOUNDARIES)},
    optional={"region": st.sampled_from(REGIONS), "compliance": st.lists(st.sampled_from(REGIMES), unique=True)},
)
models = st.lists(
    st.builds(
        lambda name, caps, up: a_model(name, capabilities=caps, **({"upstreamName": up} if up else {})),
        st.sampled_from(["m1", "m2", "m3"]),
        st.lists(st.sampled_from(CAPABILITIES), unique=True),
        st.sampled_from([None, "up/x"]),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda model: model["name"],
)
pools = st.fixed_dictionaries(
    {f"default/{name}": st.builds(lambda p, m: a_pool(*m, placement=p), placements, models) for name in NAMES}
)
states = st.dictionaries(
    st.sampled_from([f"default/{name}" for name in NAMES]),
    st.fixed_dictionaries({"ready": st.integers(0, 2), "saturated": st.booleans(), "stale": st.booleans()}),
)


@st.composite
def rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for index in range(draw(st.integers(0, 4))):
        rule: dict[str, Any] = {"name": f"r{index}", "when": draw(st.sampled_from(CONDITIONS))}
        if draw(st.booleans()):
            rule["constrain"] = draw(constrains)
        else:
            rule["use"] = draw(st.sampled_from(["one", "two"]))
            rule["onUnknown"] = draw(st.sampled_from(["Skip", "Match"]))
        made.append(rule)
    return made


@st.composite
def policies(draw: st.DrawFn) -> Any:
    def some() -> list[str]:
        return draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))

    algorithm = draw(st.sampled_from(["RoundRobin", "LeastBusy"]))
    fallback = [{"name": name} for name in some()]
    return a_policy(
        strategies=[
            direct(
                "a", *[n for n in some() if n != "a"], name="one", select={"algorithm": algorithm}, fallback=fallback
            ),
            direct(*some(), name="two"),
        ],
        default={"use": "one"},
        signals=SIGNALS,
        rules=draw(rules()),
    )


bodies = st.builds(
    lambda text, model, extra: chat(text, model, **extra),
    st.sampled_from(["hello", "magic", "me@home", "magic me@home " * 10]),
    st.sampled_from(["auto", "m1", "m2", "m3", "nobody"]),
    st.sampled_from([{}, {"stream": True}, {"max_tokens": 5}, {"tools": [{"type": "function", "function": {"name": "f"}}]}]),
)  # fmt: skip


def demanded(spec: Any, body: bytes, constrained: dict[str, Any]) -> Demand:
    """What the record says was demanded, to be compared with what the rules must have demanded at least."""
    return Demand(
        constrained.get("boundary"),
        frozenset(constrained["regions"]) if "regions" in constrained else None,
        frozenset(constrained.get("compliance", ())),
        frozenset(constrained.get("capabilities", ())),
    )


def certainly(spec: Any, body: bytes, expired: bool) -> Demand:
    """The demand of the constrain rules whose conditions, by plain reading, are not false."""
    text = body.decode()
    demand = Demand()
    for rule in spec.rules:
        if rule.constrain is None:
            continue
        holds = {
            "true": True,
            "false": False,
            "signals.word.matched": expired or "magic" in text,
            "signals.mail.matched": expired or "@" in text,
            "!signals.mail.matched": expired or "@" not in text,
            "1 / request.maxTokens > 0": '"max_tokens":1' in text or "max_tokens" not in text,
        }.get(rule.when)
        if holds:
            demand = demand.narrowed(rule.constrain)
    return demand


@settings(max_examples=400, deadline=None)
@given(policies(), pools, states, bodies, st.booleans())
def test_no_choice_and_no_fallback_is_ever_outside_the_constraints(
    spec: Any, pools: dict[str, Any], states: dict[str, Any], body: bytes, expired: bool
) -> None:
    policy = compiled(spec, pools)
    known = {name: a_state(name, **fields) for name, fields in states.items()}
    clock = {"clock": lambda: 2.0, "deadline": 1.0} if expired else {}
    routed = decide(policy, body, states=known, **clock)
    if not isinstance(routed, Forward):
        return
    record = routed.record
    for demand in (demanded(spec, body, record.constraints), certainly(spec, body, expired)):
        for hop in [(record.pool, record.model), *((f.pool, f.model) for f in record.fallbacks)]:
            model = next(m for m in pools[hop[0]].models if m.name == hop[1])
            assert unmet(demand, pools[hop[0]], model) == ""
    assert all(f"|{f.pool}=" in routed.hops for f in record.fallbacks)
    assert routed.hops.count("@") == (1 + len(record.fallbacks) if record.fallbacks else 0)


@settings(max_examples=400, deadline=None)
@given(policies(), pools, bodies)
def test_what_envoy_decides_alone_the_data_plane_would_decide_too(
    spec: Any, pools: dict[str, Any], body: bytes
) -> None:
    natives = native_models("default/p", spec, pools, shadowed=False, saturated=frozenset())
    try:
        native = decided_natively(natives, "ChatCompletions", read("ChatCompletions", body))
    except DecisionError:
        return
    if native is None:
        return
    routed = decide(compiled(spec, pools), body)
    assert isinstance(routed, Forward)
    assert (routed.record.pool, routed.record.model) == (native.pool, native.model)
    assert routed.edits == ()
    assert routed.hops == ""


@settings(max_examples=300, deadline=None)
@given(policies(), pools, st.sampled_from(NAMES), st.sampled_from(["m1", "m2", "m3"]))
def test_a_fail_open_that_the_checks_accept_satisfies_every_constrain_rule(
    spec: Any, pools: dict[str, Any], pool: str, model: str
) -> None:
    import msgspec

    from forebay_api.policy import FailOpen

    spec = msgspec.structs.replace(spec, fail_open=FailOpen(pool=pool, model=model))
    if any(finding.path.startswith("spec.failOpen") for finding in check_policy("default/p", spec, pools)):
        return
    entry = next(m for m in pools[f"default/{pool}"].models if m.name == model)
    for rule in spec.rules:
        if rule.constrain is not None:
            assert unmet(Demand().narrowed(rule.constrain), pools[f"default/{pool}"], entry) == ""


def test_capabilities_that_a_request_needs_are_never_missing() -> None:
    pools = {"default/small": a_pool(a_model("plain")), "default/big": a_pool(a_model("able", capabilities=["Tools"]))}
    policy = compiled(a_policy(strategies=[direct("small", "big")]), pools)
    body = chat(tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}])
    for _ in range(10):
        assert decide(policy, body, head=head()).record.pool == "default/big"

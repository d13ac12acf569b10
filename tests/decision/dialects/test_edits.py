"""A decision written into a body: what is changed parses to exactly the change, everything else keeps its bytes."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.model import Endpoint, Model, Reasoning, ReasoningLevel
from forebay_api.policy import Limits
from forebay_decision.dialects.openai.edits import edits_for, level_fault, rebase, splice
from forebay_decision.dialects.openai.members import scan
from forebay_decision.dialects.openai.view import read

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
EXTRA_KEYS = st.one_of(st.sampled_from(["metadata", "user", "seed", "models", "Model"]), TEXT.map("x-".__add__))
NESTED = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXT),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["model", "max_tokens", "reasoning_effort", "reasoning", "a"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
LIMITS: dict[Endpoint, tuple[str, ...]] = {
    "ChatCompletions": ("max_completion_tokens", "max_tokens"),
    "Completions": ("max_tokens",),
    "Responses": ("max_output_tokens",),
    "Embeddings": (),
}
INPUTS: dict[Endpoint, dict[str, Any]] = {
    "ChatCompletions": {"messages": [{"role": "user", "content": 'say "model": "auto"', "model": "nested"}]},
    "Completions": {"prompt": 'x {"model":"auto"}'},
    "Responses": {"input": '{"model":"auto"}'},
    "Embeddings": {"input": ['{"model":"auto"}']},
}
ENDPOINTS = st.sampled_from(list(INPUTS))
TOKENS = st.integers(1, 300)
OBJECTS = st.none() | st.dictionaries(st.sampled_from(["effort", "summary", "enable_thinking", "a b", "model"]), NESTED)


@st.composite
def asked(draw: st.DrawFn, endpoint: Endpoint) -> dict[str, Any]:
    members = {"model": draw(st.sampled_from(["auto", "upstream/ö", "m"])), **INPUTS[endpoint]}
    members |= draw(st.dictionaries(EXTRA_KEYS, NESTED, max_size=3))
    optional = {key: st.none() | TOKENS | TOKENS.map(float) for key in LIMITS[endpoint]}
    if endpoint != "Embeddings":
        optional |= {"chat_template_kwargs": OBJECTS, "thinking_token_budget": st.none() | st.integers(-1, 300)}
        optional |= {"reasoning": OBJECTS} if endpoint == "Responses" else {"reasoning_effort": st.just("low")}
    members |= draw(st.fixed_dictionaries({}, optional=optional))
    return {key: members[key] for key in draw(st.permutations(list(members)))}


@st.composite
def reasonings(draw: st.DrawFn) -> Reasoning:
    value, parameter = draw(
        st.sampled_from(
            [
                ("high", "ReasoningEffort"),
                ({"enable_thinking": True, "a b": {"c": "é"}}, "ChatTemplateKwargs"),
                (200, "ThinkingBudget"),
            ]
        )
    )
    return Reasoning(parameter=parameter, levels={"High": value})


MODELS = st.builds(
    Model,
    name=st.just("m"),
    upstream_name=st.sampled_from([None, "upstream/ö", 'q"\\']),
    max_output_tokens=st.none() | TOKENS,
    reasoning=st.none() | reasonings(),
)
CAPS = st.builds(Limits, reasoning_tokens=st.none() | TOKENS, output_tokens=st.none() | TOKENS)
LEVELS: st.SearchStrategy[ReasoningLevel | None] = st.sampled_from([None, "High", "Low"])


def written(value: Any, random: Random) -> str:
    """JSON with random whitespace and escapes."""

    def gap() -> str:
        return random.choice(["", "", " ", "\n\t"])

    if isinstance(value, dict):
        inner = ",".join(
            f"{gap()}{written(k, random)}{gap()}:{gap()}{written(v, random)}{gap()}" for k, v in value.items()
        )
        return "{" + (inner or gap()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(gap() + written(v, random) + gap() for v in value) + "]"
    if isinstance(value, str):
        return '"' + "".join(
            f"\\u{ord(c):04x}" if random.random() < 0.1 and ord(c) < 0x10000 else json.dumps(c, ensure_ascii=False)[1:-1]
            for c in value
        ) + '"'  # fmt: skip
    return json.dumps(value)


def expected(
    members: dict[str, Any], endpoint: Endpoint, model: Model, level: ReasoningLevel | None, limits: Limits
) -> dict[str, Any]:
    """The same change made on parsed JSON, as the contract words it."""
    after = dict(members) | {"model": model.upstream_name or model.name}
    if endpoint == "Embeddings":
        return after
    caps = [cap for cap in (limits.output_tokens, model.max_output_tokens) if cap is not None]
    sent = [key for key in LIMITS[endpoint] if members.get(key) is not None]
    for key in sent:
        after[key] = min([members[key], *caps])
    if not sent and limits.output_tokens is not None:
        after[LIMITS[endpoint][0]] = min([*caps, *([16] if endpoint == "Completions" else [])])
    budget = members.get("thinking_token_budget")
    value = model.reasoning.levels.get(level) if model.reasoning and level else None
    if value is not None and model.reasoning is not None:
        if model.reasoning.parameter == "ChatTemplateKwargs":
            after["chat_template_kwargs"] = (members.get("chat_template_kwargs") or {}) | value
        elif model.reasoning.parameter == "ThinkingBudget":
            budget = value
        elif endpoint == "Responses":
            after["reasoning"] = (members.get("reasoning") or {}) | {"effort": value}
        else:
            after["reasoning_effort"] = value
    if budget is not None:
        cap = limits.reasoning_tokens
        after["thinking_token_budget"] = budget if cap is None else cap if budget < 0 else min(budget, cap)
    return after


@given(st.data(), ENDPOINTS, MODELS, LEVELS, CAPS, st.randoms(use_true_random=False))
def test_exactly_what_the_contract_says_changes_and_every_other_value_keeps_its_bytes_and_place(
    data: st.DataObject,
    endpoint: Endpoint,
    model: Model,
    level: ReasoningLevel | None,
    limits: Limits,
    random: Random,
) -> None:
    members = data.draw(asked(endpoint))
    body = written(members, random).encode()
    edits = edits_for(read(endpoint, body), endpoint, model, level, limits)
    after = splice(body, edits)
    wanted = expected(members, endpoint, model, level, limits)
    assert json.loads(after) == wanted
    before, now = scan(body), scan(after)
    assert [key for key in now if key in before] == list(before)
    for key, (_, raw) in before.items():
        if wanted[key] == members[key]:
            assert bytes(now[key][1]) == bytes(raw)
    assert sum(edit.length for edit in edits) <= sum(len(before[k][1]) for k in before if wanted[k] != members[k])


@given(st.data(), ENDPOINTS, MODELS, MODELS, LEVELS, CAPS, st.randoms(use_true_random=False))
def test_a_fallbacks_edits_count_in_the_body_of_the_first_choice(
    data: st.DataObject,
    endpoint: Endpoint,
    first: Model,
    second: Model,
    level: ReasoningLevel | None,
    limits: Limits,
    random: Random,
) -> None:
    body = written(data.draw(asked(endpoint)), random).encode()
    parsed = read(endpoint, body)
    primary = edits_for(parsed, endpoint, first, level, limits)
    other = edits_for(parsed, endpoint, second, level, limits)
    assert splice(splice(body, primary), rebase(primary, other, body)) == splice(body, other)


def spliced(body: bytes, model: Model, level: ReasoningLevel | None = None, limits: Limits | None = None) -> bytes:
    endpoint: Endpoint = "Responses" if b'"input"' in body else "ChatCompletions"
    return splice(body, edits_for(read(endpoint, body), endpoint, model, level, limits or Limits()))


CHAT = b'{ "messages" : [ {"role":"user","content":"x", "model":"auto"} ], "model" : "auto" , "x":{"model":"auto"} }'


def test_a_model_name_is_replaced_where_it_stands() -> None:
    assert spliced(CHAT, Model(name="m", upstream_name="Qwen/Q")) == CHAT.replace(
        b'"model" : "auto"', b'"model" : "Qwen/Q"'
    )


def test_a_body_that_already_says_it_all_is_not_touched() -> None:
    body = CHAT.replace(b'"model" : "auto"', b'"mod\\u0065l" : "m"')
    assert spliced(body, Model(name="m"), "High", Limits(reasoning_tokens=5)) is body


def test_an_effort_goes_into_the_reasoning_object_of_a_response_beside_its_other_members() -> None:
    model = Model(name="m", reasoning=Reasoning(parameter="ReasoningEffort", levels={"High": "xhigh"}))
    body = b'{"model":"m","input":"x","reasoning": { "summary" : "auto" , "effort" : "low" } }'
    assert spliced(body, model, "High") == body.replace(b'"low"', b'"xhigh"')
    body = b'{"model":"m","input":"x","reasoning": { "summary" : "auto" } }'
    assert spliced(body, model, "High") == body.replace(b'{ "summary"', b'{"effort":"xhigh", "summary"')
    assert spliced(b'{"model":"m","input":"x","reasoning":{ }}', model, "High").endswith(
        b'"reasoning":{"effort":"xhigh" }}'
    )


def test_template_arguments_are_merged_into_the_callers() -> None:
    levels: dict[ReasoningLevel, Any] = {"Off": {"enable_thinking": False}}
    model = Model(name="m", reasoning=Reasoning(parameter="ChatTemplateKwargs", levels=levels))
    body = b'{"model":"m","messages":[{"role":"user","content":"x"}],"chat_template_kwargs":{"date":"today"}}'
    assert json.loads(spliced(body, model, "Off"))["chat_template_kwargs"] == {
        "date": "today",
        "enable_thinking": False,
    }


def test_the_policys_level_overrides_the_callers_effort() -> None:
    model = Model(name="m", reasoning=Reasoning(parameter="ReasoningEffort", levels={"Low": "low"}))
    body = b'{"model":"m","messages":[{"role":"user","content":"x"}],"reasoning_effort":"high"}'
    assert spliced(body, model, "Low") == body.replace(b'"high"', b'"low"')
    assert spliced(body, model, "High") == body
    assert spliced(body, Model(name="m"), "Low") == body


@pytest.mark.parametrize(
    ("parameter", "value", "fault"),
    [
        ("ReasoningEffort", "high", None),
        ("ReasoningEffort", 3, "a string"),
        ("ChatTemplateKwargs", {"a": 1}, None),
        ("ChatTemplateKwargs", "a", "an object"),
        ("ThinkingBudget", 0, None),
        ("ThinkingBudget", True, "an integer"),
        ("ThinkingBudget", -1, "negative"),
        ("ThinkingBudget", "many", "an integer"),
    ],
)
def test_a_level_that_its_parameter_cannot_hold_is_named(parameter: Any, value: Any, fault: str | None) -> None:
    found = level_fault(Reasoning(parameter=parameter, levels={"High": value}), "High")
    assert found is None if fault is None else found is not None and fault in found

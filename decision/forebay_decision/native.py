"""What Envoy decides alone: the cheapest call to the data plane is the one not made.

An explicitly named model needs no body-reading processor where nothing but its name can matter: no rule may refuse
the request, every `constrain` rule is satisfied whatever its condition says, nothing in the body has to change, and
no filter could leave the pool out. What stands below the top level of the JSON is out of Envoy's sight, so a model
that such content could disqualify is left to the data plane.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from forebay_api.model import Endpoint, Model
from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.wire import PoolState
from forebay_decision.attachment import attachments
from forebay_decision.dialects.openai.tokens import IMAGE_TOKENS
from forebay_decision.request import ParsedBody
from forebay_decision.select.demand import Demand, unmet
from forebay_decision.served import policy_pools, served_models

OUTPUT_LIMIT_KEYS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "thinking_token_budget")
STORED_STATE_KEYS = ("previous_response_id", "conversation")
FORMAT_KEYS = ("response_format", "text")
WATCHED_KEYS = (*OUTPUT_LIMIT_KEYS, *STORED_STATE_KEYS, *FORMAT_KEYS)
"""All top-level members that an entry's `absent` may name."""
IMAGE_PART_BYTES = 32
"""No image part of a chat or responses body is shorter, so a body of n bytes holds at most n / 32 images."""


class NativeModel(msgspec.Struct, frozen=True):
    """One explicitly named model that Envoy may route by itself.

    It may do so for a POST to one of `endpoints` whose top-level ``model`` equals `model`, whose Content-Length is
    present and at most `max_content_length` bytes, and that has none of the top-level keys in `absent`.
    """

    model: str
    pool: str
    endpoints: tuple[Endpoint, ...]
    max_content_length: int
    absent: tuple[str, ...]


def native_models(
    name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec], *, shadowed: bool, saturated: frozenset[str]
) -> tuple[NativeModel, ...]:
    """Models of policy `name` that Envoy may route alone; `saturated` names pools that take no more work now."""
    report = native_report(name, spec, pools, shadowed=shadowed, saturated=saturated)
    return tuple(entry for entry in report.values() if isinstance(entry, NativeModel))


def native_report(
    name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec], *, shadowed: bool, saturated: frozenset[str]
) -> dict[str, NativeModel | str]:
    """For each model that the policy's pools serve: how Envoy routes it, or why the data plane has to decide."""
    own = {pool: pools[pool] for pool in policy_pools(name, spec) if pool in pools}
    whole = _policy_reason(spec, shadowed)
    return {
        model: whole or _model(spec, model, serving, own, saturated) for model, serving in served_models(own).items()
    }


def _set(parsed: ParsedBody, key: str) -> bool:
    """Whether a top-level member is there; null is nothing, to Envoy as to the dialect."""
    span = parsed.members.get(key)
    return span is not None and parsed.body[span.start : span.end] != b"null"


def saturated_pools(states: Mapping[str, PoolState]) -> frozenset[str]:
    """Pools that take no more work now; a stale state says nothing."""
    return frozenset(name for name, state in states.items() if state.saturated and not state.stale)


def shadowed_policies(policies: Mapping[str, PolicySpec]) -> frozenset[str]:
    """Enforce policies beside which a Shadow policy decides, on any of their attachments."""
    if all(spec.mode == "Enforce" for spec in policies.values()):
        return frozenset()
    places = {
        name: {(place.hostname, place.prefix) for place in attachments({name: spec.attach})}
        for name, spec in policies.items()
    }
    shadows = set().union(*(places[name] for name, spec in policies.items() if spec.mode == "Shadow"))
    return frozenset(name for name, spec in policies.items() if spec.mode == "Enforce" and places[name] & shadows)


def natives_by_policy(
    policies: Mapping[str, PolicySpec], pools: Mapping[str, PoolSpec], saturated: frozenset[str]
) -> dict[str, tuple[NativeModel, ...]]:
    """What Envoy decides alone, for each Enforce policy."""
    shadowed = shadowed_policies(policies)
    return {
        name: native_models(name, spec, pools, shadowed=name in shadowed, saturated=saturated)
        for name, spec in policies.items()
        if spec.mode == "Enforce"
    }


def decided_natively(models: Iterable[NativeModel], endpoint: Endpoint, parsed: ParsedBody) -> NativeModel | None:
    """The model by which Envoy routes this POST without asking, if it does; `parsed` is the body as sent."""
    for native in models:
        if (
            native.model == parsed.view.model
            and endpoint in native.endpoints
            and len(parsed.body) <= native.max_content_length
            and not any(_set(parsed, key) for key in native.absent)
        ):
            return native
    return None


def _policy_reason(spec: PolicySpec, shadowed: bool) -> str:
    if spec.mode == "Shadow":
        return "a Shadow policy routes nothing"
    if shadowed:
        return "a Shadow policy of the same attachment must see the request"
    if any(rule.reject for rule in spec.rules):
        return "a reject rule must see the request"
    if spec.limits.output_tokens is not None or spec.limits.reasoning_tokens is not None:
        return "limits are written into the body"
    return ""


def _model(
    spec: PolicySpec, model: str, serving: tuple[str, ...], pools: Mapping[str, PoolSpec], saturated: frozenset[str]
) -> NativeModel | str:
    if model in spec.models:
        return "it is also a virtual name of the policy"
    if len(serving) > 1:
        return "several pools serve it, and the least busy one is picked"
    pool = serving[0]
    entry = next(m for m in pools[pool].models if m.name == model)
    if entry.upstream_name not in (None, entry.name):
        return "its upstream name has to be written into the body"
    if pool in saturated:
        return "its pool is saturated"
    for rule in spec.rules:
        if rule.constrain is not None and unmet(Demand().narrowed(rule.constrain), pools[pool], entry):
            return f"constrain rule {rule.name} might leave its pool out"
    endpoints = _endpoints(entry)
    if not endpoints:
        return "tools or images in the body would disqualify it, and Envoy cannot see those"
    carries_images = bool({"ChatCompletions", "Responses"} & set(endpoints))
    per_byte = IMAGE_TOKENS // IMAGE_PART_BYTES + 1 if carries_images else 1
    return NativeModel(model, pool, endpoints, entry.context_tokens // per_byte, _absent(entry))


def _endpoints(entry: Model) -> tuple[Endpoint, ...]:
    # Envoy cannot tell a list from nothing at the top level, and sees nothing below it.
    if {"Tools", "Vision"} <= set(entry.capabilities):
        return tuple(entry.endpoints)
    return tuple(endpoint for endpoint in entry.endpoints if endpoint in ("Completions", "Embeddings"))


def _absent(entry: Model) -> tuple[str, ...]:
    keys = [*OUTPUT_LIMIT_KEYS, *STORED_STATE_KEYS]
    if "JSONSchema" not in entry.capabilities:
        keys += FORMAT_KEYS
    return tuple(keys)

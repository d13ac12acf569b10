"""A chosen model written into a body: its upstream name, the caps of the policy, and how hard it should think.

Each change replaces one value's bytes, or inserts a member after an opening brace, where nothing else is ever edited;
all other bytes stay as the caller sent them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from forebay_api.model import Endpoint, Model, Reasoning, ReasoningLevel
from forebay_api.policy import Limits
from forebay_decision.dialects.openai.members import scan
from forebay_decision.dialects.openai.splice import encode_edits, rebase, splice
from forebay_decision.dialects.openai.values import integer
from forebay_decision.dialects.openai.view import OUTPUT_LIMITS, THINKING_BUDGET
from forebay_decision.request import Edit, ParsedBody, Span

__all__ = ["edits_for", "encode_edits", "level_fault", "rebase", "splice"]

COMPLETION_DEFAULT: Final = 16
"""What /v1/completions generates where the caller sets nothing (OpenAI's reference): a cap must not raise it."""

_VALUES: Final = {"ReasoningEffort": str, "ChatTemplateKwargs": dict, "ThinkingBudget": int}


def edits_for(
    parsed: ParsedBody, endpoint: Endpoint, model: Model, reasoning: ReasoningLevel | None, limits: Limits
) -> tuple[Edit, ...]:
    """What has to change in `parsed`, which `view.read` made, for `model` to answer it; sorted by start.

    * `model` becomes the upstream name, where it differs.
    * An output limit above ``min(limits.outputTokens, model.maxOutputTokens)`` is lowered to it. Where the caller set
      none and the policy has `outputTokens`, it is set.
    * `reasoning` is written by the model's own parameter. The policy decides how hard a model thinks: its level
      replaces what the caller asked for. A model that does not state this level is left to its default.
    * A `thinking_token_budget`, the caller's or the level's, is lowered to ``limits.reasoningTokens``; a negative one
      means no bound and counts as above it.

    A level with a `level_fault` is left out: the checks have told, and a request must not fail for it.
    """
    values: dict[str, bytes] = {}
    nested: dict[str, dict[str, bytes]] = {}
    upstream = model.upstream_name or model.name
    if parsed.view.model != upstream:
        values["model"] = msgspec.json.encode(upstream)
    if endpoint != "Embeddings":
        values |= _output_limits(parsed, endpoint, model, limits)
        budget = _sent_budget(parsed)
        level = None if model.reasoning is None or reasoning is None else model.reasoning.levels.get(reasoning)
        if (
            model.reasoning is not None
            and reasoning is not None
            and level is not None
            and not level_fault(model.reasoning, reasoning)
        ):
            match model.reasoning.parameter:
                case "ReasoningEffort" if endpoint == "Responses":
                    nested["reasoning"] = {"effort": msgspec.json.encode(level)}
                case "ReasoningEffort":
                    values["reasoning_effort"] = msgspec.json.encode(level)
                case "ChatTemplateKwargs":
                    nested["chat_template_kwargs"] = {key: msgspec.json.encode(level[key]) for key in level}
                case "ThinkingBudget":
                    budget = level
        capped = _capped(budget, limits.reasoning_tokens)
        if capped is not None and capped != _sent_budget(parsed):
            values[THINKING_BUDGET] = b"%d" % capped
    edits: list[Edit] = []
    for key, members in nested.items():
        edits += _merged(parsed, key, members, values)
    edits += _written(parsed.body, 0, parsed.members, values)
    return tuple(sorted(edits, key=lambda edit: edit.start))


def level_fault(reasoning: Reasoning, level: ReasoningLevel) -> str | None:
    """What is wrong with the value of `level` for this parameter, or None."""
    value, kind = reasoning.levels[level], _VALUES[reasoning.parameter]
    if not isinstance(value, kind) or isinstance(value, bool):
        wanted = {str: "a string", dict: "an object", int: "an integer of tokens"}[kind]
        return f"{reasoning.parameter} wants {wanted}"
    if isinstance(value, int) and value < 0:
        return "a budget of tokens cannot be negative"
    return None


def _output_limits(parsed: ParsedBody, endpoint: Endpoint, model: Model, limits: Limits) -> dict[str, bytes]:
    caps = [cap for cap in (limits.output_tokens, model.max_output_tokens) if cap is not None]
    if not caps:
        return {}
    cap = min(caps)
    values: dict[str, bytes] = {}
    unset = True
    for key in OUTPUT_LIMITS[endpoint]:
        sent = _sent(parsed, key, least=0)
        if sent is not None:
            unset = False
            if sent > cap:
                values[key] = b"%d" % cap
    if unset and limits.output_tokens is not None:
        ours = min(cap, COMPLETION_DEFAULT) if endpoint == "Completions" else cap
        values[OUTPUT_LIMITS[endpoint][0]] = b"%d" % ours
    return values


def _sent(parsed: ParsedBody, key: str, *, least: int) -> int | None:
    span = parsed.members.get(key)
    return None if span is None else integer(parsed.body[span.start : span.end], key, least=least)


def _sent_budget(parsed: ParsedBody) -> int | None:
    return _sent(parsed, THINKING_BUDGET, least=-1)


def _capped(budget: int | None, cap: int | None) -> int | None:
    if budget is None or cap is None:
        return budget
    return cap if budget < 0 else min(budget, cap)


def _merged(parsed: ParsedBody, key: str, members: dict[str, bytes], values: dict[str, bytes]) -> list[Edit]:
    """Edits inside the object at `key`; where there is none, `values` gains the whole object."""
    span = parsed.members.get(key)
    inner = b"null" if span is None else parsed.body[span.start : span.end]
    if span is None or inner == b"null":
        values[key] = b"{" + _joined(members) + b"}"
        return []
    spans = {name: Span(span.start + at.start, span.start + at.end) for name, (at, _) in scan(inner, key).items()}
    return _written(parsed.body, span.start, spans, members)


def _written(body: bytes, start: int, spans: Mapping[str, Span], values: Mapping[str, bytes]) -> list[Edit]:
    """Edits that set `values` in the object that opens at or after `start` and whose members stand at `spans`."""
    edits = [
        Edit(spans[key].start, spans[key].end - spans[key].start, value)
        for key, value in values.items()
        if key in spans and body[spans[key].start : spans[key].end] != value
    ]
    absent = {key: value for key, value in values.items() if key not in spans}
    if absent:
        edits.append(Edit(body.index(b"{", start) + 1, 0, _joined(absent) + (b"," if spans else b"")))
    return edits


def _joined(members: Mapping[str, bytes]) -> bytes:
    return b",".join([msgspec.json.encode(key) + b":" + value for key, value in members.items()])

"""Inputs of completions and embeddings: a text, several, or token ids, one prompt of them or several."""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Raw

from forebay_decision.dialects.openai.content import Reading
from forebay_decision.dialects.openai.lengths import MOST_PROMPTS, MOST_TOKEN_IDS, check_length, too_long
from forebay_decision.dialects.openai.members import Members
from forebay_decision.dialects.openai.tokens import MESSAGE_TOKENS, estimate_text
from forebay_decision.dialects.openai.values import empty, missing, string, typed
from forebay_decision.errors import BadRequest
from forebay_decision.request import Turn

TokenId: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_TEXTS: msgspec.json.Decoder[str | list[str] | None] = msgspec.json.Decoder(str | list[str] | None)
_IDS: msgspec.json.Decoder[list[TokenId]] = msgspec.json.Decoder(list[TokenId])
_LISTS: msgspec.json.Decoder[list[list[TokenId]]] = msgspec.json.Decoder(list[list[TokenId]])
_FIRST: Final = re.compile(rb"\[[ \t\n\r]*+(.)")
UNREAD: Final = "token ids"
_HINT: Final = "It takes a string, a list of strings, a list of token ids, or a list of such lists."


def read_completion(members: Members) -> Reading:
    """`prompt` and `suffix`; `prompt_embeds`, which vLLM reads before the prompt, carry no text."""
    reading = _read(members, "prompt")
    if "prompt_embeds" in members and bytes(members["prompt_embeds"][1]) != b"null":
        reading = msgspec.structs.replace(reading, unread="prompt embeddings")
    suffix = string(members["suffix"][1], "suffix") if "suffix" in members else None
    if not suffix:
        return reading
    # One turn with the prompt: a rule that asks about the latest turn must see both.
    turns = (Turn("user", "\n\n".join([*(turn.text for turn in reading.turns), suffix])),)
    longest = None if reading.longest is None else reading.longest + estimate_text(suffix) + MESSAGE_TOKENS
    return msgspec.structs.replace(reading, turns=turns, longest=longest)


def read_embedding(members: Members) -> Reading:
    """`input`. Some servers (vLLM) embed `messages` where they are there, too, and leave out the input that rules have read."""
    if "messages" in members and bytes(members["messages"][1]) != b"null":
        raise BadRequest(
            "'messages' is not supported for embeddings: send 'input'.", code="unsupported_parameter", param="messages"
        )
    return _read(members, "input")


def _read(members: Members, param: str) -> Reading:
    """All texts make one turn, so that no rule overlooks one of them; token ids carry no text."""
    raw = members[param][1] if param in members else None
    kind = raw and _FIRST.match(raw)
    if raw is not None and kind:
        if kind[1] in b"-0123456789":
            return _ids(raw, param)
        check_length(raw, param, MOST_PROMPTS)
        if kind[1] == b"[":
            return _lists(raw, param)
    value = typed(_TEXTS, raw, param) if raw is not None else None
    if value is None:
        raise missing(param, _HINT)
    if isinstance(value, str):
        return Reading((Turn("user", value),))
    if not value:
        raise empty(param, _HINT)
    longest = max(map(estimate_text, value)) + MESSAGE_TOKENS
    return Reading((Turn("user", "\n\n".join(value)),), longest=longest)


def _ids(raw: Raw, param: str) -> Reading:
    _check_ids(raw, param)
    return Reading((), extra_tokens=len(typed(_IDS, raw, param)), unread=UNREAD)


def _lists(raw: Raw, param: str) -> Reading:
    _check_ids(raw, param)
    lists = typed(_LISTS, raw, param)
    if [] in lists:
        raise empty(f"{param}[{lists.index([])}]", _HINT)
    return Reading((), longest=max(map(len, lists)), unread=UNREAD)


def _check_ids(raw: Raw, param: str) -> None:
    """Refuse too many ids without reading them: among numbers a comma stands for nothing but one more."""
    if bytes(raw).count(b",") >= MOST_TOKEN_IDS:
        raise too_long(param, MOST_TOKEN_IDS, "token ids")

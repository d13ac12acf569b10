"""Inputs of completions and embeddings: a text, several, or token ids, one prompt of them or several."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from forebay_decision.dialects.openai.content import Reading
from forebay_decision.dialects.openai.members import Members
from forebay_decision.dialects.openai.tokens import MESSAGE_TOKENS, estimate_text
from forebay_decision.dialects.openai.values import empty, missing, string, typed
from forebay_decision.errors import BadRequest
from forebay_decision.request import Turn

TokenId: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_INPUT: msgspec.json.Decoder[str | list[str | TokenId | list[TokenId]] | None] = msgspec.json.Decoder(
    str | list[str | TokenId | list[TokenId]] | None
)
_HINT: Final = "It takes a string, a list of strings, a list of token ids, or a list of such lists."


def read_completion(members: Members) -> Reading:
    """`prompt` and `suffix`."""
    reading = _read(members, "prompt")
    suffix = string(members["suffix"][1], "suffix") if "suffix" in members else None
    if not suffix:
        return reading
    # One turn with the prompt: a rule that asks about the latest turn must see both.
    text = "\n\n".join([*(turn.text for turn in reading.turns), suffix])
    if reading.longest is None:
        return Reading((Turn("user", text),), extra_tokens=reading.extra_tokens)
    return Reading((Turn("user", text),), longest=reading.longest + estimate_text(suffix) + MESSAGE_TOKENS)


def read_embedding(members: Members) -> Reading:
    """`input`."""
    return _read(members, "input")


def _read(members: Members, param: str) -> Reading:
    """All texts make one turn, so that no rule overlooks one of them; token ids carry no text."""
    value = typed(_INPUT, members[param][1], param) if param in members else None
    if value is None:
        raise missing(param, _HINT)
    if isinstance(value, str):
        return Reading((Turn("user", value),))
    if not value:
        raise empty(param, _HINT)
    if len(set(map(type, value))) > 1:
        odd = next(index for index, element in enumerate(value) if type(element) is not type(value[0]))
        raise BadRequest(
            f"Invalid type for '{param}[{odd}]': the elements of '{param}' differ in type. {_HINT}",
            code="invalid_type",
            param=f"{param}[{odd}]",
        )
    texts = [element for element in value if isinstance(element, str)]
    if texts:
        longest = max(map(estimate_text, texts)) + MESSAGE_TOKENS
        return Reading((Turn("user", "\n\n".join(texts)),), longest=longest)
    lists = [element for element in value if isinstance(element, list)]
    if not lists:
        return Reading((), extra_tokens=len(value))
    if [] in lists:
        raise empty(f"{param}[{lists.index([])}]", _HINT)
    return Reading((), longest=max(map(len, lists)))

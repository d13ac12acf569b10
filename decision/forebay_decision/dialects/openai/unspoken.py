"""Text of a body that is in no turn: definitions of tools, schemas, documents, names, and members nobody here knows.

A rule about all text of a request must see what the upstream may read, not only what we understand. So every string
value is gathered but those that are known to have become part of a turn, which `_READ` says by their place. Left out
is what is no text: base64 of images, sound and files, and words that only say what kind of thing an object is.

This costs a full decoding of the body, and is asked for by few rules: nothing runs until then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from forebay_api.model import Endpoint
from forebay_decision.dialects.openai.members import Members


class _Place(msgspec.Struct, frozen=True):
    """A value: whether strings here are in a turn, directly or listed, and the same for its members by name."""

    read: bool = False
    members: Mapping[str, _Place] = {}


_UNREAD: Final = _Place()
_TEXT: Final = _Place(read=True)
_THOUGHT: Final = _Place(read=True, members={"text": _TEXT})
_CONTENT: Final = _Place(read=True, members={"text": _TEXT, "refusal": _TEXT, "thinking": _THOUGHT})
_CALLED: Final = _Place(members={"arguments": _TEXT, "input": _TEXT})
_RETURNED: Final = _Place(
    read=True, members=dict.fromkeys(("text", "refusal", "stdout", "stderr", "logs", "result"), _TEXT)
)
_MESSAGE: Final = _Place(
    members={
        "content": _CONTENT,
        "refusal": _TEXT,
        "reasoning_content": _TEXT,
        "tool_calls": _Place(members={"function": _CALLED, "custom": _CALLED}),
        "function_call": _CALLED,
    }
)
_ITEM: Final = _Place(
    read=True,
    members={"content": _CONTENT, "summary": _CONTENT}
    | dict.fromkeys(("arguments", "input", "code", "output", "outputs", "results"), _RETURNED),
)
_READ: Final[Mapping[Endpoint, Mapping[str, _Place]]] = {
    "ChatCompletions": {"messages": _MESSAGE, "prediction": _Place(members={"content": _CONTENT})},
    "Completions": {"prompt": _TEXT, "suffix": _TEXT},
    "Responses": {"instructions": _TEXT, "input": _ITEM},
    "Embeddings": {"input": _TEXT},
}
"""Where the readers of each endpoint find the text of their turns; what is read twice is merely gathered twice."""

_KINDS: Final = ("type", "role")
_KIND = re.compile(r"[a-z][a-z_]{0,31}")
_DATA_URL = re.compile(r"data:[\w.+-]{1,64}/[\w.+-]{1,128}(?:;[\w=.+-]{1,64}){0,4};base64,[A-Za-z0-9+/=_-]*+", re.ASCII)
_PAYLOADS: Final = ("data", "file_data", "image_url", "url", "encrypted_content", "result", "prompt_embeds")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{256,}+={0,2}")


def other_text(endpoint: Endpoint, members: Members) -> str:
    """The strings of `members` that are in no turn, in the order of the body, one to a line.

    Raises RecursionError where the body is nested deeper than what is left of the interpreter's stack.
    """
    read = _READ[endpoint]
    found: list[str] = []
    for key, (_, raw) in members.items():
        place = read.get(key, _UNREAD)
        if key != "model" and place is not _TEXT:
            _gather(_decoded(raw), key, place, found)
    return "\n".join(found)


def _gather(value: Any, key: str, place: _Place, found: list[str]) -> None:
    # Last in, first out, so children are put in reverse; a body may be nested deeper than calls can be.
    waiting = [(value, key, place)]
    while waiting:
        value, key, place = waiting.pop()
        if isinstance(value, str):
            if value and not place.read and not _no_text(key, value):
                found.append(value)
        elif isinstance(value, dict):
            inner = place.members
            waiting += [(child, name, inner.get(name, _UNREAD)) for name, child in reversed(value.items())]
        elif isinstance(value, list):
            # A list in a list is read by no reader.
            waiting += [(child, key, _UNREAD if isinstance(child, list) else place) for child in reversed(value)]


def _no_text(key: str, value: str) -> bool:
    if key in _KINDS:
        return _KIND.fullmatch(value) is not None
    if key not in _PAYLOADS:
        return False
    return (_DATA_URL if value.startswith("data:") else _BASE64).fullmatch(value) is not None


def _decoded(raw: msgspec.Raw) -> Any:
    """What a key that occurs twice says is listed, because servers disagree on which one counts."""
    text = bytes(raw)
    if b"{" in text:
        return _ALL.decode(text.decode())
    try:
        return msgspec.json.decode(raw)
    except msgspec.ValidationError:
        # A number beyond all bounds, which JSON allows: numbers are not asked for.
        return json.loads(text, parse_int=len, parse_float=len)


def _all(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    listed: dict[str, Any] = {}
    for key, value in pairs:
        listed.setdefault(key, []).append(value)
    return listed


_ALL: Final = json.JSONDecoder(strict=False, object_pairs_hook=_all, parse_int=len, parse_float=len)

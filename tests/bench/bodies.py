"""The request bodies: what a caller sends, of a known size, in a known number of tokens.

Every word of the filler is one token of the encoders' vocabulary, so that a text of n words is a text of n tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

KILOBYTE: Final = 1024
LARGE: Final = 200_000
AUTO: Final = "auto"
NAMED: Final = "bench-small"
"""The model that a request names when Envoy is to decide alone."""
LAST_WORD: Final = "ledger"
"""What the last of the 20 rules looks for, so that a request has to pass all the others."""
FRAME_TOKENS: Final = 2
_WORDS: Final = [
    "the",
    "quick",
    "change",
    "in",
    "the",
    "market",
    "made",
    "the",
    "board",
    "ask",
    "for",
    "a",
    "new",
    "plan",
    "that",
    "would",
    "keep",
    "the",
    "price",
    "of",
    "each",
    "part",
    "low",
    "and",
    "the",
    "work",
    "on",
    "time",
]
_ASKED: Final = f"Close the {LAST_WORD} of this month and say in one line what changed. "
_SYSTEM: Final = "You are a careful assistant of the finance team. "


def words(count: int) -> str:
    """So many words, each one token."""
    return " ".join(_WORDS[index % len(_WORDS)] for index in range(count))


def chat(user: str, *, model: str = AUTO, system: str = _SYSTEM, stream: bool = False) -> bytes:
    """A chat request of two messages."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return msgspec.json.encode({"model": model, "messages": messages} | ({"stream": True} if stream else {}))


def sized(size: int, *, model: str = AUTO, stream: bool = False) -> bytes:
    """A chat request of exactly `size` bytes; the user's turn fills it."""
    room = size - len(chat(_ASKED, model=model, stream=stream))
    return chat(_ASKED + words(room // 2 + 1)[:room], model=model, stream=stream)


def turn_of(tokens: int) -> str:
    """A user's turn that the encoders read as `tokens` tokens, their frame included."""
    return words(tokens - FRAME_TOKENS)


def of_tokens(tokens: int) -> bytes:
    """A chat request with such a turn, filled up to 1 KB by the system text where there is room."""
    turn = turn_of(tokens)
    room = max(0, KILOBYTE - len(chat(turn)))
    return chat(turn, system=_SYSTEM + words(room // 2 + 1)[:room])


def user_text(body: bytes) -> str:
    """The user's turn of a body made here."""
    text: str = msgspec.json.decode(body)["messages"][1]["content"]
    return text


BODIES: Final[Mapping[str, bytes]] = {
    "chat": sized(KILOBYTE),
    "chat-stream": sized(KILOBYTE, stream=True),
    "named": sized(KILOBYTE, model=NAMED),
    "named-stream": sized(KILOBYTE, model=NAMED, stream=True),
    "large": sized(LARGE),
    **{f"tokens-{count}": of_tokens(count) for count in (20, 100, 400)},
}

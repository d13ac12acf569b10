"""RequestHead and RequestView: what may be asked about a request, before and after its body is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from forebay_api.model import Capability, Endpoint
from forebay_api.wire import Origin
from forebay_decision.attachments import NOWHERE
from forebay_decision.token import NO_TOKEN, Verified


class RequestHead(msgspec.Struct, frozen=True):
    """The header part. `path` has no query and still carries the attachment's prefix; header names are lower case.

    `repeated` names the headers that came in more than one line; `headers` has those lines joined. `verified` is what the
    caller's token claims, where Envoy has verified one. `origin` is the route that it met first, where Envoy says that.
    """

    method: str
    host: str
    path: str
    headers: Mapping[str, str]
    repeated: frozenset[str] = frozenset()
    verified: Verified = NO_TOKEN
    origin: Origin = NOWHERE


NOT_HUMAN: Final = frozenset({"system", "developer", "assistant", "tool", "function"})
"""Roles of turns that are not the caller's own words. Chat templates print any other as it stands, and a model reads it like
a user's: so what `User` or `customer` says is looked at like what `user` says."""


class Turn(msgspec.Struct, frozen=True):
    """One message: its role and its text (parts and arguments of tool calls, joined by newlines).

    `calls` are the names of the tools that it calls; what they are called with is in the text. `failed` says that the
    body itself calls this result of a tool a failure, whatever its text says.
    """

    role: str
    text: str
    calls: tuple[str, ...] = ()
    failed: bool = False

    @property
    def human(self) -> bool:
        """Whether it is the caller's own."""
        return self.role not in NOT_HUMAN


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a body that a policy can ask about; dialects build it, rules and signals read it.

    `text` is the latest human turn with harness noise stripped, `turns[text_at]`, or empty and `text_at` is -1;
    `human_turns` gives at most so many of the human turns, stripped, the latest first. `prompt_tokens` is an upper estimate by script over
    everything the model would read; `max_tokens` is what the caller reserves for the answer, if anything;
    `needs` are the capabilities that the request cannot do without. `unread` names in a few words what the model would
    read as text and nobody here can ("token ids"), or is empty: what is asked about the text is then not known, unless
    what can be read settles it. `other_text` gathers, when it is called, the text that is in no turn.
    """

    endpoint: Endpoint
    model: str
    turns: tuple[Turn, ...]
    text: str
    system_text: str
    prompt_tokens: int
    max_tokens: int | None
    stream: bool
    tools: tuple[str, ...]
    response_format: Literal["text", "json_object", "json_schema"]
    modalities: tuple[str, ...]
    needs: frozenset[Capability]
    images: int = 0
    unread: str = ""
    text_at: int = -1
    other_text: Callable[[], str] = str
    human_turns: Callable[[int], Sequence[str]] = lambda _most: ()

    @property
    def conversation(self) -> str:
        """All text of the request: the turns, then what is in none of them, joined by blank lines.

        Decodes the whole body anew, at every call; RecursionError where it is nested too deeply for that.
        """
        other = self.other_text()
        texts = [turn.text for turn in self.turns]
        return "\n\n".join([*texts, other] if other else texts)


class Span(msgspec.Struct, frozen=True):
    """Half-open byte range of a value in a body."""

    start: int
    end: int


class Edit(msgspec.Struct, frozen=True):
    """Replace `length` bytes at `start` of a body by `text`; edits of one body never overlap and are sorted by start."""

    start: int
    length: int
    text: bytes


class ParsedBody(msgspec.Struct, frozen=True):
    """A body and where its top-level members stand; `members` maps each key to the span of its *value*."""

    body: bytes
    members: Mapping[str, Span]
    view: RequestView

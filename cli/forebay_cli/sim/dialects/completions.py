"""POST /v1/completions, the older text dialect; one choice for each prompt and each ``n``."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from forebay_cli.sim.answers import Answer, Demand, Finish, compose
from forebay_cli.sim.config import SimConfig
from forebay_cli.sim.dialects.chat import StreamOptions
from forebay_cli.sim.dialects.plan import (
    DONE_EVENT,
    ChoiceCount,
    Frame,
    TokenLimit,
    check_context,
    encode_event,
    encode_json,
    read_fields,
)
from forebay_cli.sim.errors import bad_request
from forebay_cli.sim.tokens import estimate_tokens

_MAX_CHOICES = 256


class CompletionRequest(msgspec.Struct, frozen=True):
    model: str
    prompt: str | list[Any]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: TokenLimit = None
    n: ChoiceCount = None


class CompletionPlan(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    prompt_tokens: int
    width: int
    stream: bool
    include_usage: bool
    answer: Answer
    id: str
    created: int

    @property
    def steps(self) -> int:
        return len(self.answer.pieces)

    @property
    def finish(self) -> Finish:
        return self.answer.finish

    def body(self) -> bytes:
        choices = [self._choice(index, self.answer.text, self.answer.finish) for index in range(self.width)]
        return encode_json({**self._head(), "choices": choices, "usage": self._usage()})

    def frames(self) -> Iterator[Frame]:
        last = len(self.answer.pieces) - 1
        for position, piece in enumerate(self.answer.pieces):
            finish = self.answer.finish if position == last else None
            choices = [self._choice(index, piece, finish) for index in range(self.width)]
            yield Frame(b"".join(self._event([choice], None) for choice in choices), self.width)
        usage = self._event([], self._usage()) if self.include_usage else b""
        yield Frame(usage + DONE_EVENT, 0)

    @staticmethod
    def _choice(index: int, text: str, finish: Finish | None) -> dict[str, Any]:
        return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}

    def _event(self, choices: list[dict[str, Any]], usage: dict[str, Any] | None) -> bytes:
        chunk = {**self._head(), "choices": choices}
        if self.include_usage:
            chunk["usage"] = usage
        return encode_event(chunk)

    def _head(self) -> dict[str, Any]:
        return {"id": self.id, "object": "text_completion", "created": self.created, "model": self.model}

    def _usage(self) -> dict[str, Any]:
        completion = self.steps * self.width
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
        }


def plan_completion(received: dict[str, Any], config: SimConfig) -> CompletionPlan:
    """Checks a text completion request and answers it on paper. Raises Refusal."""
    request = read_fields(received, CompletionRequest)
    width = _count_prompts(request.prompt) * (request.n or 1)
    if width > _MAX_CHOICES:
        raise bad_request(f"prompts times n make {width} choices; at most {_MAX_CHOICES} are allowed.", "prompt")
    prompt_tokens = estimate_tokens(request.prompt)
    check_context(prompt_tokens, request.max_tokens, config)
    demand = Demand(model=request.model, prompt_tokens=prompt_tokens, received=received, limit=request.max_tokens)
    options = request.stream_options
    return CompletionPlan(
        model=request.model,
        prompt_tokens=prompt_tokens,
        width=width,
        stream=bool(request.stream),
        include_usage=bool(options and options.include_usage),
        answer=compose(demand, config),
        id=f"cmpl-{secrets.token_hex(16)}",
        created=int(time.time()),
    )


def _count_prompts(prompt: str | list[Any]) -> int:
    """1 for a text or a list of token ids, else the number of texts or lists in it."""
    if isinstance(prompt, str) or (prompt and all(isinstance(item, int) for item in prompt)):
        return 1
    if not prompt or not all(isinstance(item, str | list) for item in prompt):
        raise bad_request("prompt must be a text, token ids, or a non-empty list of either.", "prompt")
    return len(prompt)

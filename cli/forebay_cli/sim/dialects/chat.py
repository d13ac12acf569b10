"""POST /v1/chat/completions."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from forebay_cli.sim.answers import Answer, Demand, Finish, compose
from forebay_cli.sim.config import SimConfig
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
from forebay_cli.sim.dialects.tools import Function, ToolChoice, choose_tool
from forebay_cli.sim.errors import bad_request
from forebay_cli.sim.tokens import estimate_tokens


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class Tool(msgspec.Struct, frozen=True):
    type: str
    function: Function | None = None


class JsonSchema(msgspec.Struct, frozen=True):
    schema: dict[str, Any] | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    type: str
    json_schema: JsonSchema | None = None


class Message(msgspec.Struct, frozen=True):
    role: str
    content: str | list[dict[str, Any]] | None = None


class ChatRequest(msgspec.Struct, frozen=True):
    """The fields that change an answer's form; everything else is only told back."""

    model: str
    messages: Annotated[list[Message], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: TokenLimit = None
    max_completion_tokens: TokenLimit = None
    n: ChoiceCount = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice = None
    response_format: ResponseFormat | None = None


class ChatPlan(msgspec.Struct, frozen=True, kw_only=True):
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
        choices = [
            {
                "index": index,
                "message": self._message(),
                "logprobs": None,
                "finish_reason": self.answer.finish,
                "stop_reason": None,
            }
            for index in range(self.width)
        ]
        head = {"id": self.id, "object": "chat.completion", "created": self.created, "model": self.model}
        return encode_json({**head, "choices": choices, "usage": self._usage()})

    def frames(self) -> Iterator[Frame]:
        last = len(self.answer.pieces) - 1
        for position, piece in enumerate(self.answer.pieces):
            events = []
            for index in range(self.width):
                if position == 0:
                    events.append(self._chunk(index, self._opening()))
                events.append(self._chunk(index, self._delta(piece)))
                if position == last:
                    events.append(self._chunk(index, {}, self.answer.finish))
            yield Frame(b"".join(events), self.width)
        usage = self._event([], self._usage()) if self.include_usage else b""
        yield Frame(usage + DONE_EVENT, 0)

    def _message(self) -> dict[str, Any]:
        call = self.answer.call
        if call is None:
            return {"role": "assistant", "content": self.answer.text, "refusal": None}
        function = {"name": call.name, "arguments": self.answer.text}
        tool_calls = [{"id": call.id, "type": "function", "function": function}]
        return {"role": "assistant", "content": None, "refusal": None, "tool_calls": tool_calls}

    def _opening(self) -> dict[str, Any]:
        call = self.answer.call
        if call is None:
            return {"role": "assistant", "content": ""}
        function = {"name": call.name, "arguments": ""}
        tool_calls = [{"index": 0, "id": call.id, "type": "function", "function": function}]
        return {"role": "assistant", "content": None, "tool_calls": tool_calls}

    def _delta(self, piece: str) -> dict[str, Any]:
        if self.answer.call is None:
            return {"content": piece}
        return {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}

    def _chunk(self, index: int, delta: dict[str, Any], finish: Finish | None = None) -> bytes:
        return self._event([{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}], None)

    def _event(self, choices: list[dict[str, Any]], usage: dict[str, Any] | None) -> bytes:
        chunk: dict[str, Any] = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }
        if self.include_usage:
            chunk["usage"] = usage
        return encode_event(chunk)

    def _usage(self) -> dict[str, Any]:
        completion = self.steps * self.width
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
        }


def plan_chat(received: dict[str, Any], config: SimConfig) -> ChatPlan:
    """Checks a chat completion request and answers it on paper. Raises Refusal."""
    request = read_fields(received, ChatRequest)
    prompt_tokens = estimate_tokens(received["messages"], received.get("tools") or "")
    limit = request.max_completion_tokens or request.max_tokens
    check_context(prompt_tokens, limit, config)
    functions = [tool.function for tool in request.tools or [] if tool.function is not None]
    schema, json_object = _read_format(request.response_format)
    demand = Demand(
        model=request.model,
        prompt_tokens=prompt_tokens,
        received=received,
        limit=limit,
        tool=choose_tool(functions, request.tool_choice),
        schema=schema,
        json_object=json_object,
    )
    options = request.stream_options
    return ChatPlan(
        model=request.model,
        prompt_tokens=prompt_tokens,
        width=request.n or 1,
        stream=bool(request.stream),
        include_usage=bool(options and options.include_usage),
        answer=compose(demand, config),
        id=f"chatcmpl-{secrets.token_hex(16)}",
        created=int(time.time()),
    )


def _read_format(wanted: ResponseFormat | None) -> tuple[dict[str, Any] | None, bool]:
    if wanted is None or wanted.type == "text":
        return None, False
    if wanted.type == "json_object":
        return None, True
    if wanted.type != "json_schema":
        raise bad_request(
            f"Unknown response_format type `{wanted.type[:64]}`: write text, json_object or json_schema.",
            "response_format.type",
        )
    if wanted.json_schema is None or wanted.json_schema.schema is None:
        raise bad_request("response_format json_schema needs `json_schema.schema`.", "response_format.json_schema")
    return wanted.json_schema.schema, False

"""POST /v1/responses, without stored state: every request carries its whole input."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from forebay_cli.sim.answers import Answer, Demand, Finish, compose
from forebay_cli.sim.config import SimConfig
from forebay_cli.sim.dialects.plan import Frame, TokenLimit, check_context, encode_json, read_fields
from forebay_cli.sim.dialects.tools import Function, ToolChoice, choose_tool
from forebay_cli.sim.errors import bad_request
from forebay_cli.sim.tokens import estimate_tokens

# Told back in the response object as they came, with OpenAI's defaults where the client was silent.
_TOLD_BACK: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


class Tool(msgspec.Struct, frozen=True):
    type: str
    name: str | None = None
    parameters: dict[str, Any] | None = None


class TextFormat(msgspec.Struct, frozen=True):
    type: str
    schema: dict[str, Any] | None = None


class TextOptions(msgspec.Struct, frozen=True):
    format: TextFormat | None = None


class ResponseRequest(msgspec.Struct, frozen=True):
    model: str
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: TokenLimit = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice = None
    text: TextOptions | None = None


class ResponsePlan(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    prompt_tokens: int
    stream: bool
    answer: Answer
    told_back: dict[str, Any]
    id: str
    item_id: str
    created: int
    width: int = 1

    @property
    def steps(self) -> int:
        return len(self.answer.pieces)

    @property
    def finish(self) -> Finish:
        return self.answer.finish

    @property
    def cut(self) -> bool:
        return self.answer.finish == "length"

    def body(self) -> bytes:
        return encode_json(self._final())

    def frames(self) -> Iterator[Frame]:
        events = _EventWriter()
        opening = events.write("response.created", response=self._object("in_progress", []))
        opening += events.write("response.in_progress", response=self._object("in_progress", []))
        opening += events.write("response.output_item.added", output_index=0, item=self._item("in_progress", ""))
        place: dict[str, Any] = {"item_id": self.item_id, "output_index": 0}
        if self.answer.call is None:
            place["content_index"] = 0
            opening += events.write("response.content_part.added", **place, part=_text_part(""))
        last = len(self.answer.pieces) - 1
        for position, piece in enumerate(self.answer.pieces):
            data = opening if position == 0 else b""
            data += self._delta(events, place, piece)
            if position == last:
                data += self._closing(events, place)
            yield Frame(data, 1)

    def _delta(self, events: _EventWriter, place: dict[str, Any], piece: str) -> bytes:
        if self.answer.call is None:
            return events.write("response.output_text.delta", **place, delta=piece, logprobs=[])
        return events.write("response.function_call_arguments.delta", **place, delta=piece)

    def _closing(self, events: _EventWriter, place: dict[str, Any]) -> bytes:
        text = self.answer.text
        if self.answer.call is None:
            data = events.write("response.output_text.done", **place, text=text, logprobs=[])
            data += events.write("response.content_part.done", **place, part=_text_part(text))
        else:
            name = self.answer.call.name
            data = events.write("response.function_call_arguments.done", **place, name=name, arguments=text)
        data += events.write("response.output_item.done", output_index=0, item=self._item(self._status, text))
        return data + events.write(f"response.{self._status}", response=self._final())

    @property
    def _status(self) -> str:
        return "incomplete" if self.cut else "completed"

    def _final(self) -> dict[str, Any]:
        output = self.steps
        usage = {
            "input_tokens": self.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.prompt_tokens + output,
        }
        return self._object(self._status, [self._item(self._status, self.answer.text)], usage)

    def _object(self, status: str, output: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> dict[str, Any]:
        return {
            **self.told_back,
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "model": self.model,
            "output": output,
            "usage": usage,
        }

    def _item(self, status: str, text: str) -> dict[str, Any]:
        call = self.answer.call
        if call is not None:
            head = {"type": "function_call", "id": self.item_id, "status": status}
            return {**head, "call_id": call.id, "name": call.name, "arguments": text}
        content = [_text_part(text)] if text else []
        return {"type": "message", "id": self.item_id, "status": status, "role": "assistant", "content": content}


class _EventWriter:
    """Typed, numbered events, as this dialect streams them; there is no closing [DONE]."""

    def __init__(self) -> None:
        self._number = 0

    def write(self, kind: str, **fields: Any) -> bytes:
        event = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + encode_json(event) + b"\n\n"


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def plan_response(received: dict[str, Any], config: SimConfig) -> ResponsePlan:
    """Checks a responses request and answers it on paper. Raises Refusal."""
    request = read_fields(received, ResponseRequest)
    prompt_tokens = estimate_tokens(request.input, request.instructions or "", received.get("tools") or "")
    check_context(prompt_tokens, request.max_output_tokens, config)
    functions = [
        Function(name=tool.name, parameters=tool.parameters)
        for tool in request.tools or []
        if tool.type == "function" and tool.name is not None
    ]
    schema, json_object = _read_format(request.text)
    demand = Demand(
        model=request.model,
        prompt_tokens=prompt_tokens,
        received=received,
        limit=request.max_output_tokens,
        tool=choose_tool(functions, request.tool_choice),
        schema=schema,
        json_object=json_object,
    )
    answer = compose(demand, config)
    kind = "msg" if answer.call is None else "fc"
    return ResponsePlan(
        model=request.model,
        prompt_tokens=prompt_tokens,
        stream=bool(request.stream),
        answer=answer,
        told_back={name: received.get(name, default) for name, default in _TOLD_BACK.items()},
        id=f"resp_{secrets.token_hex(16)}",
        item_id=f"{kind}_{secrets.token_hex(16)}",
        created=int(time.time()),
    )


def _read_format(text: TextOptions | None) -> tuple[dict[str, Any] | None, bool]:
    wanted = text.format if text is not None else None
    if wanted is None or wanted.type == "text":
        return None, False
    if wanted.type == "json_object":
        return None, True
    if wanted.type != "json_schema":
        raise bad_request(
            f"Unknown text.format type `{wanted.type[:64]}`: write text, json_object or json_schema.",
            "text.format.type",
        )
    if wanted.schema is None:
        raise bad_request("text.format json_schema needs `schema`.", "text.format.schema")
    return wanted.schema, False

"""What we say ourselves in OpenAI's words: errors, the model list, and a policy's own answer in place of a model's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

import msgspec

from forebay_api.model import Endpoint
from forebay_decision.errors import BadRequest, DecisionError
from forebay_decision.request import RequestView

JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
OWNER: Final = "forebay"

Document: TypeAlias = dict[str, Any]

_CHAT_USAGE: Final = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
_RESPONSE_USAGE: Final = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}


def error_body(error: DecisionError) -> bytes:
    """OpenAI's error object."""
    return msgspec.json.encode(
        {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}
    )


def models_list(names: Iterable[str]) -> bytes:
    """Answer to GET /v1/models."""
    return msgspec.json.encode({"object": "list", "data": [_model(name) for name in names]})


def model_object(name: str) -> bytes:
    """Answer to GET /v1/models/{name}."""
    return msgspec.json.encode(_model(name))


class Spoken(msgspec.Struct, frozen=True):
    """An answer of our own: `id` is the decision's, `created` is in seconds since the epoch."""

    model: str
    text: str
    id: str
    created: int
    max_tokens: int | None


def respond(endpoint: Endpoint, view: RequestView, text: str, id: str, created: int) -> tuple[str, bytes]:  # noqa: A002
    """Content type and body of an answer that consists of `text`, as a model at `endpoint` would have given it.

    `id` is the decision's, and the answer's id is made from it; `created` is in seconds since the epoch. A streamed
    answer comes as all its events at once. Usage is zero: no model was asked. Embeddings cannot carry text: BadRequest.
    """
    spoken = Spoken(view.model, text, id, created, view.max_tokens)
    match endpoint:
        case "ChatCompletions":
            return _data_events(_chat_chunks(spoken)) if view.stream else _whole(_chat(spoken))
        case "Completions":
            return _data_events(_completion_chunks(spoken)) if view.stream else _whole(_completion(spoken))
        case "Responses":
            return _typed_events(_response_events(spoken)) if view.stream else _whole(_response(spoken))
        case "Embeddings":
            raise BadRequest(
                "The policy answers this request with a text, which an embedding cannot carry.", code="policy_response"
            )


def _model(name: str) -> Document:
    # The contract does not know when a model was made; 0 is a valid time and no invented one.
    return {"id": name, "object": "model", "created": 0, "owned_by": OWNER}


def _whole(document: Document) -> tuple[str, bytes]:
    return JSON, msgspec.json.encode(document)


def _data_events(chunks: Iterable[Document]) -> tuple[str, bytes]:
    frames = [b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks]
    return EVENT_STREAM, b"".join([*frames, b"data: [DONE]\n\n"])


def _typed_events(events: Iterable[Document]) -> tuple[str, bytes]:
    frames = [
        f"event: {event['type']}\ndata: ".encode() + msgspec.json.encode(event | {"sequence_number": number}) + b"\n\n"
        for number, event in enumerate(events)
    ]
    return EVENT_STREAM, b"".join(frames)


def _chat(spoken: Spoken) -> Document:
    message = {"role": "assistant", "content": spoken.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return _headed("chatcmpl", "chat.completion", spoken) | {"choices": [choice], "usage": _CHAT_USAGE}


def _chat_chunks(spoken: Spoken) -> Iterator[Document]:
    head = _headed("chatcmpl", "chat.completion.chunk", spoken)
    steps: list[tuple[Document, str | None]] = [
        ({"role": "assistant", "content": ""}, None),
        ({"content": spoken.text}, None),
        ({}, "stop"),
    ]
    for delta, finish in steps:
        yield head | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}


def _completion(spoken: Spoken) -> Document:
    choice = {"index": 0, "text": spoken.text, "logprobs": None, "finish_reason": "stop"}
    return _headed("cmpl", "text_completion", spoken) | {"choices": [choice], "usage": _CHAT_USAGE}


def _completion_chunks(spoken: Spoken) -> Iterator[Document]:
    head = _headed("cmpl", "text_completion", spoken)
    for piece, finish in ((spoken.text, None), ("", "stop")):
        yield head | {"choices": [{"index": 0, "text": piece, "logprobs": None, "finish_reason": finish}]}


def _headed(prefix: str, kind: str, spoken: Spoken) -> Document:
    return {"id": f"{prefix}-{spoken.id}", "object": kind, "created": spoken.created, "model": spoken.model}


def _response(spoken: Spoken) -> Document:
    finished = {
        "status": "completed",
        "output": [_item(spoken, [_part(spoken.text)], "completed")],
        "usage": _RESPONSE_USAGE,
    }
    return _opened(spoken) | finished


def _opened(spoken: Spoken) -> Document:
    """A response before its first output; what the caller set and no model reads is left at the defaults."""
    return {
        "id": f"resp_{spoken.id}",
        "object": "response",
        "created_at": spoken.created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": spoken.max_tokens,
        "metadata": {},
        "model": spoken.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": None,
    }


def _response_events(spoken: Spoken) -> Iterator[Document]:
    opened = _opened(spoken)
    at = {"item_id": f"msg_{spoken.id}", "output_index": 0, "content_index": 0}
    yield {"type": "response.created", "response": opened}
    yield {"type": "response.in_progress", "response": opened}
    yield {"type": "response.output_item.added", "output_index": 0, "item": _item(spoken, [], "in_progress")}
    yield {"type": "response.content_part.added", **at, "part": _part("")}
    yield {"type": "response.output_text.delta", **at, "delta": spoken.text, "logprobs": []}
    yield {"type": "response.output_text.done", **at, "text": spoken.text, "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": _part(spoken.text)}
    yield {
        "type": "response.output_item.done",
        "output_index": 0,
        "item": _item(spoken, [_part(spoken.text)], "completed"),
    }
    yield {"type": "response.completed", "response": _response(spoken)}


def _item(spoken: Spoken, content: list[Document], status: str) -> Document:
    return {"id": f"msg_{spoken.id}", "type": "message", "role": "assistant", "status": status, "content": content}


def _part(text: str) -> Document:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

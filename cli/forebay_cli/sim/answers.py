"""What a simulated model says: which server answered, as which model, with which parameters it was really called."""

from __future__ import annotations

import secrets
from itertools import cycle, islice, pairwise
from typing import Any, Literal

import msgspec

from forebay_cli.sim.config import SimConfig
from forebay_cli.sim.errors import bad_request
from forebay_cli.sim.schemas import UnsupportedSchema, minimal_value

Finish = Literal["stop", "length", "tool_calls"]

# Not repeated in the answer: prompts (never echoed back) and what only concerns the transport.
_UNSPOKEN = frozenset(
    {"functions", "input", "instructions", "messages", "model", "prompt", "response_format", "stream"}
    | {"stream_options", "text", "tool_choice", "tools"}
)
_MAX_SPOKEN = 24
_MAX_VALUE_CHARS = 80
_FILLER = ("The", "rest", "of", "this", "answer", "is", "filler", "that", "gives", "it", "its", "length.")
_JSON_PIECE_CHARS = 4


class ToolUse(msgspec.Struct, frozen=True):
    """A tool that the client demands be called; ``named`` tells a named function from ``required``."""

    name: str
    parameters: Any
    named: bool


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What a generating request asks for, in no particular dialect; ``limit`` is in tokens."""

    model: str
    prompt_tokens: int
    received: dict[str, Any]
    limit: int | None = None
    tool: ToolUse | None = None
    schema: Any = None
    json_object: bool = False


class Call(msgspec.Struct, frozen=True):
    """The tool call in an answer; its arguments are the answer's text."""

    id: str
    name: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer, cut into tokens; every piece counts as one token of usage."""

    pieces: tuple[str, ...]
    finish: Finish
    call: Call | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def compose(demand: Demand, config: SimConfig) -> Answer:
    """The answer to ``demand``: the same for the same request, but for the tool call's id. Raises Refusal."""
    call = None
    finish: Finish = "stop"
    if demand.tool is not None:
        pieces = _json_pieces(_satisfy(demand.tool.parameters, "tools"))
        call = Call(id=f"call_{secrets.token_hex(12)}", name=demand.tool.name)
        # OpenAI's rule, which vLLM follows: a call that a named tool_choice forced ends with "stop".
        finish = "stop" if demand.tool.named else "tool_calls"
    elif demand.schema is not None:
        pieces = _json_pieces(_satisfy(demand.schema, "response_format"))
    elif demand.json_object:
        facts = {"server": config.name, "model": demand.model, "received": _spoken(demand.received)}
        pieces = _json_pieces(facts)
    else:
        pieces = _prose(demand, config)
    if demand.limit is not None and len(pieces) > demand.limit:
        pieces, finish = pieces[: demand.limit], "length"
    return Answer(pieces=pieces, finish=finish, call=call)


def _prose(demand: Demand, config: SimConfig) -> tuple[str, ...]:
    settings = " ".join(f"{name}={value}" for name, value in _spoken(demand.received).items())
    said = (
        f"Simulated answer from server {config.name}, model {demand.model}, "
        f"prompt of about {demand.prompt_tokens} tokens. Received: {settings or 'no parameters'}."
    )
    words = said.split(" ")
    if len(words) < config.tokens:
        words += islice(cycle(_FILLER), config.tokens - len(words))
        return (words[0], *(f" {word}" for word in words[1:]))
    # A short answer still says everything: words share tokens rather than being lost.
    count = config.tokens
    cuts = [index * len(words) // count for index in range(count + 1)]
    groups = [" ".join(words[start:end]) for start, end in pairwise(cuts)]
    return (groups[0], *(f" {group}" for group in groups[1:]))


def _spoken(received: dict[str, Any]) -> dict[str, str]:
    names = [name for name in received if name not in _UNSPOKEN][:_MAX_SPOKEN]
    values = (v if isinstance(v := received[name], str) else msgspec.json.encode(v).decode() for name in names)
    return {
        name[:_MAX_VALUE_CHARS]: value if len(value) <= _MAX_VALUE_CHARS else value[:_MAX_VALUE_CHARS] + "..."
        for name, value in zip(names, values, strict=True)
    }


def _satisfy(schema: Any, param: str) -> Any:
    try:
        return minimal_value(schema)
    except UnsupportedSchema as error:
        raise bad_request(f"Unsupported schema: {error}", param, "unsupported_schema") from error


def _json_pieces(value: Any) -> tuple[str, ...]:
    text = msgspec.json.encode(value).decode()
    return tuple(text[start : start + _JSON_PIECE_CHARS] for start in range(0, len(text), _JSON_PIECE_CHARS))

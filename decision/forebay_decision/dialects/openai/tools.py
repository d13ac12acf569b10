"""Tools and answer formats: what a request needs the model to be able to do beside reading text."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Raw

from forebay_api.model import Endpoint
from forebay_decision.dialects.openai.lengths import check_length
from forebay_decision.dialects.openai.members import Members
from forebay_decision.dialects.openai.tokens import estimate_text
from forebay_decision.dialects.openai.values import missing, typed

ResponseFormat: TypeAlias = Literal["text", "json_object", "json_schema"]


class Named(msgspec.Struct, frozen=True):
    name: str


class Tool(msgspec.Struct, frozen=True):
    """A tool of chat completions (`function` or `custom` inside) or of responses (flat; built-in ones have no name)."""

    type: str = "function"
    name: str | None = None
    function: Named | None = None
    custom: Named | None = None


class Format(msgspec.Struct, frozen=True):
    type: str = "text"


class TextOptions(msgspec.Struct, frozen=True):
    format: Format | None = None


class Offered(msgspec.Struct, frozen=True):
    """The tools' names, whether the model may call any, and an upper estimate of what their definitions cost."""

    names: tuple[str, ...] = ()
    callable: bool = False
    tokens: int = 0


class AnswerFormat(msgspec.Struct, frozen=True):
    """The shape of the answer, and an upper estimate of what its schema costs."""

    kind: ResponseFormat = "text"
    tokens: int = 0


_TOOLS: msgspec.json.Decoder[list[Tool] | None] = msgspec.json.Decoder(list[Tool] | None)
_FUNCTIONS: msgspec.json.Decoder[list[Named] | None] = msgspec.json.Decoder(list[Named] | None)
_FORMAT: msgspec.json.Decoder[Format | None] = msgspec.json.Decoder(Format | None)
_TEXT: msgspec.json.Decoder[TextOptions | None] = msgspec.json.Decoder(TextOptions | None)
_CHOICE: msgspec.json.Decoder[str | dict[str, Raw] | None] = msgspec.json.Decoder(str | dict[str, Raw] | None)
_NESTED: Final = ("function", "custom")
_NOTHING: Final = Offered()
_ANY_TEXT: Final = AnswerFormat()


def read_tools(members: Members) -> Offered:
    """`tools` and `tool_choice`, and the older `functions` and `function_call`."""
    if "tools" not in members and "functions" not in members:
        return _NOTHING
    names: list[str] = []
    tokens = 0
    offered = False
    if "tools" in members:
        raw = members["tools"][1]
        check_length(raw, "tools")
        tools = typed(_TOOLS, raw, "tools")
        if tools:
            names += [_name(tool, f"tools[{index}]") for index, tool in enumerate(tools)]
            tokens += _cost(raw)
            offered = not _none_chosen(members, "tool_choice")
    if "functions" in members:
        raw = members["functions"][1]
        check_length(raw, "functions")
        functions = typed(_FUNCTIONS, raw, "functions")
        if functions:
            names += [function.name for function in functions]
            tokens += _cost(raw)
            offered = offered or not _none_chosen(members, "function_call")
    return Offered(tuple(names), offered, tokens)


def read_format(endpoint: Endpoint, members: Members) -> AnswerFormat:
    """`response_format`, or `text.format` of responses; each endpoint reads its own and no other.

    Types that only some servers know (grammars and the like) count as text: what they need is theirs to say.
    """
    member = "text" if endpoint == "Responses" else "response_format"
    if member not in members:
        return _ANY_TEXT
    raw = members[member][1]
    if endpoint == "Responses":
        options = typed(_TEXT, raw, member)
        wanted = options.format if options else None
    else:
        wanted = typed(_FORMAT, raw, member)
    if wanted is None or wanted.type not in ("json_object", "json_schema"):
        return _ANY_TEXT
    return AnswerFormat("json_schema", _cost(raw)) if wanted.type == "json_schema" else AnswerFormat("json_object")


def _name(tool: Tool, param: str) -> str:
    named = tool.function or tool.custom
    if named is not None:
        return named.name
    if tool.name is None and tool.type in _NESTED:
        raise missing(f"{param}.{tool.type}", "A tool of this type needs a name.")
    return tool.name or tool.type


def _none_chosen(members: Members, param: str) -> bool:
    return param in members and typed(_CHOICE, members[param][1], param) == "none"


def _cost(raw: Raw) -> int:
    return estimate_text(bytes(raw).decode())

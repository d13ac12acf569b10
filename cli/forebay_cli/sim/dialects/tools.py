"""Tool choice and response format: the same wishes, which chat completions nests and responses writes flat."""

from __future__ import annotations

from typing import Any

import msgspec

from forebay_cli.sim.answers import ToolUse
from forebay_cli.sim.errors import bad_request


class Function(msgspec.Struct, frozen=True):
    name: str
    parameters: dict[str, Any] | None = None


class Named(msgspec.Struct, frozen=True):
    name: str


class Choice(msgspec.Struct, frozen=True):
    """An object as tool_choice; chat puts the name into ``function``, responses beside ``type``."""

    type: str
    function: Named | None = None
    name: str | None = None


ToolChoice = str | Choice | None


def choose_tool(functions: list[Function], choice: ToolChoice) -> ToolUse | None:
    """The function that must be called, None where the model may answer in words. Raises Refusal."""
    if choice is None or choice in ("auto", "none"):
        return None
    if isinstance(choice, str):
        if choice != "required":
            raise bad_request(
                f"Unknown tool_choice `{choice[:64]}`: write none, auto, required or a named function.", "tool_choice"
            )
        if not functions:
            raise bad_request("tool_choice `required` needs at least one function in `tools`.", "tools")
        return _use(functions[0], named=False)
    name = choice.function.name if choice.function is not None else choice.name
    if choice.type != "function" or name is None:
        raise bad_request("tool_choice must be an object with type `function` and a function's name.", "tool_choice")
    for function in functions:
        if function.name == name:
            return _use(function, named=True)
    raise bad_request(f"tool_choice names `{name[:64]}`, which is not in `tools`.", "tool_choice")


def _use(function: Function, *, named: bool) -> ToolUse:
    return ToolUse(name=function.name, parameters=function.parameters or {"type": "object"}, named=named)

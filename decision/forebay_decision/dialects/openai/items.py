"""Input of the responses endpoint: a text, or items of many types, read as turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from forebay_decision.dialects.openai.content import Attachments, Content, Part, Reading
from forebay_decision.dialects.openai.lengths import check_lengths
from forebay_decision.dialects.openai.members import Members
from forebay_decision.dialects.openai.tokens import PROMPT_TOKENS
from forebay_decision.dialects.openai.values import empty, missing, string, typed
from forebay_decision.request import Turn

STORED: Final = ("previous_response_id", "conversation")
"""Members that refer to text kept by the server that issued their value."""
_INPUT_HINT: Final = "A response takes a string or a list of items."
_SPOKEN: Final = ("text", "refusal", "stdout", "stderr", "logs", "result")
_FAILED: Final = ("failed", "incomplete")
_PICTURES: Final = ("input_image", "computer_screenshot")


class Item(msgspec.Struct, frozen=True):
    """A message, or one of the many records of what tools and models did.

    What the tools' items hold differs by type and grows with every release; `Any` members are searched for text and
    never refused.
    """

    type: str = "message"
    role: str | None = None
    name: Any = None
    status: Any = None
    error: Any = None
    content: Content = None
    summary: list[Part] | None = None
    arguments: Any = None
    input: Any = None
    code: Any = None
    output: Any = None
    outputs: Any = None
    results: Any = None


class Prompt(msgspec.Struct, frozen=True):
    """A stored prompt, filled in with `variables`: texts or parts."""

    variables: dict[str, str | Part] | None = None


_INPUT: msgspec.json.Decoder[str | list[Item] | None] = msgspec.json.Decoder(str | list[Item] | None)
_PROMPT: msgspec.json.Decoder[Prompt | None] = msgspec.json.Decoder(Prompt | None)


def read_response(members: Members) -> Reading:
    """`instructions`, the variables of `prompt`, and `input`, in this order."""
    attachments = Attachments()
    turns: list[Turn] = []
    if "instructions" in members:
        instructions = string(members["instructions"][1], "instructions")
        if instructions is not None:
            turns.append(Turn("system", instructions))
    if "prompt" in members:
        prompt = typed(_PROMPT, members["prompt"][1], "prompt")
        if prompt is not None:
            attachments.hide("a stored prompt")
        for name, value in ((prompt and prompt.variables) or {}).items():
            content = value if isinstance(value, str) else [value]
            turns.append(Turn("system", "\n".join(attachments.words(content, f"prompt.variables.{name}"))))
    if "input" in members:
        check_lengths(members["input"][1], "input")
    given = typed(_INPUT, members["input"][1], "input") if "input" in members else None
    if given is None:
        if not any(key in members for key in ("prompt", *STORED)):
            raise missing("input", _INPUT_HINT)
    elif isinstance(given, str):
        turns.append(Turn("user", given))
    elif given:
        turns += [_turn(item, f"input[{index}]", attachments) for index, item in enumerate(given)]
    else:
        raise empty("input", _INPUT_HINT)
    return attachments.reading(turns, PROMPT_TOKENS)


def _turn(item: Item, param: str, attachments: Attachments) -> Turn:
    if item.type == "message":
        if item.role is None:
            raise missing(f"{param}.role")
        if item.content is None:
            raise missing(f"{param}.content")
    words = attachments.words(item.content, f"{param}.content") + attachments.words(item.summary, f"{param}.summary")
    for value in (item.arguments, item.input, item.code, item.output, item.outputs, item.results):
        words += _spoken(value, attachments)
    returned = item.output is not None or item.outputs is not None or item.results is not None
    if item.type == "item_reference":
        attachments.hide("stored items")
    called = (_name(item),) if item.type.endswith("_call") else ()
    failed = item.type != "message" and (item.status in _FAILED or item.error not in (None, "", {}))
    return Turn(item.role or ("tool" if returned else "assistant"), "\n".join(words), called, failed)


def _name(item: Item) -> str:
    return item.name if isinstance(item.name, str) else item.type


def _spoken(value: object, attachments: Attachments) -> Iterator[str]:
    """Text in what a tool was given or gave back: a string, an object, or a list of either."""
    for element in value if isinstance(value, list) else [value]:
        if isinstance(element, str):
            yield element
        elif isinstance(element, Mapping):
            if element.get("type") in _PICTURES and ("image_url" in element or "file_id" in element):
                attachments.image()
            for key in _SPOKEN:
                if isinstance(element.get(key), str):
                    yield element[key]

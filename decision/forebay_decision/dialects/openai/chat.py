"""Messages of chat completions, read as turns."""

from __future__ import annotations

from typing import Final

import msgspec

from forebay_decision.dialects.openai.content import Attachments, Content, Reading
from forebay_decision.dialects.openai.lengths import check_lengths, check_members
from forebay_decision.dialects.openai.members import Members
from forebay_decision.dialects.openai.tokens import PROMPT_TOKENS
from forebay_decision.dialects.openai.values import empty, missing, typed
from forebay_decision.request import Turn

_SPEAKERS: Final = frozenset({"user", "system", "developer", "tool"})
"""Roles whose messages cannot do without content; an assistant's may be all tool calls."""


class Called(msgspec.Struct, frozen=True):
    """A call the model made: `arguments` of a function, `input` of a custom tool."""

    name: str | None = None
    arguments: str | None = None
    input: str | None = None


class ToolCall(msgspec.Struct, frozen=True):
    function: Called | None = None
    custom: Called | None = None


class Message(msgspec.Struct, frozen=True):
    role: str
    content: Content = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: Called | None = None


class Prediction(msgspec.Struct, frozen=True):
    """A draft of the answer that the model reads along."""

    content: Content = None


_MESSAGES = msgspec.json.Decoder(list[Message])
_PREDICTION: msgspec.json.Decoder[Prediction | None] = msgspec.json.Decoder(Prediction | None)


def read_chat(members: Members) -> Reading:
    """`messages` and `prediction`. A turn's text holds its parts and the arguments of its tool calls."""
    if "messages" not in members:
        raise missing("messages", "A chat completion takes a list of messages.")
    check_lengths(members["messages"][1], "messages")
    messages = typed(_MESSAGES, members["messages"][1], "messages")
    if not messages:
        raise empty("messages", "Send at least one message.")
    attachments = Attachments()
    turns = [_turn(message, index, attachments) for index, message in enumerate(messages)]
    if "prediction" in members:
        check_members(members["prediction"][1], "prediction")
        prediction = typed(_PREDICTION, members["prediction"][1], "prediction")
        if prediction is not None:
            turns.append(Turn("assistant", "\n".join(attachments.words(prediction.content, "prediction.content"))))
    return attachments.reading(turns, PROMPT_TOKENS)


def _turn(message: Message, index: int, attachments: Attachments) -> Turn:
    called = _called(message)
    if isinstance(message.content, str) and not message.tool_calls:
        text = message.content
    elif message.content is None and message.role in _SPEAKERS:
        raise missing(f"messages[{index}].content", f"A message of role '{message.role}' needs content.")
    else:
        words = attachments.words(message.content, f"messages[{index}].content")
        for call in message.tool_calls or ():
            words += _arguments(call.function) + _arguments(call.custom)
        text = "\n".join(words)
    beside = [extra for extra in (message.reasoning_content, message.refusal) if extra]
    beside += _arguments(message.function_call)
    return Turn(message.role, "\n".join([text, *beside]) if beside else text, called)


def _called(message: Message) -> tuple[str, ...]:
    """Names of the tools that a message calls."""
    if not message.tool_calls and message.function_call is None:
        return ()
    made = [called for call in message.tool_calls or () for called in (call.function, call.custom)]
    return tuple(called.name or "" for called in (*made, message.function_call) if called is not None)


def _arguments(called: Called | None) -> list[str]:
    return [] if called is None else [text for text in (called.arguments, called.input) if text]

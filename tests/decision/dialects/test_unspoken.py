"""All text of a request is in its conversation, wherever it stands."""

import json
import time
from typing import Any

import pytest

from forebay_api.model import Endpoint
from forebay_decision.dialects.openai.view import read
from forebay_decision.request import RequestView

HIDDEN = "4111 1111 1111 1111"
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "said"}]}


def view(endpoint: Endpoint, members: dict[str, Any]) -> RequestView:
    return read(endpoint, json.dumps({"model": "auto", **members}).encode()).view


def message(**members: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "said", **members}]}


def parts(*content: dict[str, Any]) -> dict[str, Any]:
    return message(content=[{"type": "text", "text": "said"}, *content])


def items(**members: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": "said"}, members]}


@pytest.mark.parametrize(
    "members",
    [
        CHAT | {"tools": [{"type": "function", "function": {"name": "f", "description": HIDDEN}}]},
        CHAT | {"tools": [{"function": {"name": "f", "parameters": {"properties": {"a": {"enum": [HIDDEN]}}}}}]},
        CHAT | {"response_format": {"type": "json_schema", "json_schema": {"schema": {"description": HIDDEN}}}},
        CHAT | {"documents": [{"title": "t", "text": HIDDEN}]},
        CHAT | {"chat_template_kwargs": {"note": HIDDEN}},
        CHAT | {"metadata": {"note": HIDDEN}},
        CHAT | {"tomorrows_member": [[HIDDEN]]},
        CHAT | {"tomorrows_member": {"note": HIDDEN, "number": 10**4000}},
        CHAT | {"metadata": {"note": "data:image/png;base64,4111", "more": HIDDEN}},
        message(name=HIDDEN),
        message(reasoning=HIDDEN),
        message(reasoning_content=HIDDEN),
        message(type=HIDDEN),
        message(text=HIDDEN),
        {"messages": [{"role": HIDDEN, "content": "said"}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": HIDDEN, "arguments": "said"}}]}]},
        parts({"type": "tomorrows_part", "text": HIDDEN}),
        parts({"type": "tomorrows_part", "inner": {"text": HIDDEN}}),
        parts({"type": "image_url", "image_url": {"url": "https://example.com/?q=" + HIDDEN}}),
        parts({"type": "image_url", "image_url": {"url": "data:text/plain;base64," + HIDDEN}}),
        parts({"type": "file", "file": {"filename": HIDDEN, "file_data": "QUJD" * 100}}),
    ],
)
def test_text_that_no_turn_of_a_chat_holds_is_part_of_the_conversation(members: dict[str, Any]) -> None:
    seen = view("ChatCompletions", members)
    assert seen.conversation.count(HIDDEN) == 1
    assert seen.conversation.count("said") == 1


@pytest.mark.parametrize(
    "members",
    [
        items(type="web_search_call", action={"type": "search", "query": HIDDEN}),
        items(type="local_shell_call", action={"type": "exec", "command": ["echo", HIDDEN], "env": {}}),
        items(type="mcp_call", arguments="{}", output="x", name=HIDDEN),
        items(type="custom_tool_call", input={"deep": {"text": HIDDEN}}),
        items(type="function_call_output", output=[[HIDDEN]]),
        items(type="message", role="user", content="x", arguments=HIDDEN),
        {"input": "said", "text": {"format": {"type": "json_schema", "schema": {"description": HIDDEN}}}},
        {"input": "said", "tools": [{"type": "function", "name": "f", "description": HIDDEN}]},
        {"input": "said", "instructions": HIDDEN},
    ],
)
def test_text_that_no_turn_of_a_response_holds_is_too(members: dict[str, Any]) -> None:
    seen = view("Responses", members)
    assert seen.conversation.count(HIDDEN) == 1
    assert seen.conversation.count("said") == 1


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "QUJD" * 2000}},
        {"type": "input_audio", "input_audio": {"data": "QUJD" * 2000, "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;name=a.pdf;base64," + "QUJD" * 2000}},
    ],
)
def test_pictures_sound_and_files_are_no_text(part: dict[str, Any]) -> None:
    assert "QUJD" not in view("ChatCompletions", parts(part)).conversation


def test_nothing_is_said_twice_and_kinds_are_no_text() -> None:
    assert view("ChatCompletions", CHAT).conversation == "said"
    assert view("ChatCompletions", parts()).conversation == "said"
    assert view("Responses", items(type="function_call_output", output="out")).conversation == "said\n\nout"
    assert view("Responses", items(type="mcp_call", output={"result": "out"})).conversation == "said\n\nout"
    assert view("Completions", {"prompt": "said", "suffix": "too"}).conversation == "said\n\ntoo"
    assert view("Embeddings", {"input": ["said"], "user": "u"}).conversation == "said\n\nu"


def test_what_only_the_server_holds_counts_as_text_that_nobody_can_read() -> None:
    assert view("Responses", items(type="item_reference", id="msg_1")).unread == "stored items"
    assert view("Responses", {"prompt": {"id": "p"}}).unread == "a stored prompt"
    assert view("Responses", {"input": "said", "prompt": None}).unread == ""


def test_reading_a_body_does_not_gather_what_is_in_no_turn() -> None:
    body = json.dumps({"model": "m", **CHAT, "metadata": [{"a": "b"}] * 60_000}).encode()
    started = time.process_time()
    seen = read("ChatCompletions", body).view
    assert time.process_time() - started < 0.1
    assert len(seen.conversation) > 60_000


def test_a_key_that_occurs_twice_hides_no_text() -> None:
    body = b'{"model":"auto","messages":[{"role":"user","content":"said"}],"documents":[{"text":"%s","text":"","n":1}]}'

    assert HIDDEN in read("ChatCompletions", body % HIDDEN.encode()).view.conversation


def test_many_keys_of_which_one_occurs_twice_take_no_longer_than_many() -> None:
    keys = ",".join([*(f'"{number}":0' for number in range(100_000)), '"0":0'])
    body = f'{{"model":"auto","messages":[{{"role":"user","content":"said"}}],"documents":{{{keys}}}}}'.encode()
    began = time.monotonic()

    assert read("ChatCompletions", body).view.conversation

    assert time.monotonic() - began < 10

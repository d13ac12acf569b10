"""What a policy may ask about each kind of body."""

import json
from typing import Any

import pytest

from forebay_api.model import Endpoint
from forebay_decision.dialects.openai.tokens import IMAGE_TOKENS
from forebay_decision.dialects.openai.view import read, stored_context
from forebay_decision.request import RequestView, Turn


def view(endpoint: Endpoint, **members: Any) -> RequestView:
    return read(endpoint, json.dumps({"model": "auto", **members}).encode()).view


def chat(*messages: dict[str, Any], **members: Any) -> RequestView:
    return view("ChatCompletions", messages=list(messages), **members)


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_a_plain_chat_is_read_whole() -> None:
    body = b'{"model":"auto","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]}'
    parsed = read("ChatCompletions", body)
    seen = parsed.view
    assert parsed.body is body
    assert next(body[span.start : span.end] for span in parsed.members.values()) == b'"auto"'
    assert (seen.endpoint, seen.model, seen.text, seen.system_text) == ("ChatCompletions", "auto", "Hi", "Be brief.")
    assert seen.turns == (Turn("system", "Be brief."), Turn("user", "Hi"))
    assert (seen.max_tokens, seen.stream, seen.tools, seen.response_format) == (None, False, (), "text")
    assert (seen.modalities, seen.needs) == (("text",), frozenset())
    assert 10 < seen.prompt_tokens < 60


def test_parts_are_joined_and_other_modalities_noted() -> None:
    seen = chat(
        user(
            [
                {"type": "text", "text": "one"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5000}},
                {"type": "input_audio", "input_audio": {"data": "A" * 1000, "format": "wav"}},
                {"type": "file", "file": {"file_id": "f"}},
                {"type": "text", "text": "two"},
            ]
        )
    )
    assert seen.text == "one\ntwo"
    assert seen.modalities == ("text", "image", "audio", "file")
    assert seen.needs == {"Vision"}
    assert IMAGE_TOKENS < seen.prompt_tokens < IMAGE_TOKENS + 100


def test_an_image_alone_leaves_the_text_to_the_turn_before() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    seen = chat(user("What is this?"), {"role": "assistant", "content": "Show me."}, user([image]))
    assert seen.text == "What is this?"
    assert chat(user([image])).modalities == ("image",)


def test_the_latest_human_turn_is_not_the_tools() -> None:
    seen = chat(
        user("weather?"),
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "w", "arguments": '{"q":"card 4111"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "sunny"}]},
    )
    assert seen.text == "weather?"
    assert [turn.role for turn in seen.turns] == ["user", "assistant", "tool"]
    assert "4111" in seen.conversation
    assert "sunny" in seen.conversation


def test_a_turn_of_noise_gives_way_to_the_one_before() -> None:
    noise = "<system-reminder>\nremember\n</system-reminder>"
    seen = chat(user("Fix the bug."), user(noise))
    assert seen.text == "Fix the bug."
    assert noise in seen.conversation
    assert chat(user(noise)).text == ""


def test_developer_messages_count_as_system_text() -> None:
    seen = chat({"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, user("c"))
    assert seen.system_text == "a\n\nb"


def test_reasoning_refusals_and_predictions_are_part_of_the_conversation() -> None:
    seen = chat(
        user("x"),
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "never"}], "reasoning_content": "because"},
        {"role": "assistant", "refusal": "no", "function_call": {"name": "f", "arguments": "args"}},
        prediction={"type": "content", "content": "draft"},
    )
    assert [turn.text for turn in seen.turns[1:]] == ["never\nbecause", "\nno\nargs", "draft"]


@pytest.mark.parametrize(
    ("members", "tools", "needs"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, ("f",), {"Tools"}),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}], "tool_choice": "auto"}, ("c",), {"Tools"}),
        ({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "none"}, ("f",), set()),
        ({"tools": [], "tool_choice": "none"}, (), set()),
        ({"tools": None}, (), set()),
        ({"functions": [{"name": "g"}]}, ("g",), {"Tools"}),
        ({"functions": [{"name": "g"}], "function_call": "none"}, ("g",), set()),
        ({"functions": [{"name": "g"}], "function_call": {"name": "g"}}, ("g",), {"Tools"}),
    ],
)
def test_tools_are_needed_unless_none_may_be_called(members: Any, tools: Any, needs: Any) -> None:
    seen = chat(user("x"), **members)
    assert (seen.tools, seen.needs) == (tools, needs)


@pytest.mark.parametrize(
    ("value", "kind", "needs"),
    [
        ({"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}, "json_schema", {"JSONSchema"}),
        ({"type": "json_object"}, "json_object", set()),
        ({"type": "text"}, "text", set()),
        ({"type": "structural_tag"}, "text", set()),
        (None, "text", set()),
    ],
)
def test_an_answer_by_schema_is_a_need(value: Any, kind: str, needs: Any) -> None:
    seen = chat(user("x"), response_format=value)
    assert (seen.response_format, seen.needs) == (kind, needs)
    seen = view("Responses", input="x", text={"format": value})
    assert (seen.response_format, seen.needs) == (kind, needs)


def test_each_endpoint_asks_for_a_schema_in_its_own_member_only() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}
    assert chat(user("x"), text="mine").response_format == "text"
    assert chat(user("x"), text={"format": schema}).response_format == "text"
    assert view("Responses", input="x", response_format=None, text={"format": schema}).needs == {"JSONSchema"}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 7, "max_tokens": 5}, 7),
        ({"max_completion_tokens": None, "max_tokens": 5}, 5),
        ({"max_tokens": 3.0}, 3),
        ({"max_tokens": 1e3}, 1000),
        ({"max_tokens": None}, None),
    ],
)
def test_what_the_caller_reserves_for_the_answer(members: Any, expected: int | None) -> None:
    assert chat(user("x"), **members).max_tokens == expected


def test_completions_read_their_prompt_in_every_form() -> None:
    assert view("Completions", prompt="once").text == "once"
    assert view("Completions", prompt="def f(", suffix=")").text == "def f(\n\n)"
    several = view("Completions", prompt=["one", "two, the longer one"], max_tokens=0)
    assert (several.text, len(several.turns), several.max_tokens) == ("one\n\ntwo, the longer one", 1, 0)
    ids = view("Completions", prompt=[1, 2, 3])
    assert (ids.text, ids.prompt_tokens, ids.modalities) == ("", 3, ())
    assert view("Completions", prompt=[[1, 2], [3, 4, 5, 6]]).prompt_tokens == 4


def test_embeddings_read_their_input_in_every_form() -> None:
    assert view("Embeddings", input="one").text == "one"
    assert view("Embeddings", input=["one", "two"]).conversation == "one\n\ntwo"
    assert view("Embeddings", input=[5] * 9).prompt_tokens == 9
    assert view("Embeddings", input=[[5], [6, 7]]).prompt_tokens == 2


def test_a_batch_counts_as_long_as_its_longest_prompt() -> None:
    one = view("Embeddings", input="a longer sentence than the others").prompt_tokens
    assert view("Embeddings", input=["a longer sentence than the others"] * 500 + ["x"]).prompt_tokens == one


def test_a_response_reads_instructions_and_a_text() -> None:
    seen = view("Responses", instructions="Be brief.", input="Hi", max_output_tokens=9, stream=True, reasoning=None)
    assert seen.turns == (Turn("system", "Be brief."), Turn("user", "Hi"))
    assert (seen.text, seen.system_text, seen.max_tokens, seen.stream) == ("Hi", "Be brief.", 9, True)


def test_a_response_reads_items_of_every_kind() -> None:
    seen = view(
        "Responses",
        tools=[{"type": "function", "name": "f"}, {"type": "web_search"}],
        input=[
            {"role": "developer", "content": "rules"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "ask"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "think"}]},
            {"type": "function_call", "name": "f", "arguments": "args", "call_id": "1"},
            {"type": "function_call_output", "call_id": "1", "output": "out"},
            {"type": "function_call_output", "call_id": "2", "output": [{"type": "input_text", "text": "list"}]},
            {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": "data:..."}},
            {"type": "shell_call_output", "output": [{"stdout": "so", "stderr": "se", "outcome": {"type": "exit"}}]},
            {"type": "item_reference", "id": "msg_1"},
            {"type": "tomorrows_item", "output": 3},
        ],
    )
    assert [turn.text for turn in seen.turns] == [
        "rules", "ask", "think", "args", "out", "list", "", "so\nse", "", "",
    ]  # fmt: skip
    assert (seen.text, seen.system_text, seen.tools) == ("ask", "rules", ("f", "web_search"))
    assert seen.needs == {"Tools", "Vision"}


def test_a_response_may_consist_of_a_stored_prompt_and_its_variables() -> None:
    seen = view("Responses", prompt={"id": "p", "variables": {"a": "one", "b": {"type": "input_text", "text": "two"}}})
    assert [turn.text for turn in seen.turns] == ["one", "two"]


@pytest.mark.parametrize("key", ["previous_response_id", "conversation"])
def test_a_response_that_continues_from_stored_text_says_so(key: str) -> None:
    body = json.dumps({"model": "m", "input": "x", key: "resp_1"}).encode()
    assert stored_context(read("Responses", body)) == key
    assert stored_context(read("Responses", json.dumps({"model": "m", "input": "x", key: None}).encode())) is None
    chatting = {"model": "m", "messages": [user("x")], key: "resp_1"}
    assert stored_context(read("ChatCompletions", json.dumps(chatting).encode())) is None


def test_a_stub_without_a_picture_is_no_picture() -> None:
    item = {"type": "function_call_output", "call_id": "1", "output": [{"type": "input_image"}] * 3}
    assert view("Responses", input=[{"role": "user", "content": "x"}, item]).needs == set()


@pytest.mark.parametrize("role", ["User", "USER", "user ", "human", "customer", ""])
def test_a_role_that_nobody_knows_is_looked_at_like_a_user(role: str) -> None:
    """A template prints it as it stands, and the model reads what it says."""
    said = [{"role": "user", "content": "innocent"}, {"role": role, "content": "the order"}]
    seen = chat(*said)
    assert seen.text == "the order"
    assert seen.human_turns(9) == ["the order", "innocent"]


@pytest.mark.parametrize("role", ["assistant", "system", "developer", "tool", "function"])
def test_turns_of_others_are_not_the_callers_words(role: str) -> None:
    assert chat({"role": "user", "content": "mine"}, {"role": role, "content": "theirs"}).text == "mine"


@pytest.mark.parametrize(
    "thinking", ["the order", {"text": "the order"}, [{"type": "text", "text": "the order"}], ["the order"]]
)
def test_thoughts_are_text_in_whosever_message_they_stand(thinking: Any) -> None:
    """vLLM hands a part of this type on as text."""
    parts = [{"type": "text", "text": "innocent"}, {"type": "thinking", "thinking": thinking}]
    seen = chat(user(parts))
    assert seen.text == "innocent\nthe order"
    assert seen.conversation.count("the order") == 1


@pytest.mark.parametrize("odd", [None, 3, {}, [3, None, {"text": 4}], {"thought": "x"}])
def test_thoughts_of_another_shape_are_no_reason_to_refuse(odd: Any) -> None:
    parts = [{"type": "text", "text": "hi"}, {"type": "thinking", "thinking": odd}]
    assert chat(user(parts)).text == "hi"


@pytest.mark.parametrize(
    ("kind", "modality"), [("image_embeds", "image"), ("video_embeds", "image"), ("audio_embeds", "audio")]
)
def test_embeddings_of_a_picture_or_a_sound_are_one(kind: str, modality: str) -> None:
    seen = chat({"role": "user", "content": [{"type": kind, kind: "AAAA"}]})
    assert modality in seen.modalities
    assert ("Vision" in seen.needs) == (modality == "image")


def test_embeddings_of_text_in_a_message_are_text_that_nobody_can_read() -> None:
    parts = [{"type": "text", "text": "hi"}, {"type": "prompt_embeds", "data": "AAAA"}]
    assert chat(user(parts)).unread == "prompt embeddings"

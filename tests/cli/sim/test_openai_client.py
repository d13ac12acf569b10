"""The official client parses every kind of answer."""

from __future__ import annotations

import base64
import json
import struct

import pytest

SAY = [{"role": "user", "content": "Say something."}]
WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 2},
        "days": {"type": "integer", "minimum": 1},
        "unit": {"enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "days", "unit"],
    "additionalProperties": False,
}
CHAT_TOOLS = [
    {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}},
    {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}},
]
RESPONSE_TOOLS = [{"type": "function", "strict": True, **tool["function"]} for tool in CHAT_TOOLS]


async def test_a_chat_answer_says_who_answered_and_with_which_parameters(start_sim, connect):
    client = connect(await start_sim())
    answer = await client.chat.completions.create(
        model="qwen3-8b",
        messages=SAY,
        reasoning_effort="high",
        max_tokens=64,
        extra_body={"chat_template_kwargs": {"enable_thinking": False}},
    )
    text = answer.choices[0].message.content
    for expected in ("small-1", "qwen3-8b", "reasoning_effort=high", "max_tokens=64", '{"enable_thinking":false}'):
        assert expected in text
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens == 4  # "Say something." has 14 bytes
    assert answer.usage.completion_tokens == 32
    assert answer.usage.total_tokens == 36


async def test_the_same_chat_request_gets_the_same_words_twice(start_sim, connect):
    client = connect(await start_sim())
    answers = [await client.chat.completions.create(model="qwen3-8b", messages=SAY) for _ in range(2)]
    assert answers[0].choices[0].message.content == answers[1].choices[0].message.content


async def test_a_response_header_names_the_server(start_sim, connect):
    client = connect(await start_sim(name="frontier-2"))
    raw = await client.chat.completions.with_raw_response.create(model="qwen3-8b", messages=SAY)
    assert raw.headers["x-sim-server"] == "frontier-2"


async def test_a_streamed_chat_answer_carries_the_words_of_the_plain_one(start_sim, connect):
    client = connect(await start_sim())
    plain = await client.chat.completions.create(model="qwen3-8b", messages=SAY)
    stream = await client.chat.completions.create(model="qwen3-8b", messages=SAY, stream=True)
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == plain.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


async def test_include_usage_adds_a_last_chunk_with_usage_and_no_choices(start_sim, connect):
    client = connect(await start_sim(tokens=5))
    stream = await client.chat.completions.create(
        model="qwen3-8b", messages=SAY, stream=True, stream_options={"include_usage": True}
    )
    *parts, last = [chunk async for chunk in stream]
    assert last.choices == []
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (4, 5)
    assert all(part.usage is None and part.choices for part in parts)


async def test_max_tokens_cuts_the_answer_and_says_so(start_sim, connect):
    client = connect(await start_sim())
    answer = await client.chat.completions.create(model="qwen3-8b", messages=SAY, max_completion_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 3


async def test_a_short_answer_still_says_everything(start_sim, connect):
    client = connect(await start_sim(tokens=2))
    answer = await client.chat.completions.create(model="qwen3-8b", messages=SAY, reasoning_effort="low")
    assert answer.usage.completion_tokens == 2
    assert "small-1" in answer.choices[0].message.content
    assert "reasoning_effort=low" in answer.choices[0].message.content


@pytest.mark.parametrize("stream", [False, True])
async def test_n_gives_that_many_choices(start_sim, connect, stream):
    client = connect(await start_sim(tokens=4))
    answer = await client.chat.completions.create(model="qwen3-8b", messages=SAY, n=3, stream=stream)
    if stream:
        ends = [chunk.choices[0].index async for chunk in answer if chunk.choices[0].finish_reason]
        assert ends == [0, 1, 2]
    else:
        assert [choice.index for choice in answer.choices] == [0, 1, 2]
        assert answer.usage.completion_tokens == 12


@pytest.mark.parametrize(
    ("choice", "name", "finish"),
    [
        ("required", "get_time", "tool_calls"),
        ({"type": "function", "function": {"name": "get_weather"}}, "get_weather", "stop"),
    ],
)
async def test_a_demanded_chat_tool_is_called_with_valid_arguments(start_sim, connect, choice, name, finish):
    client = connect(await start_sim())
    answer = await client.chat.completions.create(model="qwen3-8b", messages=SAY, tools=CHAT_TOOLS, tool_choice=choice)
    (call,) = answer.choices[0].message.tool_calls
    assert answer.choices[0].message.content is None
    assert answer.choices[0].finish_reason == finish
    assert call.function.name == name
    assert json.loads(call.function.arguments) == (
        {} if name == "get_time" else {"city": "xx", "days": 1, "unit": "celsius"}
    )


async def test_a_streamed_tool_call_accumulates_to_the_same_arguments(start_sim, connect):
    client = connect(await start_sim())
    manager = client.chat.completions.stream(
        model="qwen3-8b",
        messages=SAY,
        tools=CHAT_TOOLS,
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
    )
    async with manager as stream:
        completion = await stream.get_final_completion()
    (call,) = completion.choices[0].message.tool_calls
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "xx", "days": 1, "unit": "celsius"}


async def test_tools_without_a_demand_are_answered_in_words(start_sim, connect):
    client = connect(await start_sim())
    answer = await client.chat.completions.create(model="qwen3-8b", messages=SAY, tools=CHAT_TOOLS)
    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].message.content


async def test_a_json_schema_answer_is_valid_under_its_schema(start_sim, connect):
    client = connect(await start_sim())
    answer = await client.chat.completions.create(
        model="qwen3-8b",
        messages=SAY,
        response_format={"type": "json_schema", "json_schema": {"name": "w", "strict": True, "schema": WEATHER}},
    )
    assert json.loads(answer.choices[0].message.content) == {"city": "xx", "days": 1, "unit": "celsius"}


async def test_a_json_object_answer_is_an_object_that_says_who_answered(start_sim, connect):
    client = connect(await start_sim())
    answer = await client.chat.completions.create(
        model="qwen3-8b", messages=SAY, response_format={"type": "json_object"}
    )
    assert json.loads(answer.choices[0].message.content)["server"] == "small-1"


async def test_completions_answer_each_prompt(start_sim, connect):
    client = connect(await start_sim())
    answer = await client.completions.create(model="qwen3-8b", prompt=["One", "Two"], max_tokens=2)
    assert [choice.finish_reason for choice in answer.choices] == ["length", "length"]
    assert answer.usage.completion_tokens == 4


async def test_completions_stream(start_sim, connect):
    client = connect(await start_sim())
    stream = await client.completions.create(model="qwen3-8b", prompt="One", stream=True)
    chunks = [chunk async for chunk in stream]
    assert "small-1" in "".join(chunk.choices[0].text for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_responses_answer_in_words(start_sim, connect):
    client = connect(await start_sim())
    answer = await client.responses.create(model="qwen3-8b", input="Say something.", reasoning={"effort": "low"})
    assert answer.status == "completed"
    assert "small-1" in answer.output_text
    assert 'reasoning={"effort":"low"}' in answer.output_text
    assert answer.reasoning.effort == "low"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (4, 32)


async def test_responses_stream_typed_events_in_order(start_sim, connect):
    client = connect(await start_sim(tokens=2))
    stream = await client.responses.create(model="qwen3-8b", input="Say something.", stream=True)
    events = [event async for event in stream]
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.usage.output_tokens == 2


async def test_the_clients_own_accumulator_accepts_a_responses_stream(start_sim, connect):
    client = connect(await start_sim())
    async with client.responses.stream(model="qwen3-8b", input="Say something.") as stream:
        final = await stream.get_final_response()
    assert "small-1" in final.output_text


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cut_response_is_incomplete(start_sim, connect, stream):
    client = connect(await start_sim())
    answer = await client.responses.create(model="qwen3-8b", input="Say.", max_output_tokens=3, stream=stream)
    if stream:
        events = [event async for event in answer]
        assert events[-1].type == "response.incomplete"
        answer = events[-1].response
    assert answer.status == "incomplete"
    assert answer.incomplete_details.reason == "max_output_tokens"


async def test_responses_call_a_demanded_tool(start_sim, connect):
    client = connect(await start_sim())
    wanted = {"type": "function", "name": "get_weather"}
    answer = await client.responses.create(model="qwen3-8b", input="Say.", tools=RESPONSE_TOOLS, tool_choice=wanted)
    (call,) = answer.output
    assert (call.type, call.name) == ("function_call", "get_weather")
    assert json.loads(call.arguments) == {"city": "xx", "days": 1, "unit": "celsius"}
    async with client.responses.stream(
        model="qwen3-8b", input="Say.", tools=RESPONSE_TOOLS, tool_choice=wanted
    ) as stream:
        final = await stream.get_final_response()
    assert final.output[0].arguments == call.arguments


async def test_responses_answer_under_a_json_schema(start_sim, connect):
    client = connect(await start_sim())
    text = {"format": {"type": "json_schema", "name": "w", "strict": True, "schema": WEATHER}}
    answer = await client.responses.create(model="qwen3-8b", input="Say.", text=text)
    assert json.loads(answer.output_text)["unit"] == "celsius"


async def test_embeddings_are_the_same_numbers_in_both_encodings(start_sim, connect, http):
    server = await start_sim()
    client = connect(server)
    decoded = await client.embeddings.create(model="qwen3-8b", input=["a", "b"], dimensions=8)
    floats = await client.embeddings.create(model="qwen3-8b", input="a", dimensions=8, encoding_format="float")
    body = {"model": "qwen3-8b", "input": "a", "dimensions": 8, "encoding_format": "base64"}
    raw = (await http.post(f"{server.base_url}/embeddings", json=body)).json()["data"][0]["embedding"]
    assert decoded.data[0].embedding == pytest.approx(floats.data[0].embedding, abs=0)
    assert list(struct.unpack("<8f", base64.b64decode(raw))) == floats.data[0].embedding
    assert decoded.data[0].embedding != decoded.data[1].embedding
    assert sum(value * value for value in floats.data[0].embedding) == pytest.approx(1.0, rel=1e-6)
    assert decoded.usage.prompt_tokens == 2


async def test_the_model_list_shows_models_and_adapters(start_sim, connect):
    client = connect(await start_sim(models=("qwen3-8b", "qwen3"), loras=("sql",), max_model_len=4096))
    models = {model.id: model async for model in client.models.list()}
    assert set(models) == {"qwen3-8b", "qwen3", "sql"}
    assert models["sql"].parent == "qwen3-8b"
    assert (await client.models.retrieve("qwen3")).max_model_len == 4096

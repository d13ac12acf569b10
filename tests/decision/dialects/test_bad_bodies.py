"""Every wrong body gets a 400 that names the member at fault."""

import json
import time

import pytest

from forebay_api.model import Endpoint
from forebay_decision.dialects.openai.view import read
from forebay_decision.errors import BadRequest

MESSAGES = '"messages":[{"role":"user","content":"x"}]'
CHAT = '"model":"m",' + MESSAGES

CHAT_CASES = [
    (MESSAGES, "model", "missing_required_parameter"),
    ('"model":null,' + MESSAGES, "model", "missing_required_parameter"),
    ('"model":"",' + MESSAGES, "model", "invalid_value"),
    ('"model":3,' + MESSAGES, "model", "invalid_type"),
    ('"model":["m"],' + MESSAGES, "model", "invalid_type"),
    ('"model":"m"', "messages", "missing_required_parameter"),
    ('"model":"m","messages":null', "messages", "invalid_type"),
    ('"model":"m","messages":"x"', "messages", "invalid_type"),
    ('"model":"m","messages":{}', "messages", "invalid_type"),
    ('"model":"m","messages":[]', "messages", "invalid_value"),
    ('"model":"m","messages":[3]', "messages[0]", "invalid_type"),
    ('"model":"m","messages":[{"content":"x"}]', "messages[0].role", "missing_required_parameter"),
    ('"model":"m","messages":[{"role":3,"content":"x"}]', "messages[0].role", "invalid_type"),
    ('"model":"m","messages":[{"role":"user"}]', "messages[0].content", "missing_required_parameter"),
    ('"model":"m","messages":[{"role":"user","content":null}]', "messages[0].content", "missing_required_parameter"),
    (
        '"model":"m","messages":[{"role":"user","content":"x"},{"role":"user","content":"y"},{"role":"user","content":5}]',
        "messages[2].content",
        "invalid_type",
    ),
    ('"model":"m","messages":[{"role":"user","content":["x"]}]', "messages[0].content[0]", "invalid_type"),
    (
        '"model":"m","messages":[{"role":"user","content":[{"text":"x"}]}]',
        "messages[0].content[0].type",
        "missing_required_parameter",
    ),
    (
        '"model":"m","messages":[{"role":"user","content":[{"type":"text"}]}]',
        "messages[0].content[0].text",
        "missing_required_parameter",
    ),
    (
        '"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"}]}]',
        "messages[0].content[1].image_url",
        "missing_required_parameter",
    ),
    (
        '"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":{}}}]}]',
        "messages[0].tool_calls[0].function.arguments",
        "invalid_type",
    ),
    (CHAT + ',"max_tokens":-1', "max_tokens", "integer_below_min_value"),
    (CHAT + ',"max_tokens":0', "max_tokens", "integer_below_min_value"),
    (CHAT + ',"max_tokens":1e400', "max_tokens", "integer_above_max_value"),
    (CHAT + ',"max_tokens":1e300', "max_tokens", "integer_above_max_value"),
    (CHAT + ',"max_tokens":' + "1" + "0" * 40, "max_tokens", "integer_above_max_value"),
    (CHAT + ',"max_tokens":' + "1" + "0" * 5000, "max_tokens", "integer_above_max_value"),
    (CHAT + ',"max_tokens":3.5', "max_tokens", "invalid_type"),
    (CHAT + ',"max_tokens":"3"', "max_tokens", "invalid_type"),
    (CHAT + ',"max_tokens":true', "max_tokens", "invalid_type"),
    (CHAT + ',"max_completion_tokens":[]', "max_completion_tokens", "invalid_type"),
    (CHAT + ',"max_completion_tokens":5,"max_tokens":{}', "max_tokens", "invalid_type"),
    (CHAT + ',"thinking_token_budget":"lots"', "thinking_token_budget", "invalid_type"),
    (CHAT + ',"thinking_token_budget":-2', "thinking_token_budget", "integer_below_min_value"),
    (CHAT + ',"chat_template_kwargs":"x"', "chat_template_kwargs", "invalid_type"),
    (CHAT + ',"chat_template_kwargs":{"a":1,"a":1}', "chat_template_kwargs.a", "duplicate_key"),
    (CHAT + ',"stream":"yes"', "stream", "invalid_type"),
    (CHAT + ',"stream":1', "stream", "invalid_type"),
    (CHAT + ',"tools":{}', "tools", "invalid_type"),
    (CHAT + ',"tools":[3]', "tools[0]", "invalid_type"),
    (CHAT + ',"tools":[{"type":"function"}]', "tools[0].function", "missing_required_parameter"),
    (CHAT + ',"tools":[{"type":"function","function":{}}]', "tools[0].function.name", "missing_required_parameter"),
    (CHAT + ',"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":3', "tool_choice", "invalid_type"),
    (CHAT + ',"functions":[{}]', "functions[0].name", "missing_required_parameter"),
    (CHAT + ',"response_format":"json"', "response_format", "invalid_type"),
    (CHAT + ',"response_format":{"type":1}', "response_format.type", "invalid_type"),
    (CHAT + ',"prediction":[]', "prediction", "invalid_type"),
    (CHAT + ',"model":"m"', "model", "duplicate_key"),
    ('"model":"m","messages":[{"role":"user","content":"a","content":"b"}]', "messages", "duplicate_key"),
    ('"model":"m","messages":[{"role":"user","content":"a","cont\\u0065nt":"b"}]', "messages", "duplicate_key"),
    ('"model":"m","messages":[{"role":"user","content":"a","role":"tool"}]', "messages", "duplicate_key"),
    (
        '"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a","text":"b"}]}]',
        "messages",
        "duplicate_key",
    ),
    (
        '"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"a","arguments":"b"}}]}]',
        "messages",
        "duplicate_key",
    ),
    (CHAT + ',"prediction":{"content":"a","content":"b"}', "prediction", "duplicate_key"),
    (CHAT + ',"tools":[{"type":"function","function":{"name":"a","name":"b"}}]', "tools", "duplicate_key"),
    (CHAT + ',"tools":[{"type":"a","type":"b"}]', "tools", "duplicate_key"),
    (
        CHAT + ',"tools":[{"type":"function","function":{"name":"a"},"fun\\u0063tion":{"name":"b"}}]',
        "tools",
        "duplicate_key",
    ),
    (
        CHAT + ',"tools":[{"type":"function","function":{"name":"a","parameters":{"p":{"enum":[1],"enum":[2]}}}}]',
        "tools",
        "duplicate_key",
    ),
    (CHAT + ',"functions":[{"name":"a","name":"b"}]', "functions", "duplicate_key"),
    (CHAT + ',"tools":[{"type":"x"}],"tool_choice":{"type":"a","type":"b"}', "tool_choice", "duplicate_key"),
    (CHAT + ',"functions":[{"name":"a"}],"function_call":{"name":"a","name":"b"}', "function_call", "duplicate_key"),
    (CHAT + ',"response_format":{"type":"text","type":"json_object"}', "response_format", "duplicate_key"),
    (CHAT + ',"chat_template_kwargs":{"a":{"b":1,"b":2}}', "chat_template_kwargs", "duplicate_key"),
]
OTHER_CASES: list[tuple[Endpoint, str, str]] = [
    ("Completions", "", "prompt"),
    ("Completions", ',"prompt":null', "prompt"),
    ("Completions", ',"prompt":3', "prompt"),
    ("Completions", ',"prompt":[]', "prompt"),
    ("Completions", ',"prompt":[[]]', "prompt[0]"),
    ("Completions", ',"prompt":["a",3]', "prompt[1]"),
    ("Completions", ',"prompt":[1,[2]]', "prompt[1]"),
    ("Completions", ',"prompt":[-1]', "prompt[0]"),
    ("Completions", ',"prompt":[1.5]', "prompt[0]"),
    ("Completions", ',"prompt":[[1,"a"]]', "prompt[0][1]"),
    ("Completions", ',"prompt":"a","suffix":3', "suffix"),
    ("Completions", ',"prompt":"a","max_tokens":-1', "max_tokens"),
    ("Embeddings", "", "input"),
    ("Embeddings", ',"input":[]', "input"),
    ("Embeddings", ',"input":{}', "input"),
    ("Embeddings", ',"input":[true]', "input[0]"),
    ("Embeddings", ',"input":"x","messages":[{"role":"user","content":"y"}]', "messages"),
    ("Responses", "", "input"),
    ("Responses", ',"input":[]', "input"),
    ("Responses", ',"input":3', "input"),
    ("Responses", ',"input":[{"role":"user"}]', "input[0].content"),
    ("Responses", ',"input":[{"content":"x"}]', "input[0].role"),
    ("Responses", ',"input":[{"role":"user","content":[{"type":"input_text"}]}]', "input[0].content[0].text"),
    ("Responses", ',"input":[{"role":"user","content":"x","content":"y"}]', "input"),
    ("Responses", ',"input":"x","prompt":{"variables":{"a":"x","a":"y"}}', "prompt"),
    ("Responses", ',"input":"x","instructions":[]', "instructions"),
    ("Responses", ',"input":"x","reasoning":"high"', "reasoning"),
    ("Responses", ',"input":"x","text":"json"', "text"),
    ("Responses", ',"input":"x","text":{"format":"json"}', "text.format"),
    ("Responses", ',"input":"x","max_output_tokens":0', "max_output_tokens"),
    ("Responses", ',"input":"x","tools":[{"type":"function"}]', "tools[0].function"),
    ("Responses", ',"input":"x","prompt":{"variables":{"a":3}}', "prompt.variables"),
]


def test_what_was_refused_once_is_refused_again_and_what_was_sound_stays_so() -> None:
    sound = b'{"model":"m","messages":[{"role":"user","content":"a"}],"tools":[{"function":{"name":"a"}}]}'
    twice = sound.replace(b'"name":"a"', b'"name":"a","name":"b"')
    for _ in range(3):
        assert read("ChatCompletions", sound).view.tools == ("a",)
        with pytest.raises(BadRequest, match="occurs more than once in 'tools'"):
            read("ChatCompletions", twice)


@pytest.mark.parametrize(("members", "param", "code"), CHAT_CASES)
def test_a_bad_chat_is_refused_by_the_path_of_what_is_bad(members: str, param: str, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read("ChatCompletions", f"{{{members}}}".encode())
    assert (caught.value.http_status, caught.value.param, caught.value.code) == (400, param, code)
    assert param.rpartition(".")[2] in caught.value.message
    assert "`" not in caught.value.message


@pytest.mark.parametrize(("endpoint", "members", "param"), OTHER_CASES)
def test_a_bad_body_of_the_other_endpoints_is_too(endpoint: Endpoint, members: str, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(endpoint, f'{{"model":"m"{members}}}'.encode())
    assert (caught.value.http_status, caught.value.param) == (400, param)


@pytest.mark.parametrize(
    "where", ["{", '{"messages":', "{" + CHAT + ',"metadata":', "{" + CHAT + ',"chat_template_kwargs":']
)
@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_a_hundred_thousand_brackets_are_refused(where: str, bracket: str) -> None:
    key = '"a":' if where == "{" else ""
    with pytest.raises(BadRequest, match="nested too deeply"):
        read("ChatCompletions", (where + key + bracket * 100_000).encode())


def test_a_hundred_thousand_brackets_at_the_top_are_no_object() -> None:
    with pytest.raises(BadRequest, match="must be a JSON object"):
        read("ChatCompletions", b"[" * 100_000)


def test_the_next_request_after_a_bad_one_is_read() -> None:
    with pytest.raises(BadRequest):
        read("ChatCompletions", b"[" * 100_000)
    assert read("ChatCompletions", f"{{{CHAT}}}".encode()).view.text == "x"


def test_a_message_holds_nothing_of_the_prompt() -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "secret"}], "stream": "secret"}).encode()
    for bad in (body, body[:-1], body.replace(b"secret", b"secret\xff", 1)):
        with pytest.raises(BadRequest) as caught:
            read("ChatCompletions", bad)
        assert "secret" not in caught.value.message


def test_many_keys_of_which_one_occurs_twice_are_refused_as_fast_as_few() -> None:
    keys = ",".join([*(f'"{number}":0' for number in range(100_000)), '"0":0'])
    body = f'{{"model":"m","messages":[{{"role":"user","content":"x","more":{{{keys}}}}}]}}'.encode()
    began = time.monotonic()

    with pytest.raises(BadRequest, match="The key '0' occurs more than once in 'messages'"):
        read("ChatCompletions", body)

    assert time.monotonic() - began < 10

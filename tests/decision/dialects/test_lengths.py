"""Lists that are too long are refused before their elements are read."""

import time

import pytest

from forebay_api.model import Endpoint
from forebay_decision.dialects.openai.lengths import MOST_ELEMENTS, MOST_PROMPTS, MOST_TOKEN_IDS, MOST_VALUES
from forebay_decision.dialects.openai.view import read
from forebay_decision.errors import BadRequest

USER = '{"role":"user","content":"a,b"}'
PART = '{"type":"text","text":"a,b"}'


def listed(element: str, count: int) -> str:
    return "[" + ",".join([element] * count) + "]"


def parts(count: int) -> str:
    return '[{"role":"user","content":' + listed(PART, count) + "}]"


def body(members: str) -> bytes:
    return f'{{"model":"m",{members}}}'.encode()


@pytest.mark.parametrize(
    "members",
    [
        f'"messages":{listed(USER, MOST_ELEMENTS)}',
        f'"messages":{parts(MOST_ELEMENTS)}',
        '"messages":[{"role":"user","content":"' + "a," * 10_000 + '"}]',
    ],
)
def test_a_list_at_its_limit_is_read_as_is_text_full_of_commas(members: str) -> None:
    assert read("ChatCompletions", body(members)).view.text


@pytest.mark.parametrize(
    ("endpoint", "members", "param"),
    [
        ("ChatCompletions", f'"messages":{listed(USER, MOST_ELEMENTS + 1)}', "messages"),
        ("ChatCompletions", f'"messages":{parts(MOST_ELEMENTS + 1)}', "messages[0].content"),
        ("ChatCompletions", f'"messages":[{USER}],"tools":{listed("{}", MOST_ELEMENTS + 1)}', "tools"),
        (
            "ChatCompletions",
            f'"messages":[{USER}],"prediction":{{"content":{listed(PART, MOST_ELEMENTS + 1)}}}',
            "prediction.content",
        ),
        ("Responses", f'"input":{listed(USER, MOST_ELEMENTS + 1)}', "input"),
        ("Responses", f'"input":{parts(MOST_ELEMENTS + 1)}', "input[0].content"),
        ("Embeddings", f'"input":{listed("[1]", MOST_PROMPTS + 1)}', "input"),
        ("Embeddings", f'"input":{listed(chr(34) * 2, MOST_PROMPTS + 1)}', "input"),
        ("Completions", f'"prompt":{listed("1", MOST_TOKEN_IDS + 1)}', "prompt"),
        ("Completions", f'"prompt":[{listed("1", MOST_TOKEN_IDS)},[1]]', "prompt"),
    ],
)
def test_a_list_above_its_limit_is_refused_by_its_path(endpoint: Endpoint, members: str, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(endpoint, body(members))
    assert (caught.value.http_status, caught.value.param, caught.value.code) == (400, param, "array_above_max_length")
    assert "more than" in caught.value.message


@pytest.mark.parametrize(
    ("endpoint", "members"),
    [
        ("ChatCompletions", f'"messages":{listed("{}", 1_000_000)}'),
        ("Responses", f'"input":{listed("{}", 1_000_000)}'),
        ("Completions", f'"prompt":{listed("1", 4_200_000)}'),
        ("Embeddings", f'"input":{listed("[1]", 1_000_000)}'),
    ],
)
def test_a_body_of_millions_is_refused_at_once(endpoint: Endpoint, members: str) -> None:
    flood = body(members)
    started = time.process_time()
    with pytest.raises(BadRequest):
        read(endpoint, flood)
    # Some 50 ms; reading the elements takes seconds.
    assert time.process_time() - started < 0.5


FLOODS = {
    "objects in a message": f'"messages":[{{"role":"user","content":"x","more":[{listed("{}", 2_700_000)}]}}]',
    "lists in a message": f'"messages":[{{"role":"user","content":"x","more":[{{}},{listed("[]", 2_700_000)}]}}]',
    "numbers in a message": f'"messages":[{{"role":"user","content":"x","more":[{{}},{listed("1", 4_000_000)}]}}]',
    "strings in a message": f'"messages":[{{"role":"user","content":"x","more":[{{}},{listed(chr(34) * 2, 2_700_000)}]}}]',
    "calls of many messages": '"messages":'
    + listed('{"role":"assistant","content":[],"tool_calls":' + listed("{}", 4_000) + "}", 600),
    "a tool": f'"messages":[{USER}],"tools":[{{"function":{{"name":"f","parameters":{listed("{}", 2_700_000)}}}}}]',
    "what nobody knows": f'"messages":[{USER}],"more":{listed("{}", 2_700_000)}',
    "keys of the body": f'"messages":[{USER}],' + ",".join(f'"{number}":1' for number in range(600_000)),
    "keys with quotes in them": f'"messages":[{USER}],"more":{{'
    + ",".join(f'"{number}\\"{{":[]' for number in range(400_000))
    + "}",
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_body_of_more_values_than_anybody_needs_is_refused_wherever_they_stand(flood: str) -> None:
    data = body(FLOODS[flood])
    started = time.process_time()
    with pytest.raises(BadRequest) as caught:
        read("ChatCompletions", data)
    # Some 50 ms, as any body of this length; looking through a million objects takes half a second and more.
    assert time.process_time() - started < 0.3
    assert (caught.value.http_status, caught.value.code) == (400, "too_many_values")
    assert str(MOST_VALUES) in caught.value.message


def test_what_stands_in_strings_is_no_value() -> None:
    code = r"{\"a\": [1, 2, {}], \\\\\"b\": \\\\}," * 40_000
    view = read("ChatCompletions", body('"messages":[{"role":"user","content":"' + code + '"}]')).view
    assert view.text.count("{") == 80_000


def test_values_up_to_the_limit_are_read() -> None:
    objects = listed("{}", MOST_VALUES // 2 - 20)
    data = body(f'"messages":[{{"role":"user","content":"hi","more":[{objects}]}}]')
    started = time.process_time()
    assert read("ChatCompletions", data).view.text == "hi"
    assert time.process_time() - started < 0.3


def test_a_prompt_of_a_million_token_ids_is_read() -> None:
    view = read("Completions", body(f'"prompt":{listed("1", MOST_TOKEN_IDS)}')).view
    assert (view.prompt_tokens, view.unread) == (MOST_TOKEN_IDS, "token ids")


@pytest.mark.parametrize("prompt", ["[1,2]", "[[1],[2]]", '[ 1 ],"suffix":"text"'])
def test_token_ids_count_as_text_that_nobody_can_read(prompt: str) -> None:
    assert read("Completions", body(f'"prompt":{prompt}')).view.unread == "token ids"


def test_prompt_embeddings_count_as_text_that_nobody_can_read() -> None:
    assert read("Completions", body('"prompt":"x","prompt_embeds":"AAAA"')).view.unread == "prompt embeddings"
    assert read("Completions", body('"prompt":"x","prompt_embeds":null')).view.unread == ""

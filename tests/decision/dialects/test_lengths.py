"""Lists that are too long are refused before their elements are read."""

import time

import pytest

from forebay_api.model import Endpoint
from forebay_decision.dialects.openai.lengths import MOST_ELEMENTS, MOST_PROMPTS, MOST_TOKEN_IDS
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


def test_a_prompt_of_a_million_token_ids_is_read() -> None:
    view = read("Completions", body(f'"prompt":{listed("1", MOST_TOKEN_IDS)}')).view
    assert (view.prompt_tokens, view.unread) == (MOST_TOKEN_IDS, "token ids")


@pytest.mark.parametrize("prompt", ["[1,2]", "[[1],[2]]", '[ 1 ],"suffix":"text"'])
def test_token_ids_count_as_text_that_nobody_can_read(prompt: str) -> None:
    assert read("Completions", body(f'"prompt":{prompt}')).view.unread == "token ids"


def test_prompt_embeddings_count_as_text_that_nobody_can_read() -> None:
    assert read("Completions", body('"prompt":"x","prompt_embeds":"AAAA"')).view.unread == "prompt embeddings"
    assert read("Completions", body('"prompt":"x","prompt_embeds":null')).view.unread == ""

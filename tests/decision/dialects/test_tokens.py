"""The estimate errs upwards, and within bounds."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay_decision.dialects.openai.tokens import IMAGE_TOKENS, estimate_text
from forebay_decision.dialects.openai.view import read

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("the cat sat on the mat", 8),
        ("12345", 5),
        ("x[0] += y;", 8),
        ("请解释", 5),
        ("привет", 6),
        ("😀", 3),
    ],
)
def test_each_script_has_its_weight(text: str, tokens: int) -> None:
    assert estimate_text(text) == tokens


@given(TEXT)
def test_no_text_counts_more_tokens_than_bytes(text: str) -> None:
    assert estimate_text(text) <= len(text.encode())


@given(TEXT, TEXT)
def test_a_longer_text_never_counts_less(text: str, more: str) -> None:
    assert estimate_text(text) <= estimate_text(text + more) <= estimate_text(text) + estimate_text(more)


@given(
    st.lists(st.tuples(st.sampled_from(["user", "system", "assistant"]), TEXT), min_size=1, max_size=5),
    st.integers(0, 3),
)
def test_a_body_counts_no_more_tokens_than_bytes_but_for_its_images(turns: list[tuple[str, str]], images: int) -> None:
    parts = [{"type": "image_url", "image_url": {"url": "u"}}] * images
    messages = [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in turns]
    messages.append({"role": "user", "content": parts})
    body = json.dumps({"model": "m", "messages": messages}, ensure_ascii=False, separators=(",", ":")).encode()
    assert read("ChatCompletions", body).view.prompt_tokens <= len(body) + IMAGE_TOKENS * images


def test_definitions_of_tools_and_schemas_are_counted() -> None:
    plain = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    tool = {"type": "function", "function": {"name": "f", "description": "word " * 300}}
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"description": "word " * 300}}}
    base = read("ChatCompletions", json.dumps(plain).encode()).view.prompt_tokens
    for more in ({"tools": [tool]}, {"response_format": schema}):
        assert read("ChatCompletions", json.dumps(plain | more).encode()).view.prompt_tokens > base + 400

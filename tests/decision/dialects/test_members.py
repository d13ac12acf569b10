"""Byte spans of top-level members, against a slow reader that shares no code."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay_decision.dialects.openai.members import MAX_MEMBERS, scan
from forebay_decision.errors import BadRequest
from forebay_decision.request import Span

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KEYS = st.one_of(st.sampled_from(["model", "messages", "a", "", 'q"uote', "back\\slash", "naïve", "😀"]), TEXT)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def space(random: Random) -> str:
    return "".join(random.choices(" \t\r\n", k=random.choice([0, 0, 1, 3])))


def string(text: str, random: Random) -> str:
    """A JSON string in which any character may stand escaped."""
    return '"' + "".join(character(c, random) for c in text) + '"'


def character(c: str, random: Random) -> str:
    if random.random() < 0.3:
        units = c.encode("utf-16-be")
        return "".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2))
    return json.dumps(c, ensure_ascii=random.random() < 0.3)[1:-1]


def render(value: Any, random: Random) -> str:
    """JSON for `value` with random whitespace and escapes; an object is given as a list of pairs in a tuple."""
    if isinstance(value, str):
        return string(value, random)
    if isinstance(value, dict):
        value = tuple(value.items())
    if isinstance(value, tuple):
        members = [
            f"{space(random)}{string(k, random)}{space(random)}:{space(random)}{render(v, random)}{space(random)}"
            for k, v in value
        ]
        return "{" + (",".join(members) or space(random)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(space(random) + render(v, random) + space(random) for v in value) + "]"
    return json.dumps(value)


def reference(body: bytes) -> list[tuple[str, Span]]:
    """Every top-level key with its value's span, duplicates included, by Python's own JSON decoder."""
    text = body.decode()
    found: list[tuple[str, Span]] = []
    position = skip(text, 0) + 1
    while text[(position := skip(text, position))] != "}":
        key, position = json.decoder.scanstring(text, position + 1, True)
        position = skip(text, skip(text, position) + 1)
        _, end = json.JSONDecoder().raw_decode(text, position)
        found.append((key, Span(len(text[:position].encode()), len(text[:end].encode()))))
        position = skip(text, end)
        position += text[position] == ","
    return found


def skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


@given(st.lists(st.tuples(KEYS, VALUES), max_size=6), st.randoms(use_true_random=False))
def test_spans_equal_those_of_a_slow_reader_and_duplicates_are_refused_by_name(
    pairs: list[tuple[str, Any]], random: Random
) -> None:
    body = (space(random) + render(tuple(pairs), random) + space(random)).encode()
    expected = reference(body)
    keys = [key for key, _ in expected]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        with pytest.raises(BadRequest) as caught:
            scan(body)
        assert caught.value.param in twice
    else:
        found = scan(body)
        assert [(key, span) for key, (span, _) in found.items()] == expected
        assert all(body[span.start : span.end] == bytes(raw) for span, raw in found.values())


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":1,"model":2}',
        b'{"model":1,"model":1}',
        b'{"model":"a","mod\\u0065l":"a"}',
        b'{"mod\\u0065l":"a","model":"b"}',
        b'{"model":12,"model":1}',
        b'{"model":1,"model":12}',
        b'{"model":{},"x":1,"model":[]}',
        b'{"a":1,"model":"\\"","model":"\\"x"}',
        b'{"model":1.5,"model":1}',
        b'{"model":-1,"model":-1e3 }',
        b'{"model" : [] , "model" : [ ] }',
    ],
)
def test_a_key_that_occurs_twice_is_refused_by_name(body: bytes) -> None:
    with pytest.raises(BadRequest, match="'model' occurs more than once") as caught:
        scan(body)
    assert (caught.value.param, caught.value.code) == ("model", "duplicate_key")


def test_equal_keys_at_different_depths_are_no_duplicates() -> None:
    assert list(scan(b'{"model":{"model":{"model":1}},"x":[{"model":2},{"model":2}]}')) == ["model", "x"]


def test_an_empty_object_has_no_members() -> None:
    assert scan(b" { \n } ") == {}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"{", "not valid JSON"),
        (b'{"model":"a"', "not valid JSON"),
        (b'{"model":"a",}', "trailing comma"),
        (b'{"model":"a"} x', "trailing characters"),
        (b'{"model":"a"}{"model":"b"}', "trailing characters"),
        (b"{'model':'a'}", "not valid JSON"),
        (b'{"a":NaN}', "not valid JSON"),
        (b'{"a":Infinity}', "not valid JSON"),
        (b'{"a":01}', "invalid number"),
        (b'{"a":"\x01"}', "not valid JSON"),
        (b'{"a":"\\x"}', "invalid escaped character"),
        (b'\xef\xbb\xbf{"a":1}', "byte order mark"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"\xff":1}', "UTF-8"),
        (b'{"a":{"b":["\xc0\x80"]}}', "UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "UTF-8"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"a":"\\ud800 b"}', "surrogate"),
        (b'{"a":"\\udc00"}', "surrogate"),
        (b"[1]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"1", "must be a JSON object"),
        (b"--boundary\r\nContent-Disposition: form-data", "not valid JSON"),
        (b"model=auto&prompt=hi", "not valid JSON"),
    ],
)
def test_what_is_no_json_object_is_refused_with_the_reason(body: bytes, says: str) -> None:
    with pytest.raises(BadRequest, match=says) as caught:
        scan(body)
    assert caught.value.http_status == 400


def test_the_number_of_members_is_bounded() -> None:
    scan(b"{" + b",".join(b'"%d":0' % i for i in range(MAX_MEMBERS)) + b"}")
    with pytest.raises(BadRequest, match="more than 1024"):
        scan(b"{" + b",".join(b'"%d":0' % i for i in range(MAX_MEMBERS + 1)) + b"}")


def test_a_key_of_a_million_escapes_is_read_whole() -> None:
    body = b'{"' + b"\\n" * 1_000_000 + b'":1}'
    assert [len(key) for key in scan(body)] == [1_000_000]


@given(st.binary(max_size=60) | st.text('{}[]":,\\ \n1.e-truenul', max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        found = scan(body)
    except BadRequest:
        return
    assert [(key, span) for key, (span, _) in found.items()] == reference(body)

"""YAML is read as YAML 1.2 means it, strictly, with lines, and within bounds."""

from __future__ import annotations

import contextlib
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.document.builder import MAX_DEPTH, Malformed
from forebay_api.document.scalars import kubectl_reading
from forebay_api.document.stream import MAX_DOCUMENT_CHARACTERS, read_document, split_documents


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Off", "Off"),
        ("on", "on"),
        ("no", "no"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("8", 8),
        ("-8", -8),
        ("8.0", 8),
        ("1e3", 1000),
        ("0.5", 0.5),
        (".5", 0.5),
        ("010", "010"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-01-02", "2026-01-02"),
        ("10.0.0.7", "10.0.0.7"),
        ('"true"', "true"),
        ("'8'", "8"),
        ("!!str 8", "8"),
    ],
)
def test_a_scalar_is_what_yaml_1_2_and_json_make_of_it(text: str, value: Any) -> None:
    read = read_document(f"v: {text}").value["v"]

    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", [".inf", "-.inf", ".nan", "1e999", "9" * 30, "9223372036854775808"])
def test_numbers_that_json_cannot_hold_are_refused(text: str) -> None:
    with pytest.raises(Malformed, match="number"):
        read_document(f"v: {text}")


@given(st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_every_json_number_is_read_as_itself(number: float) -> None:
    assert math.isclose(read_document(f"v: {number!r}").value["v"], number, rel_tol=0, abs_tol=0)


@pytest.mark.parametrize(
    ("text", "reading"),
    [("Off", "a boolean"), ("y", "a boolean"), ("010", "a number"), ("1_000", "a number"), ("0x1F", "a number")]
    + [(text, "") for text in ("1:30", "_1", "0x", "10.0.0.7", "2026-01-02", "office")],
)
def test_words_that_kubectl_reads_otherwise_are_known(text: str, reading: str) -> None:
    # Each line was tried with sigs.k8s.io/yaml 1.6, which kubectl and the API server read manifests with.
    assert kubectl_reading(text) == reading


def test_quoted_words_mean_the_same_everywhere() -> None:
    assert read_document('v: "Off"').bare == ()
    assert [bare.path for bare in read_document("v: {Off: on}").bare] == [("v", "Off"), ("v", "Off")]


def test_every_place_knows_its_line() -> None:
    document = read_document("# a comment\na:\n  b:\n  - 1\n  - c: >\n      text\n      text\n    d: 2\n", 10)

    assert [document.line_of(path) for path in [(), ("a",), ("a", "b", 0), ("a", "b", 1, "d")]] == [11, 11, 13, 17]


def test_a_place_that_is_not_written_has_the_line_of_what_contains_it() -> None:
    document = read_document("a:\n  b: {}\n")

    assert document.line_of(("a", "b", "missing", 3)) == 2


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a: 1\nb: 2\na: 3", 'the key "a" stands here twice', 3),
        ("a: {b: 1,\n b: 2}", 'the key "b" stands here twice', 2),
        ("a:\n  1: x", 'keys are text: write "1" in quotes', 2),
        ("true: x", 'keys are text: write "true" in quotes', 1),
        ("? [a]\n: b", "keys are text, not lists", 1),
        ("x: &k a\n*k : b", "keys are text, not aliases", 2),
        ("a: &a {b: 1}\nc:\n  <<: *a", "merge keys", 3),
        ("a: !secret b", "tags such as !secret", 1),
        ("a: !!python/object:os.system {}", "tags such as", 1),
        ("a: !!int 3", "tags such as", 1),
        ("a: *b", "the alias \\*b", 1),
        ("&a [*a]", "the alias \\*a", 1),
        ("a:\n- [1, 2\nb: 3", "not YAML: .* while parsing a flow sequence from line 2", 3),
        ("a: b: c", "not YAML: mapping values are not allowed .* column 5", 1),
        ("a: \x01", "not YAML", 1),
        ("a: \udc00", "not YAML", 1),
        ("a: 1\n---\nb: 2", "a second document", 2),
    ],
)
def test_what_readers_disagree_on_is_refused_with_its_line(text: str, message: str, line: int) -> None:
    with pytest.raises(Malformed, match=message) as caught:
        read_document(text)

    assert caught.value.line == line


def test_aliases_repeat_what_they_name() -> None:
    assert read_document("a: &x {b: [1]}\nc: *x\nd: [*x, *x]").value == {
        "a": {"b": [1]},
        "c": {"b": [1]},
        "d": [{"b": [1]}, {"b": [1]}],
    }


def billion_laughs() -> str:
    levels = [f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(9)]
    return "\n".join(["a: &a [x, x, x, x, x, x, x, x, x]", *levels])


def alias_ladder() -> str:
    return "\n".join(["- &a0 x", *(f"- &a{n + 1} [*a{n}]" for n in range(5000))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (billion_laughs(), "aliases written out"),
        (alias_ladder(), "nested deeper"),
        ("[" * 100_000, "nested deeper"),
        ("{a: " * 100_000, "nested deeper"),
        ("- " * 100_000 + "x", "nested deeper"),
        ("[" + "x," * 150_000 + "]", "more than 100000 values"),
        ("a: " + "x" * MAX_DOCUMENT_CHARACTERS, "characters"),
    ],
    ids=["billion laughs", "alias ladder", "brackets", "braces", "dashes", "wide", "long"],
)
def test_bombs_are_refused_before_they_go_off(text: str, message: str) -> None:
    start = time.process_time()

    with pytest.raises(Malformed, match=message):
        read_document(text)

    assert time.process_time() - start < 5


def test_depth_within_the_bound_is_read() -> None:
    value = read_document("[" * MAX_DEPTH + "]" * MAX_DEPTH).value
    for _ in range(MAX_DEPTH - 1):
        (value,) = value
    assert value == []


def test_documents_are_split_where_yaml_splits_them() -> None:
    text = "%YAML 1.2\n---\na: |\n  ---\n  x\n--- # comment\n\n# nothing\n---\nb: 1\n---\n"

    assert [(read_document(chunk, line).value, line) for chunk, line in split_documents(text)] == [
        ({"a": "---\nx\n"}, 2),
        ({"b": 1}, 9),
    ]


@given(st.text(alphabet=st.sampled_from("ab:-?&*!|>'\"%@`#{}[], \n\t~<0.")))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    for chunk, line in split_documents(text):
        with contextlib.suppress(Malformed):
            read_document(chunk, line)

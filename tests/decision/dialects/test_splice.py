"""Edits as values."""

from itertools import pairwise
from urllib.parse import unquote_to_bytes

from hypothesis import given
from hypothesis import strategies as st

from forebay_decision.dialects.openai.splice import encode_edits, rebase, splice
from forebay_decision.request import Edit

BODIES = st.binary(min_size=0, max_size=30)


@st.composite
def edits(draw: st.DrawFn, size: int) -> tuple[Edit, ...]:
    """Sorted edits of a body of `size` bytes that do not overlap; they may touch."""
    cuts = sorted(draw(st.lists(st.integers(0, size), max_size=8)))
    ranges = [(a, b) for a, b in pairwise(cuts) if draw(st.booleans())]
    starts_once = dict(ranges)
    kept: list[Edit] = []
    for start, end in sorted(starts_once.items()):
        if not kept or start >= kept[-1].start + max(kept[-1].length, 1):
            kept.append(Edit(start, end - start, draw(st.binary(max_size=4))))
    return tuple(kept)


@st.composite
def cases(draw: st.DrawFn) -> tuple[bytes, tuple[Edit, ...], tuple[Edit, ...]]:
    body = draw(BODIES)
    return body, draw(edits(len(body))), draw(edits(len(body)))


def slow_splice(body: bytes, changes: tuple[Edit, ...]) -> bytes:
    for edit in reversed(changes):
        body = body[: edit.start] + edit.text + body[edit.start + edit.length :]
    return body


@given(cases())
def test_splicing_all_at_once_equals_splicing_one_by_one_from_the_end(
    case: tuple[bytes, tuple[Edit, ...], tuple[Edit, ...]],
) -> None:
    body, changes, _ = case
    assert splice(body, changes) == slow_splice(body, changes)


@given(cases())
def test_rebased_edits_lead_from_one_spliced_body_to_the_other(
    case: tuple[bytes, tuple[Edit, ...], tuple[Edit, ...]],
) -> None:
    body, primary, other = case
    rebased = rebase(primary, other, body)
    assert splice(splice(body, primary), rebased) == splice(body, other)
    assert all(a.start + a.length <= b.start for a, b in pairwise(rebased))


@given(cases())
def test_nothing_is_rebased_onto_itself(case: tuple[bytes, tuple[Edit, ...], tuple[Edit, ...]]) -> None:
    body, primary, _ = case
    assert rebase(primary, primary, body) == ()


@given(cases())
def test_encoded_edits_can_be_read_back_by_splitting(case: tuple[bytes, tuple[Edit, ...], tuple[Edit, ...]]) -> None:
    _, changes, _ = case
    text = encode_edits(changes)
    entries = [entry.split(":") for entry in text.split(",")] if text else []
    assert tuple(Edit(int(start), int(length), unquote_to_bytes(new)) for start, length, new in entries) == changes
    assert not set(text) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%,:"), (
        "only unreserved characters stand as they are"
    )


def test_the_header_form_is_the_one_that_envoys_rooms_read() -> None:
    assert encode_edits([Edit(12, 20, b'"qwen"'), Edit(45, 0, b',"a":1')]) == "12:20:%22qwen%22,45:0:%2C%22a%22%3A1"
    assert encode_edits([]) == ""

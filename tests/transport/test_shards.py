"""Configuration packed into files, and what is refused of them."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay_transport import shards
from forebay_transport.shards import INDEX, SHARD_BYTES, Kept, TooLarge, UnusableShards, pack, read_directory, unpack

kept = st.builds(Kept, name=st.text(max_size=20), version=st.text(max_size=16), value=st.binary(max_size=200))
contents = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.lists(kept, max_size=5, unique_by=lambda each: each.name).map(tuple),
    max_size=3,
)


@given(contents)
def test_what_is_unpacked_is_what_was_packed(content: dict[str, tuple[Kept, ...]]) -> None:
    _, files = pack(content)
    found = unpack(files)
    assert {url: set(each) for url, each in found.items()} == {url: set(each) for url, each in content.items()}


@given(contents)
def test_the_same_content_has_the_same_hash_and_bytes_in_any_order(content: dict[str, tuple[Kept, ...]]) -> None:
    shuffled = {url: tuple(reversed(content[url])) for url in reversed(list(content))}
    assert pack(content) == pack(shuffled)


def large(seed: int, size: int = 3 * SHARD_BYTES) -> dict[str, tuple[Kept, ...]]:
    return {"a": (Kept("x", "1", random.Random(seed).randbytes(size)),)}


def test_a_large_content_takes_several_shards_and_the_index_comes_last() -> None:
    _, files = pack(large(1))
    assert list(files) == ["shard-1", "shard-2", "shard-3", "shard-4", INDEX]
    assert all(len(data) <= SHARD_BYTES for data in files.values())


def test_shards_of_two_sets_are_never_mixed() -> None:
    _, old = pack(large(1))
    _, new = pack(large(2))
    for name in old:
        if name != INDEX:
            with pytest.raises(UnusableShards, match=f"{name} is not the one that the index names"):
                unpack({**old, name: new[name]})
    with pytest.raises(UnusableShards, match="shard-1 is not"):
        unpack({**old, INDEX: new[INDEX]})


def test_shards_that_the_index_does_not_name_are_left_alone() -> None:
    small = {"a": (Kept("x", "1", b"value"),)}
    _, before = pack(large(1))
    _, after = pack(small)
    assert unpack({**before, **after}) == small


def test_another_versions_format_is_refused() -> None:
    _, files = pack({})
    index = msgspec.json.decode(files[INDEX])
    with pytest.raises(UnusableShards, match="format 2 was written by another version, this one reads 1"):
        unpack({**files, INDEX: msgspec.json.encode({**index, "format": 2, "new": True})})


def test_what_a_newer_version_adds_to_the_index_is_skipped() -> None:
    _, files = pack({})
    index = msgspec.json.decode(files[INDEX])
    assert unpack({**files, INDEX: msgspec.json.encode({**index, "new": True})}) == {}


@pytest.mark.parametrize("data", [b"", b"{}", b"nothing", b'{"format": 1, "shards": ["x"]}'])
def test_a_damaged_index_is_refused(data: bytes) -> None:
    with pytest.raises(UnusableShards):
        unpack({INDEX: data})


def test_more_than_fits_is_refused_before_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MAX_SHARDS", 2)
    with pytest.raises(TooLarge, match="needs 4 shards, 2 are the most"):
        pack(large(1))


def test_a_bomb_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    _, files = pack({"a": (Kept("x", "1", bytes(1 << 20)),)})
    monkeypatch.setattr(shards, "MAX_CONTENT_BYTES", 1 << 10)
    with pytest.raises(UnusableShards, match="cut off, or has more than 1024 bytes"):
        unpack(files)


def test_a_directory_without_an_index_holds_nothing(tmp_path: Path) -> None:
    assert read_directory(tmp_path) is None
    assert read_directory(tmp_path / "none") is None


def test_a_directory_is_read_whole(tmp_path: Path) -> None:
    content = large(1)
    for name, data in pack(content)[1].items():
        (tmp_path / name).write_bytes(data)
    assert read_directory(tmp_path) == content

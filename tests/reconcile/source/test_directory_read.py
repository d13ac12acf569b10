"""One look at a directory: what counts, what is said, and what stays although its text went wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from forebay_operator.source import directory as directory_module
from forebay_operator.source.directory import Directory
from forebay_operator.source.file import MAX_FILE_BYTES, read_bounded

Pool = Callable[..., str]


@pytest.fixture
def directory(root: Path) -> Directory:
    return Directory(root)


def messages(directory: Directory) -> list[str]:
    return [str(error) for error in directory.read().errors]


def test_objects_of_all_files_are_shown_by_namespace_and_name(root: Path, directory: Directory, pool: Pool) -> None:
    (root / "a.yaml").write_text(pool("one") + "---\n" + pool("two"))
    (root / "b.yml").write_text(pool("one", namespace="other"))
    view = directory.read()
    assert list(view.pools) == ["ai/one", "ai/two", "other/one"]
    assert view.errors == ()


def test_forebay_yaml_beside_the_manifests_is_the_local_configuration(root: Path, directory: Directory) -> None:
    (root / "forebay.yaml").write_text("workers: 3\n")
    assert directory.read().local.workers == 3


def test_without_forebay_yaml_the_defaults_count(directory: Directory) -> None:
    assert directory.read().local.workers == 1


def test_a_broken_forebay_yaml_leaves_the_last_good_one_in_force(root: Path, directory: Directory) -> None:
    (root / "forebay.yaml").write_text("workers: 3\n")
    directory.read()
    (root / "forebay.yaml").write_text("wokers: 4\n")
    view = directory.read()
    assert view.local.workers == 3
    assert "wokers" in str(view.errors[0])


def test_a_deleted_file_removes_its_objects(root: Path, directory: Directory, pool: Pool) -> None:
    (root / "a.yaml").write_text(pool("one"))
    directory.read()
    (root / "a.yaml").unlink()
    assert directory.read().pools == {}


@pytest.mark.parametrize("broken", ["", "  \n", "kind: [", "\x00", "apiVersion: forebay.dev/v1alpha1\nkind: Mode"])
def test_a_half_written_file_keeps_what_it_held_and_says_so(
    root: Path, directory: Directory, pool: Pool, broken: str
) -> None:
    (root / "a.yaml").write_text(pool("one"))
    directory.read()
    (root / "a.yaml").write_text(broken)
    view = directory.read()
    assert list(view.pools) == ["ai/one"]
    assert view.kept == {"ModelPool ai/one": "a.yaml"}
    assert any("stays until it is mended or deleted: ModelPool ai/one" in error.message for error in view.errors)


def test_the_error_stays_as_long_as_the_file_is_broken(root: Path, directory: Directory, pool: Pool) -> None:
    (root / "a.yaml").write_text(pool("one"))
    directory.read()
    (root / "a.yaml").write_text("kind: [")
    assert messages(directory) == messages(directory) != []


def test_a_file_that_is_mended_is_taken_at_its_word(root: Path, directory: Directory, pool: Pool) -> None:
    for text in (pool("one"), "kind: [", pool("two")):
        (root / "a.yaml").write_text(text)
        view = directory.read()
    assert list(view.pools) == ["ai/two"]
    assert view.errors == ()
    assert view.kept == {}


def test_good_documents_beside_a_bad_one_move_on(root: Path, directory: Directory, pool: Pool) -> None:
    (root / "a.yaml").write_text(pool("one") + "---\n" + pool("two"))
    directory.read()
    (root / "a.yaml").write_text(pool("one", port=9) + "---\n" + pool("two").replace("models", "modles"))
    view = directory.read()
    one, two = (view.pools[name].spec.backend.addresses for name in ("ai/one", "ai/two"))
    assert one is not None
    assert two is not None
    assert (one[0].port, two[0].port) == (9, 8000)
    assert list(view.kept) == ["ModelPool ai/two"]


def test_an_object_in_two_files_counts_in_the_first_and_both_are_named(
    root: Path, directory: Directory, pool: Pool
) -> None:
    (root / "b.yaml").write_text(pool("one", port=2))
    (root / "a.yaml").write_text(pool("one", port=1))
    view = directory.read()
    addresses = view.pools["ai/one"].spec.backend.addresses
    assert addresses is not None
    assert addresses[0].port == 1
    assert [str(error) for error in view.errors] == [
        "b.yaml: ModelPool ai/one: stands in a.yaml, too, and counts there: remove one of the two"
    ]


def test_the_second_file_counts_once_the_first_lets_go(root: Path, directory: Directory, pool: Pool) -> None:
    (root / "a.yaml").write_text(pool("one", port=1))
    (root / "b.yaml").write_text(pool("one", port=2))
    directory.read()
    (root / "a.yaml").unlink()
    view = directory.read()
    assert list(view.pools) == ["ai/one"]
    assert view.errors == ()


def test_text_that_is_not_utf8_is_refused_by_name(root: Path, directory: Directory) -> None:
    (root / "a.yaml").write_bytes(b"kind: \xff\xfe")
    assert "a.yaml:1: not UTF-8" in messages(directory)[0]


def test_a_huge_file_is_not_read(root: Path, directory: Directory) -> None:
    (root / "a.yaml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    assert "is longer than" in messages(directory)[0]


def test_a_named_pipe_does_not_hold_up_the_look(root: Path, directory: Directory, pool: Pool) -> None:
    os.mkfifo(root / "a.yaml")
    (root / "b.yaml").write_text(pool("one"))
    assert list(directory.read().pools) == ["ai/one"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_keeps_what_it_held(root: Path, directory: Directory, pool: Pool) -> None:
    (root / "a.yaml").write_text(pool("one"))
    directory.read()
    (root / "a.yaml").chmod(0)
    view = directory.read()
    assert list(view.pools) == ["ai/one"]
    assert "Permission denied" in str(view.errors[0])


def test_a_file_whose_reading_fails_keeps_what_it_held(
    root: Path, directory: Directory, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.yaml").write_text(pool("one"))
    directory.read()

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("forebay_operator.source.file.os.open", refuse)
    view = directory.read()
    assert list(view.pools) == ["ai/one"]
    assert "a.yaml: cannot be read: Permission denied" in [str(error) for error in view.errors]


def test_a_mounted_configmap_that_is_swapped_while_it_is_read_is_shown_whole(
    root: Path, directory: Directory, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version, port in (("..1", 1), ("..2", 2)):
        (root / version).mkdir()
        for name in ("a", "b"):
            (root / version / f"{name}.yaml").write_text(pool(name, port=port))
    for name in ("a", "b"):
        (root / f"{name}.yaml").symlink_to(f"..data/{name}.yaml")
    (root / "..data").symlink_to("..1")

    def swapped_after_the_first(path: Path) -> bytes:
        data = read_bounded(path)
        if os.readlink(root / "..data") == "..1":
            (root / "..new").symlink_to("..2")
            (root / "..new").rename(root / "..data")
        return data

    monkeypatch.setattr(directory_module, "read_bounded", swapped_after_the_first)
    addresses = [pool.spec.backend.addresses or [] for pool in directory.read().pools.values()]
    assert [address.port for each in addresses for address in each] == [2, 2]


def test_a_missing_directory_says_what_to_do(tmp_path: Path) -> None:
    (error,) = Directory(tmp_path / "none").read().errors
    assert error.message == "there is no such directory: create it, or name another"


def test_a_file_in_place_of_the_directory_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (error,) = Directory(tmp_path / "file").read().errors
    assert "is not a directory" in error.message


def test_a_directory_that_vanishes_keeps_everything(root: Path, directory: Directory, pool: Pool) -> None:
    (root / "a.yaml").write_text(pool("one"))
    directory.read()
    shutil.rmtree(root)
    view = directory.read()
    assert list(view.pools) == ["ai/one"]
    assert view.errors[0].message.endswith("what it held before stays")


def test_an_edited_comment_is_no_news(root: Path, directory: Directory, pool: Pool) -> None:
    (root / "a.yaml").write_text(pool("one"))
    before = directory.read().digest
    (root / "a.yaml").write_text("# a comment\n" + pool("one"))
    assert directory.read().digest == before


def test_a_changed_field_and_a_new_error_are_news(root: Path, directory: Directory, pool: Pool) -> None:
    digests = set()
    for text in (pool("one"), pool("one", port=9), "kind: ["):
        (root / "a.yaml").write_text(text)
        digests.add(directory.read().digest)
    assert len(digests) == 3


def test_unchanged_files_are_not_parsed_again(
    root: Path, directory: Directory, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.yaml").write_text(pool("one"))
    first = directory.read()
    monkeypatch.setattr("forebay_operator.source.contents.load_manifests", None)
    assert directory.read().pools["ai/one"] is first.pools["ai/one"]


def test_a_name_that_is_no_utf_8_is_told_and_its_file_read(root: Path, directory: Directory, pool: Pool) -> None:
    name = os.fsdecode(b"b\xff.yaml")
    (root / name).write_text(pool("one"))
    assert list(directory.read().pools) == ["ai/one"]
    (root / name).write_text(pool("one") + "---\nkind: ModelPool\n")
    view = directory.read()
    assert list(view.pools) == ["ai/one"]
    assert view.errors[0].source == "b\\xff.yaml"

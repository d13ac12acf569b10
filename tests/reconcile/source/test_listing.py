"""Which files of a directory count as manifests."""

from __future__ import annotations

from pathlib import Path

import pytest

from forebay_operator.source.listing import DEPTH, TooManyFiles, is_manifest_name, manifest_paths


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")


@pytest.mark.parametrize("name", ["a.yaml", "b.yml", "c.json"])
def test_yaml_and_json_files_count(name: str) -> None:
    assert is_manifest_name(name)


@pytest.mark.parametrize(
    "name",
    [".a.yaml", ".a.yaml.swp", "a.yaml~", "#a.yaml#", "a.yaml.bak", "a.txt", "4913", "kustomization.yaml", "~a.yaml"],
)
def test_hidden_temporary_and_foreign_files_do_not_count(name: str) -> None:
    assert not is_manifest_name(name)


def test_directories_are_searched_to_the_stated_depth(root: Path) -> None:
    within, beyond = "/".join("d" * DEPTH), "/".join("d" * (DEPTH + 1))
    put(root, "a.yaml", f"{within}/in.yaml", f"{beyond}/out.yaml", ".git/x.yaml")
    assert manifest_paths(root) == ("a.yaml", f"{within}/in.yaml")


def test_forebay_yaml_is_no_manifest_at_the_root_and_one_below_it(root: Path) -> None:
    put(root, "forebay.yaml", "sub/forebay.yaml")
    assert manifest_paths(root) == ("sub/forebay.yaml",)


def test_a_mounted_configmap_shows_each_file_once_under_its_own_name(root: Path) -> None:
    put(root, "..2024_01/a.yaml")
    (root / "..data").symlink_to("..2024_01")
    (root / "a.yaml").symlink_to("..data/a.yaml")
    assert manifest_paths(root) == ("a.yaml",)


def test_a_link_back_to_its_own_directory_ends(root: Path) -> None:
    put(root, "sub/a.yaml")
    (root / "sub" / "loop").symlink_to(root)
    assert manifest_paths(root) == ("sub/a.yaml",)


def test_a_dangling_link_is_no_file(root: Path) -> None:
    (root / "a.yaml").symlink_to("nowhere")
    assert manifest_paths(root) == ()


def test_a_directory_with_thousands_of_manifests_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay_operator.source.listing.MAX_FILES", 3)
    put(root, *(f"{n}.yaml" for n in range(4)))
    with pytest.raises(TooManyFiles, match="more than 3 manifests"):
        manifest_paths(root)

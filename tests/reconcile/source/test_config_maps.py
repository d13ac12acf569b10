"""ConfigMaps beside manifests in a directory: read where they carry the label, like the objects that refer to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from forebay_operator.gather import gather
from forebay_operator.source.directory import Directory
from forebay_operator.source.view import View

WORDS = """apiVersion: v1
kind: ConfigMap
metadata: {name: words, namespace: ai, labels: {forebay.dev/policy-data: "true"}}
data:
  urgent: |
    # what cannot wait
    now
"""
POLICY = """apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: assistant, namespace: ai}
spec:
  strategies: [{name: plain, direct: {pools: [{name: small}]}}]
  default: {use: plain}
  signals: [{name: urgent, keyword: {anyFrom: {configMapRef: {name: words, key: urgent}}}}]
"""


@pytest.fixture
def directory(root: Path) -> Directory:
    return Directory(root)


def phrases(view: View, root: Path) -> list[str] | None:
    made = gather(view, base=root, environ={}).policies["ai/assistant"].spec.signals[0].keyword
    assert made is not None
    return made.any


def test_a_list_beside_the_policy_is_put_into_it(root: Path, directory: Directory) -> None:
    (root / "policy.yaml").write_text(POLICY)
    (root / "words.yaml").write_text(WORDS)
    view = directory.read()
    assert view.errors == ()
    assert phrases(view, root) == ["now"]


def test_an_edit_of_the_list_is_news_and_a_comment_in_the_yaml_is_none(root: Path, directory: Directory) -> None:
    (root / "policy.yaml").write_text(POLICY)
    (root / "words.yaml").write_text(WORDS)
    first = directory.read()
    (root / "words.yaml").write_text("# written anew\n" + WORDS)
    assert directory.read().digest == first.digest
    (root / "words.yaml").write_text(WORDS + "    at once\n")
    second = directory.read()
    assert second.digest != first.digest
    assert phrases(second, root) == ["now", "at once"]


def test_a_list_stays_while_its_file_is_broken_and_goes_with_it(root: Path, directory: Directory) -> None:
    (root / "policy.yaml").write_text(POLICY)
    (root / "words.yaml").write_text(WORDS)
    directory.read()
    (root / "words.yaml").write_text(WORDS + "  rude: [damn]\n")
    broken = directory.read()
    assert phrases(broken, root) == ["now"]
    assert "data.rude" in str(broken.errors[0])
    (root / "words.yaml").unlink()
    view = directory.read()
    assert phrases(view, root) is None
    (finding,) = gather(view, base=root, environ={}).data_findings["ai/assistant"]
    assert finding.reason == "ConfigMapNotFound"


def test_a_config_map_without_the_label_is_passed_over(root: Path, directory: Directory) -> None:
    (root / "policy.yaml").write_text(POLICY)
    (root / "words.yaml").write_text(WORDS.replace("forebay.dev/policy-data", "app"))
    view = directory.read()
    assert view.config_maps == {}
    assert [error.message for error in view.errors] == ["passed over: v1 ConfigMap is not Forebay's"]


def test_two_files_with_the_same_config_map_are_told_of(root: Path, directory: Directory) -> None:
    (root / "a.yaml").write_text(WORDS)
    (root / "b.yaml").write_text(WORDS)
    view = directory.read()
    assert list(view.config_maps) == ["ai/words"]
    assert "stands in a.yaml, too" in str(view.errors[0])

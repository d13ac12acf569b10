"""Gathering: what reading the manifests has found goes to the objects it concerns."""

from __future__ import annotations

from pathlib import Path

from forebay_operator.gather import Inputs, gather
from forebay_operator.source.directory import Directory

POOL = """\
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: small, namespace: ai}
spec:
  backend: {addresses: [{host: 127.0.0.1, port: 8000}]}
  models: [{name: m}]
  credentials: [{secretRef: {name: s, key: k}}]
"""


def gathered(directory: Directory, **environ: str) -> Inputs:
    return gather(directory.read(), base=directory.root, environ=environ)


def test_credentials_are_resolved_beside_the_objects(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POOL)
    (tmp_path / "forebay.yaml").write_text("secrets: {s: {k: {env: KEY}}}\n")
    assert gathered(Directory(tmp_path), KEY="v").credentials.reveal() == {"ai/small": "v"}


def test_what_is_wrong_with_a_newer_text_goes_to_the_object_it_could_not_replace(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    (tmp_path / "a.yaml").write_text(POOL)
    directory.read()
    (tmp_path / "a.yaml").write_text(POOL.replace("models", "modles"))
    findings = gathered(directory).pool_faults["ai/small"]
    assert any(f.severity == "Error" and "a.yaml:" in f.message for f in findings)


def test_text_that_is_no_yaml_goes_to_all_that_the_file_held(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    (tmp_path / "a.yaml").write_text(POOL)
    directory.read()
    (tmp_path / "a.yaml").write_text("kind: [")
    (finding,) = gathered(directory).pool_faults["ai/small"]
    assert "not YAML" in finding.message


def test_a_twin_in_another_file_is_not_held_against_the_first(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    (tmp_path / "a.yaml").write_text(POOL)
    (tmp_path / "b.yaml").write_text(POOL)
    errors = [f for f in gathered(directory).pool_faults.get("ai/small", ()) if f.severity == "Error"]
    assert errors == []

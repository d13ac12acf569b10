"""What a GitOps controller does with the examples: apply them again and again, and find nothing to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT
from .kube import Kube

EXAMPLES = ROOT / "examples"
OURS = "forebay.dev/"
APPLY = ("apply", "--server-side", "--field-manager=gitops")


def _documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if isinstance(document, dict)]


def _is_ours(path: Path) -> bool:
    return any(str(document.get("apiVersion")).startswith(OURS) for document in _documents(path.read_text()))


def _folders() -> Iterator[Path]:
    """Folders of plain manifests; what a kustomization lists is tried as the kustomization."""
    found = {path.parent for path in sorted(EXAMPLES.rglob("*.yaml")) if _is_ours(path)}
    yield from sorted(found - {path.parent for path in EXAMPLES.rglob("kustomization.yaml")})


FOLDERS = list(_folders())
KUSTOMIZATIONS = sorted(path.parent for path in EXAMPLES.rglob("kustomization.yaml"))


def _name(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_applying_an_example_twice_changes_nothing(kube: Kube, namespace: str, folder: Path) -> None:
    ours = [path for path in sorted(folder.glob("*.yaml")) if _is_ours(path)]
    with _namespaces(kube, [document for path in ours for document in _documents(path.read_text())]) as named:
        files = tuple(f"--filename={path}" for path in ours)
        _apply_twice(kube, (*(() if named else ("-n", namespace)), *files))


@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=_name)
def test_applying_a_kustomization_twice_changes_nothing(kube: Kube, namespace: str, folder: Path) -> None:
    rendered = _documents(kube.kubectl("kustomize", str(folder)).stdout)
    with _namespaces(kube, rendered) as named:
        _apply_twice(kube, ("--kustomize", str(folder), *(() if named else ("-n", namespace))))


@contextmanager
def _namespaces(kube: Kube, documents: list[dict[str, Any]]) -> Iterator[set[str]]:
    """The namespaces that the documents name, for as long as they are needed."""
    named = {document["metadata"]["namespace"] for document in documents if "namespace" in document["metadata"]}
    for name in named:
        kube.kubectl("create", "namespace", name, check=False)  # two examples may share one
    yield named
    for name in named:
        kube.kubectl("delete", "namespace", name, "--timeout=120s")  # an example may have one of the same name


def _apply_twice(kube: Kube, what: tuple[str, ...]) -> None:
    first = _applied(kube, what)
    difference = kube.kubectl("diff", "--server-side", "--field-manager=gitops", *what, check=False)
    second = _applied(kube, what)
    third = _applied(kube, what)

    assert (difference.returncode, difference.stdout) == (0, "")
    assert first
    assert _generations(second) == _generations(first)
    # Until the operator has written a status, the second write of any kind stores the default one of the CRD.
    assert third == second


def _applied(kube: Kube, what: tuple[str, ...]) -> list[dict[str, Any]]:
    """The objects as they are stored, with the resource version that every change raises."""
    content = json.loads(kube.kubectl(*APPLY, *what, "--output=json", "--show-managed-fields").stdout)
    return content["items"] if content["kind"] == "List" else [content]


def _generations(stored: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(item["metadata"]["uid"], item["metadata"].get("generation", 0)) for item in stored]

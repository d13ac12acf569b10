"""Every manifest of tests/manifests on a real API server: what the loader takes it takes, what the loader refuses it
refuses, and where the refusal is a rule of ours it is our sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from .conftest import CRDS, ROOT
from .kube import PLACES, Kube

ACCEPTED = sorted((ROOT / "tests/manifests/accepted").glob("*.yaml"))
REJECTED = sorted((ROOT / "tests/manifests/rejected").glob("*.yaml"))
NO_PLACE = {"kind"}
"""Manifests of a kind that no API server knows: there is no address to send them to."""


@pytest.mark.parametrize("manifest", ACCEPTED, ids=lambda path: path.stem)
def test_the_api_server_takes_what_the_loader_takes(kube: Kube, manifest: Path) -> None:
    answer = _create(kube, manifest)

    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("manifest", REJECTED, ids=lambda path: path.stem)
def test_the_api_server_refuses_what_the_loader_refuses(kube: Kube, manifest: Path) -> None:
    if manifest.stem in NO_PLACE:
        assert yaml.safe_load(manifest.read_text())["kind"] not in PLACES
        return

    answer = _create(kube, manifest)

    assert answer.status_code in (400, 422), answer.text
    if answer.status_code == 422:
        assert _explains(answer, manifest), answer.text


def test_every_rule_of_the_crds_refuses_a_manifest_in_its_own_words(kube: Kube) -> None:
    heard = set()
    for manifest in (path for path in REJECTED if path.stem not in NO_PLACE):
        kind = yaml.safe_load(manifest.read_text())["kind"]
        heard |= {
            (kind, re.sub(r"\[[^]]*\]", "[]", field), message) for field, message in _causes(_create(kube, manifest))
        }

    assert sorted(set(_rules()) - heard) == []


def _create(kube: Kube, manifest: Path) -> httpx.Response:
    content = yaml.safe_load(manifest.read_text())
    return kube.create(content, content["metadata"].get("namespace", "default"), dry_run=True)


def _explains(answer: httpx.Response, manifest: Path) -> bool:
    """Whether every mistake is named where it is; in our sentence, if a rule of the CRD has found it."""
    ours = [
        line.removeprefix("# ").split(": ", 1) for line in manifest.read_text().splitlines() if line.startswith("# ")
    ]
    theirs = _causes(answer)
    rules = {message for _, _, message in _rules()}
    return all(
        any(path.startswith(field) and (message not in rules or message == said) for field, said in theirs)
        for path, message in ours
    )


def _causes(answer: httpx.Response) -> list[tuple[str, str]]:
    causes = answer.json().get("details", {}).get("causes", [])
    return [(cause.get("field", ""), cause["message"].removeprefix("Invalid value: ")) for cause in causes]


def _rules() -> Iterator[tuple[str, str, str]]:
    """Kind, place and message of every CEL rule in the generated CRDs."""
    for path in CRDS:
        spec = yaml.safe_load(path.read_text())["spec"]
        for version in spec["versions"]:
            for place, message in _rules_below(version["schema"]["openAPIV3Schema"], ""):
                yield spec["names"]["kind"], place.removeprefix("."), message


def _rules_below(schema: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    for rule in schema.get("x-kubernetes-validations", []):
        yield place + rule.get("fieldPath", ""), rule["message"]
    for name, below in schema.get("properties", {}).items():
        yield from _rules_below(below, f"{place}.{name}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(below := schema.get(keyword), dict):
            yield from _rules_below(below, f"{place}[]")

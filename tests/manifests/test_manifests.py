"""Manifests that must be taken and manifests that must be refused, as files that people can read and copy.

A rejected manifest begins with comments, one per error, in order: ``# path: message``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from forebay_api.base import CelRule
from forebay_api.manifest import load_manifests
from forebay_api.schema.kinds import KINDS
from forebay_api.schema.shape import Shape
from forebay_api.schema.structs import shape_of

HERE = Path(__file__).parent
ACCEPTED = sorted((HERE / "accepted").glob("*.yaml"))
REJECTED = sorted((HERE / "rejected").glob("*.yaml"))


@pytest.mark.parametrize("manifest", ACCEPTED, ids=lambda path: path.stem)
def test_an_accepted_manifest_loads_without_a_word(manifest: Path) -> None:
    objects, errors = load_manifests(manifest.read_text(), manifest.name)

    assert [str(error) for error in errors] == []
    assert len(objects) == 1


@pytest.mark.parametrize("manifest", REJECTED, ids=lambda path: path.stem)
def test_a_rejected_manifest_says_where_and_why(manifest: Path) -> None:
    text = manifest.read_text()

    objects, errors = load_manifests(text, manifest.name)

    assert objects == []
    found = [f"{error.path}: {error.message}" for error in errors if error.severity == "Error"]
    expected = list(_expected(text))
    assert len(found) == len(expected), found
    for told, rule in zip(found, expected, strict=True):
        # What the API server says; files are told which name is meant, too.
        assert told == rule or told.startswith(f"{rule}: "), told


@pytest.mark.parametrize("manifest", REJECTED, ids=lambda path: path.stem)
def test_every_rejected_manifest_has_an_accepted_twin(manifest: Path) -> None:
    assert (HERE / "accepted" / manifest.name) in ACCEPTED


def test_every_rule_between_fields_has_a_rejected_manifest() -> None:
    messages = {line.partition(": ")[2] for path in REJECTED for line in _expected(path.read_text())}

    untested = {rule.message for kind in KINDS.values() for rule in _rules(shape_of(kind.spec))} - messages

    assert untested == set()


def _expected(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("# "):
            return
        yield line.removeprefix("# ")


def _rules(shape: Shape) -> Iterator[CelRule]:
    yield from shape.rules
    below = [*shape.properties.values(), *(inner for inner in (shape.items, shape.values) if inner is not None)]
    for inner in below:
        yield from _rules(inner)

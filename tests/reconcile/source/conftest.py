from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]


def pool_text(name: str, *, port: int = 8000, namespace: str = "ai") -> str:
    return (
        "apiVersion: forebay.dev/v1alpha1\n"
        "kind: ModelPool\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\n"
        "spec:\n"
        f"  backend: {{addresses: [{{host: 127.0.0.1, port: {port}}}]}}\n"
        "  models: [{name: m}]\n"
    )


@pytest.fixture
def pool() -> Callable[..., str]:
    """Text of a pool's manifest."""
    return pool_text


@pytest.fixture
def root(tmp_path: Path) -> Path:
    directory = tmp_path / "manifests"
    directory.mkdir()
    return directory

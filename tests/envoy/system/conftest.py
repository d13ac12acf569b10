"""Fixtures of the whole product; also makes `stack` importable under --import-mode=importlib."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stack import Stack


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """An empty stack; a module's own fixture puts servers and manifests into it."""
    made = Stack()
    try:
        yield made
    finally:
        made.stop()

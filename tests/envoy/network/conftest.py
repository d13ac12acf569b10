"""The processes of a cluster, on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .cluster import Cluster


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Nothing runs yet but the models' server."""
    made = Cluster()
    try:
        yield made
    finally:
        made.stop()

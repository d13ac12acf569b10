from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from forebay_api.pool import PoolSpec


def make_pool(*ports: int, **spec: Any) -> PoolSpec:
    base = {
        "backend": {"addresses": [{"host": "127.0.0.1", "port": port} for port in ports or (8001, 8002)]},
        "models": [{"name": "m"}],
        "telemetry": {"engine": "vLLM"},
    }
    return msgspec.convert(base | spec, PoolSpec)


@pytest.fixture(scope="session")
def pool() -> Callable[..., PoolSpec]:
    """A pool of two vLLM endpoints, unless told otherwise."""
    return make_pool

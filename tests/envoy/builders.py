"""Policies, pools and inputs with few words; override what a test is about."""

from __future__ import annotations

from typing import Any

import msgspec

from forebay_api.local import Listener
from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.native import NativeModel
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.envoy.inputs import DataPlane, EnvoyInputs


def pool(*ports: int, models: tuple[Any, ...] = ("small",), host: str = "127.0.0.1", **spec: Any) -> PoolSpec:
    """A pool of local servers; `spec` is manifest spelling."""
    made = {
        "backend": {"addresses": [{"host": host, "port": port} for port in ports]},
        "models": [{"name": model} if isinstance(model, str) else model for model in models],
        "resilience": {"connectTimeout": "500ms", "requestTimeout": "5s"},
        **spec,
    }
    return msgspec.convert(made, PoolSpec)


def policy(*pools: str, fallback: tuple[str, ...] = (), **spec: Any) -> PolicySpec:
    """A policy with one strategy over `pools`; `spec` is manifest spelling."""
    made = {
        "strategies": [
            {
                "name": "main",
                "direct": {"pools": [{"name": p} for p in pools], "fallback": [{"name": p} for p in fallback]},
            }
        ],
        "default": {"use": "main"},
        **spec,
    }
    return msgspec.convert(made, PolicySpec)


def native(model: str = "small", pool: str = "ai/small", **fields: Any) -> NativeModel:
    made = {
        "endpoints": ("ChatCompletions",),
        "max_content_length": 4096,
        "absent": ("max_tokens", "response_format"),
        **fields,
    }
    return NativeModel(model=model, pool=pool, **made)


def inputs(
    port: int, data_plane: tuple[str, ...], policies: dict[str, PolicySpec], pools: dict[str, PoolSpec], **rest: Any
) -> EnvoyInputs:
    rest = {"listeners": (Listener(port=port),), "backends": fixed_backends(pools), **rest}
    return EnvoyInputs(policies=policies, pools=pools, data_plane=DataPlane(data_plane), **rest)

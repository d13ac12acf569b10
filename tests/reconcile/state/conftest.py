"""Builders: the smallest sound objects, with overrides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from forebay_api.local import Listener
from forebay_api.policy import RoutingPolicy
from forebay_api.pool import ModelPool
from forebay_decision.check import Finding
from forebay_operator.gather import Inputs
from forebay_operator.references.secrets import Credentials


class Build:
    """Makes objects of namespace ``ai``; keyword arguments are members of the spec, as in a manifest."""

    def pool(self, name: str = "small", **spec: Any) -> ModelPool:
        base = {"backend": {"addresses": [{"host": "127.0.0.1", "port": 8000}]}, "models": [{"name": "m"}]}
        return self._make(ModelPool, name, {}, base | spec)

    def policy(self, name: str = "assistant", *, created: str | None = None, **spec: Any) -> RoutingPolicy:
        base = {
            "strategies": [{"name": "plain", "direct": {"pools": [{"name": "small"}]}}],
            "default": {"use": "plain"},
        }
        metadata = {} if created is None else {"creationTimestamp": created}
        return self._make(RoutingPolicy, name, metadata, base | spec)

    def inputs(
        self,
        *objects: RoutingPolicy | ModelPool,
        faults: Mapping[str, Finding] | None = None,
        listeners: tuple[Listener, ...] = (),
    ) -> Inputs:
        """Inputs of these objects; `faults` go to policies by name."""
        return Inputs(
            policies={f"ai/{o.metadata.name}": o for o in objects if isinstance(o, RoutingPolicy)},
            pools={f"ai/{o.metadata.name}": o for o in objects if isinstance(o, ModelPool)},
            listeners=listeners,
            credentials=Credentials({}, {}),
            policy_faults={name: (finding,) for name, finding in (faults or {}).items()},
        )

    @staticmethod
    def _make(kind: Any, name: str, metadata: dict[str, str], spec: dict[str, Any]) -> Any:
        made = {
            "apiVersion": "forebay.dev/v1alpha1",
            "kind": kind.__name__,
            "metadata": {"name": name, "namespace": "ai", **metadata},
            "spec": spec,
        }
        return msgspec.convert(made, kind)


@pytest.fixture
def build() -> Build:
    return Build()

"""Services and InferencePools without a cluster: forebay.yaml says where their servers are, and manifests stay as they
are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from forebay_api.backend import Address
from forebay_api.pool import PoolSpec
from forebay_decision.check import Finding
from forebay_operator.backends.endpoint import Backend
from forebay_operator.backends.fixed import address_endpoints, fixed_backend


def local_backends(pools: Mapping[str, PoolSpec], mapped: Mapping[str, Sequence[Address]]) -> dict[str, Backend]:
    """The backends of pools by ``namespace/name``; `mapped` is `backends` of forebay.yaml."""
    return {
        name: fixed_backend(spec.backend) or _mapped(name.partition("/")[0], spec, mapped)
        for name, spec in pools.items()
    }


def _mapped(namespace: str, spec: PoolSpec, mapped: Mapping[str, Sequence[Address]]) -> Backend:
    backend = spec.backend
    field, kind, ref = (
        ("service", "Service", backend.service)
        if backend.service is not None
        else ("inferencePool", "InferencePool", backend.inference_pool)
    )
    if ref is None:
        return Backend()
    full = f"{ref.namespace or namespace}/{ref.name}"
    for key in (full, ref.name):
        if key in mapped:
            return Backend(address_endpoints(mapped[key]))
    message = f"there is no cluster here to find {kind} {full} in: map it in forebay.yaml: backends.{ref.name}"
    return Backend(findings=(Finding(f"spec.backend.{field}.name", message, reason="ServiceNotFound"),))

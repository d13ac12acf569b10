"""Backends whose manifest says where the servers are: addresses, and bought endpoints."""

from __future__ import annotations

from collections.abc import Mapping

from forebay_api.pool import Backend as BackendSpec
from forebay_api.pool import PoolSpec
from forebay_operator.backends.endpoint import Backend, Endpoint


def fixed_backend(spec: BackendSpec) -> Backend | None:
    """The backend of `addresses` and `external`, in declared order, each endpoint once; None for any other."""
    if spec.external is not None:
        return Backend((Endpoint(spec.external.hostname, spec.external.port),))
    if spec.addresses is not None:
        return Backend(tuple(dict.fromkeys(Endpoint(address.host, address.port) for address in spec.addresses)))
    return None


def fixed_backends(pools: Mapping[str, PoolSpec]) -> dict[str, Backend]:
    """Those of the pools whose backend is fixed."""
    found = {name: fixed_backend(spec.backend) for name, spec in pools.items()}
    return {name: backend for name, backend in found.items() if backend is not None}

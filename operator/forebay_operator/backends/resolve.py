"""Where every pool's servers are, as the cluster has it now.

Facts are shared between one look and the next: what has not changed is the very same object. So a backend whose facts
are the same objects as before is the backend of before, and one change costs what depends on it and no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import is_

import msgspec

from forebay_api.backend import InferencePoolRef, ServiceRef
from forebay_api.pool import PoolSpec
from forebay_operator.backends.endpoint import NOWHERE, Backend, Backends
from forebay_operator.backends.fixed import fixed_backend
from forebay_operator.backends.grants import grant_finding
from forebay_operator.backends.inference_pool import inference_pool_backend
from forebay_operator.backends.service import service_backend
from forebay_operator.cluster.facts import NOTHING_KNOWN, Facts
from forebay_operator.cluster.objects import Pod
from forebay_operator.judgement.findings import internal_error

INFERENCE_GROUP = "inference.networking.k8s.io"
_Grounds = tuple[object, ...]


def resolve_backends(pools: Mapping[str, PoolSpec], facts: Facts) -> Backends:
    """The backend of every pool, by ``namespace/name``."""
    return Resolver().resolve(pools, facts)


class Resolver:
    """Resolves like `resolve_backends`, and remembers the last answer and what it rests on. For one thread."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[_Grounds, Backend]] = {}
        self._facts: Facts = NOTHING_KNOWN
        self._pods: dict[str, tuple[Pod, ...]] = {}

    def resolve(self, pools: Mapping[str, PoolSpec], facts: Facts) -> Backends:
        """The backend of every pool; backends on which nothing has changed are the same objects as the last time."""
        if facts.pods is not self._facts.pods:
            self._pods = _by_namespace(facts.pods, self._pods)
        self._facts = facts
        self._known = dict(self._answers(pools, facts))
        return {name: backend for name, (_, backend) in self._known.items()}

    def _answers(self, pools: Mapping[str, PoolSpec], facts: Facts) -> Iterator[tuple[str, tuple[_Grounds, Backend]]]:
        for name, spec in pools.items():
            grounds = self._grounds(name, spec, facts)
            known = self._known.get(name)
            if known is not None and len(known[0]) == len(grounds) and all(map(is_, known[0], grounds)):
                yield name, known
            else:
                yield name, (grounds, self._backend(name, spec, facts))

    def _backend(self, name: str, spec: PoolSpec, facts: Facts) -> Backend:
        try:
            return _backend(name, spec, facts, self._pods)
        except Exception as error:  # noqa: BLE001  # it is that pool's, and stops no other
            finding = internal_error(error, f"ModelPool {name}", "its backend was looked up")
            _, before = self._known.get(name, ((), NOWHERE))
            return msgspec.structs.replace(before, findings=(finding,))

    def _grounds(self, name: str, spec: PoolSpec, facts: Facts) -> _Grounds:
        """Everything that a pool's backend is made from."""
        ref = spec.backend.service or spec.backend.inference_pool
        if ref is None:
            return (spec.backend,)
        target = _target(name, ref)
        grants = None if ref.namespace is None else facts.grants
        if isinstance(ref, ServiceRef):
            return spec.backend, grants, facts.services.get(target), facts.slices.get(target)
        pool = facts.inference_pools.get(target)
        owner = target.partition("/")[0]
        picker = None if pool is None else pool.spec.endpoint_picker_ref
        service = None if picker is None else f"{owner}/{picker.name}"
        return (
            spec.backend,
            grants,
            pool,
            self._pods.get(owner),
            None if service is None else facts.services.get(service),
            None if service is None else facts.slices.get(service),
        )


def _backend(name: str, spec: PoolSpec, facts: Facts, pods: Mapping[str, Sequence[Pod]]) -> Backend:
    fixed = fixed_backend(spec.backend)
    if fixed is not None:
        return fixed
    if spec.backend.service is not None:
        ref: ServiceRef | InferencePoolRef = spec.backend.service
        group, kind, field = "", "Service", "service"
    elif spec.backend.inference_pool is not None:
        ref = spec.backend.inference_pool
        group, kind, field = INFERENCE_GROUP, "InferencePool", "inferencePool"
    else:
        return Backend()
    target = _target(name, ref)
    refused = grant_finding(
        facts.grants.values(),
        namespace=name.partition("/")[0],
        group=group,
        kind=kind,
        target=target,
        field=f"spec.backend.{field}",
    )
    if refused is not None:
        return Backend(findings=(refused,))
    if isinstance(ref, ServiceRef):
        return service_backend(target, ref, facts.services.get(target), facts.slices.get(target, ()))
    return inference_pool_backend(
        target,
        facts.inference_pools.get(target),
        pods.get(target.partition("/")[0], ()),
        facts.services,
        facts.slices,
    )


def _target(name: str, ref: ServiceRef | InferencePoolRef) -> str:
    return f"{ref.namespace or name.partition('/')[0]}/{ref.name}"


def _by_namespace(pods: Mapping[str, Pod], before: Mapping[str, tuple[Pod, ...]]) -> dict[str, tuple[Pod, ...]]:
    """Pods by namespace; a namespace whose pods are the same keeps its tuple."""
    grouped: dict[str, list[Pod]] = {}
    for pod in pods.values():
        grouped.setdefault(pod.metadata.namespace, []).append(pod)
    found = {namespace: tuple(members) for namespace, members in grouped.items()}
    return {
        namespace: known if (known := before.get(namespace)) is not None and _same(known, members) else members
        for namespace, members in found.items()
    }


def _same(known: Sequence[object], found: Sequence[object]) -> bool:
    return len(known) == len(found) and all(map(is_, known, found))

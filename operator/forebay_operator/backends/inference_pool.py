"""An InferencePool as a backend: its picker, and its pods.

The picker (an ext_proc service) stays in charge of the replica; the pods are what it chooses from, and what serves
where it is missing and the InferencePool says FailOpen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from forebay_decision.check import Finding
from forebay_operator.backends.endpoint import Backend, Endpoint, Picker
from forebay_operator.backends.service import Unresolved, port_endpoints, service_port
from forebay_operator.backends.slices import distinct
from forebay_operator.cluster.objects import EndpointPickerRef, EndpointSlice, InferencePool, Pod, Service

_FIELD = "spec.backend.inferencePool"
_PLAIN = "kubernetes.io/h2c"


def inference_pool_backend(
    name: str,
    pool: InferencePool | None,
    pods: Iterable[Pod],
    services: Mapping[str, Service],
    slices: Mapping[str, tuple[EndpointSlice, ...]],
) -> Backend:
    """The backend of a pool that names InferencePool `name`; `pods` are those of its namespace."""
    if pool is None:
        message = f"there is no InferencePool {name}: create it, or correct the name"
        return Backend(findings=(Finding(f"{_FIELD}.name", message, reason="RefNotFound"),))
    endpoints = distinct(_endpoints(pool, pods))
    ref = pool.spec.endpoint_picker_ref
    if ref is None:
        return Backend(endpoints)
    try:
        picker = _picker(f"{name.partition('/')[0]}/{ref.name}", ref, services, slices)
    except Unresolved as unresolved:
        served = "; any pod serves until then" if ref.failure_mode == "FailOpen" else ""
        finding = Finding(
            f"{_FIELD}.name",
            f"InferencePool {name}: spec.endpointPickerRef: {unresolved}{served}",
            reason="RefNotFound",
            severity="Warning" if served else "Error",
        )
        return Backend(endpoints, Picker(failure_mode=ref.failure_mode), (finding,))
    return Backend(endpoints, picker)


def _picker(
    service: str,
    ref: EndpointPickerRef,
    services: Mapping[str, Service],
    slices: Mapping[str, tuple[EndpointSlice, ...]],
) -> Picker:
    if ref.group or ref.kind != "Service":
        raise Unresolved(f"{ref.kind} of group {ref.group!r} is no Service, and only those are known")
    if ref.port is None:
        raise Unresolved("has no port.number, which a Service needs")
    found = services.get(service)
    if found is None:
        raise Unresolved(f"there is no Service {service}")
    port = service_port(service, found, ref.port.number)
    return Picker(
        endpoints=port_endpoints(service, found, ref.port.number, slices.get(service, ())),
        name=service,
        tls=port.app_protocol != _PLAIN,
        failure_mode=ref.failure_mode,
    )


def _endpoints(pool: InferencePool, pods: Iterable[Pod]) -> Iterator[Endpoint]:
    wanted = pool.spec.selector.match_labels.items()
    for pod in pods:
        if pod.status.pod_ip and wanted <= pod.metadata.labels.items():
            ready = pod.status.phase == "Running" and any(
                condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions
            )
            leaving = pod.metadata.deletion_timestamp is not None
            for port in pool.spec.target_ports:
                yield Endpoint(
                    pod.status.pod_ip, port.number, ready and not leaving, ready and leaving, pod=pod.metadata.name
                )

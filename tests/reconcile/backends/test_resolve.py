"""From pools and facts to backends: what a reference leads to, or why it leads nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from facts import (
    POOL,
    SERVICE,
    at,
    facts,
    grant,
    inference_pool,
    pod,
    pool_spec,
    service,
    slice_of,
)

from forebay_operator.backends.endpoint import Backend, Endpoint
from forebay_operator.backends.resolve import Resolver, resolve_backends
from forebay_operator.cluster.facts import Facts

SLICES = {"ai/web": (slice_of("10.0.0.1"),)}
PICKER = {"name": "epp", "port": {"number": 9002}, "failureMode": "FailOpen"}
GROUP = "inference.networking.k8s.io"


def resolved(known: Facts, **backend: Any) -> Backend:
    return resolve_backends({"ai/p": pool_spec(**backend)}, known)["ai/p"]


def hosts(backend: Backend) -> list[str]:
    return [endpoint.name for endpoint in backend.endpoints]


def complaint(backend: Backend) -> tuple[str, str, str]:
    (finding,) = backend.findings
    return finding.path, finding.reason, finding.message


def test_a_service_leads_to_its_endpoints() -> None:
    assert resolved(facts(service(), slices=SLICES), **SERVICE) == Backend((Endpoint("10.0.0.1", 8000),))


def test_a_port_may_be_named() -> None:
    known = facts(
        service({"port": 80, "name": "http"}, {"port": 81, "name": "admin"}),
        slices={"ai/web": (slice_of("10.0.0.1", port_name="http"), slice_of("10.0.0.2", port_name="admin"))},
    )
    assert hosts(resolved(known, service={"name": "web", "port": "admin"})) == ["10.0.0.2:8000"]
    assert hosts(resolved(known, service={"name": "web", "port": 80})) == ["10.0.0.1:8000"]


def test_a_headless_service_with_a_named_target_port_is_no_exception() -> None:
    known = facts(
        service({"port": 80, "name": "http", "targetPort": "serve"}, clusterIP="None"),
        slices={"ai/web": (slice_of("10.0.0.1", port_name="http", port=8001),)},
    )
    assert hosts(resolved(known, **SERVICE)) == ["10.0.0.1:8001"]


def test_a_service_that_is_not_there_is_named_with_what_to_do() -> None:
    backend = resolved(facts(), **SERVICE)
    assert backend.endpoints == ()
    path, reason, message = complaint(backend)
    assert (path, reason) == ("spec.backend.service.name", "ServiceNotFound")
    assert message == "there is no Service ai/web: create it, or correct the name"


def test_a_port_that_the_service_lacks_is_told_with_those_it_has() -> None:
    known = facts(service({"port": 8000, "name": "http"}, {"port": 53, "protocol": "UDP"}, {"port": 9}))
    path, reason, message = complaint(resolved(known, service={"name": "web", "port": 81}))
    assert (path, reason) == ("spec.backend.service.port", "RefNotFound")
    assert message == "Service ai/web has no TCP port 81: it has 8000 (http), 9"


def test_a_number_in_quotes_is_a_name_and_the_hint_says_so() -> None:
    _, _, message = complaint(resolved(facts(service()), service={"name": "web", "port": "80"}))
    assert message == "Service ai/web has no TCP port '80': it has 80, and a port number stands without quotes"


def test_a_service_that_is_a_mere_name_is_refused_with_what_to_use() -> None:
    known = facts(service(type="ExternalName", externalName="api.example.com"))
    _, reason, message = complaint(resolved(known, **SERVICE))
    assert reason == "RefNotFound"
    assert "ExternalName, which has no endpoints: name its host in spec.backend.external" in message


def test_a_service_without_endpoints_is_resolved_and_empty() -> None:
    assert resolved(facts(service()), **SERVICE) == Backend()


def test_another_namespace_needs_its_leave() -> None:
    there = service(namespace="models")
    ref = {"service": {"name": "web", "namespace": "models", "port": 80}}
    slices = {"models/web": (slice_of("10.0.0.9"),)}
    path, reason, message = complaint(resolved(facts(there, slices=slices), **ref))
    assert (path, reason) == ("spec.backend.service.namespace", "RefNotPermitted")
    assert message.endswith(
        "create a ReferenceGrant in namespace models from ModelPool (forebay.dev) in namespace ai to Service web"
    )
    for wrong in (grant(source="other"), grant(name="other"), grant(kind="InferencePool"), grant(group=GROUP)):
        assert complaint(resolved(facts(there, wrong, slices=slices), **ref))[1] == "RefNotPermitted"
    for right in (grant(), grant(name="web")):
        assert hosts(resolved(facts(there, right, slices=slices), **ref)) == ["10.0.0.9:8000"]


def test_a_refusal_does_not_tell_whether_the_object_is_there() -> None:
    ref = {"service": {"name": "web", "namespace": "models", "port": 80}}
    assert resolved(facts(), **ref) == resolved(facts(service(namespace="models")), **ref)


def test_the_pools_own_namespace_needs_no_leave_even_when_it_is_spelled_out() -> None:
    ref = {"service": {"name": "web", "namespace": "ai", "port": 80}}
    assert hosts(resolved(facts(service(), slices=SLICES), **ref)) == ["10.0.0.1:8000"]


def test_an_inference_pool_without_a_picker_is_its_pods() -> None:
    known = facts(inference_pool(8000, 8001), pod("a", "10.1.0.1"), pod("b", "10.1.0.2", app="other"))
    assert resolved(known, **POOL) == Backend(
        (Endpoint("10.1.0.1", 8000, pod="a"), Endpoint("10.1.0.1", 8001, pod="a"))
    )


def test_pods_that_are_not_ready_are_known_and_not_asked_and_leaving_ones_drain() -> None:
    known = facts(
        inference_pool(),
        pod("a", "10.1.0.1", ready=False),
        pod("b", "10.1.0.2", leaving=True),
        pod("c", "10.1.0.3", leaving=True, ready=False),
        pod("d", ""),
    )
    standing = [(e.pod, e.ready, e.draining) for e in resolved(known, **POOL).endpoints]
    assert standing == [("a", False, False), ("b", False, True), ("c", False, False)]


def test_a_picker_is_found_behind_its_service() -> None:
    known = facts(
        inference_pool(picker=PICKER),
        pod("a"),
        service({"port": 9002}, name="epp"),
        slices={"ai/epp": (slice_of("10.0.0.5", port=9002),)},
    )
    backend = resolved(known, **POOL)
    assert backend.picker is not None
    assert (backend.picker.endpoints, backend.picker.failure_mode) == ((Endpoint("10.0.0.5", 9002),), "FailOpen")
    assert backend.picker.tls
    assert hosts(backend) == ["10.1.0.1:8000"]


def test_a_picker_whose_service_says_so_is_reached_in_the_clear() -> None:
    plain = service({"port": 9002, "appProtocol": "kubernetes.io/h2c"}, name="epp")
    picker = resolved(facts(inference_pool(picker=PICKER), plain), **POOL).picker
    assert picker is not None
    assert not picker.tls


@pytest.mark.parametrize(
    ("picker", "words"),
    [
        (PICKER, "there is no Service ai/epp"),
        (PICKER | {"kind": "Deployment", "group": "apps"}, "is no Service"),
        ({"name": "epp"}, "has no port.number"),
    ],
    ids=["no service", "another kind", "no port"],
)
def test_a_picker_that_cannot_be_found_is_told_and_stays_away(picker: dict[str, Any], words: str) -> None:
    backend = resolved(facts(inference_pool(picker=picker), pod("a")), **POOL)
    assert words in complaint(backend)[2]
    assert complaint(backend)[1] == "RefNotFound"
    assert backend.picker is not None
    assert backend.picker.endpoints == ()
    assert hosts(backend) == ["10.1.0.1:8000"]


def test_a_missing_picker_breaks_a_pool_that_fails_closed_and_only_warns_of_one_that_fails_open() -> None:
    def severity(mode: str) -> str:
        (finding,) = resolved(facts(inference_pool(picker=PICKER | {"failureMode": mode})), **POOL).findings
        return finding.severity

    assert (severity("FailOpen"), severity("FailClose")) == ("Warning", "Error")


def test_an_inference_pool_that_is_not_there_is_named_with_what_to_do() -> None:
    path, reason, message = complaint(resolved(facts(), **POOL))
    assert (path, reason) == ("spec.backend.inferencePool.name", "RefNotFound")
    assert message == "there is no InferencePool ai/web: create it, or correct the name"


def test_an_inference_pool_of_another_namespace_needs_its_leave_and_brings_its_own_pods() -> None:
    ref = {"inferencePool": {"name": "web", "namespace": "models"}}
    there = inference_pool(namespace="models")
    assert complaint(resolved(facts(there, grant()), **ref))[1] == "RefNotPermitted"
    leave = grant(kind="InferencePool", group=GROUP)
    assert resolved(facts(there, leave, pod("a")), **ref) == Backend()


def test_external_and_addresses_are_what_they_say() -> None:
    assert hosts(resolved(facts(), external={"hostname": "api.example.com"})) == ["api.example.com:443"]
    assert hosts(resolved(facts(), addresses=[{"host": "::1", "port": 1}])) == ["[::1]:1"]


def test_a_backend_on_which_nothing_has_changed_is_the_same_object() -> None:
    pools = {
        "ai/p": pool_spec(**SERVICE),
        "ai/q": pool_spec(**POOL),
        "ai/r": pool_spec(addresses=[{"host": "h", "port": 1}]),
    }
    one = facts(service(), inference_pool(), pod("a"), slices=SLICES)
    resolver = Resolver()
    before = resolver.resolve(pools, one)

    moved = Facts(
        services=dict(one.services),
        slices={"ai/web": (slice_of("10.0.0.2"),)},
        pods=dict(one.pods),
        inference_pools=dict(one.inference_pools),
        grants=dict(one.grants),
    )
    after = resolver.resolve(pools, moved)

    assert hosts(after["ai/p"]) == ["10.0.0.2:8000"]
    assert after["ai/q"] is before["ai/q"]
    assert after["ai/r"] is before["ai/r"]


def test_each_kind_of_change_is_seen() -> None:
    ref = pool_spec(inferencePool={"name": "web", "namespace": "models"})
    leave = grant(kind="InferencePool", group=GROUP)
    there = inference_pool(namespace="models", picker=PICKER)
    epp = service({"port": 9002}, name="epp", namespace="models")
    steps = [
        facts(),
        facts(leave),
        facts(leave, there),
        facts(leave, there, epp),
        facts(leave, there, epp, slices={"models/epp": (slice_of(at("10.0.0.5"), port=9002),)}),
        facts(there, epp),
    ]
    resolver = Resolver()
    for known in steps:
        assert resolver.resolve({"ai/p": ref}, known) == resolve_backends({"ai/p": ref}, known)
    assert len({str(resolve_backends({"ai/p": ref}, known)) for known in steps}) == len(steps) - 1

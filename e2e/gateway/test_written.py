"""What the operator writes for Envoy Gateway: accepted, repaired, in an order that loses no request, and taken away."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from forebay_api.policy import Default, PolicySpec
from forebay_api.strategy import Direct, Strategy, WeightedPoolRef
from forebay_operator.cluster.gateway.applier import body
from forebay_operator.gateway.attach import Attached
from forebay_operator.gateway.envoy_gateway.adapter import EnvoyGateway as AnEnvoyGateway
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import DataPlaneRef, Held, Wanted
from forebay_operator.lastgood.shards import names, policies_of
from forebay_transport.shards import UnusableShards, unpack

from ..control_plane import ControlPlane
from ..installation import READY, Installation, installed
from ..isolation import HOST
from ..kube import Kube, condition_of
from ..manifests import pool
from ..waiting import free_port, wait_until
from .envoy_gateway import EnvoyGateway
from .manifests import backend, gateway, route

GENERATED = (
    "httproutes.gateway.networking.k8s.io,referencegrants.gateway.networking.k8s.io,envoyextensionpolicies,"
    "clienttrafficpolicies,backends.gateway.envoyproxy.io,httproutefilters.gateway.envoyproxy.io,envoypatchpolicies"
)
EDITS = 3
"""Times that a policy goes to another pool and back."""
RULES = "  rules: [{name: hard, when: 'request.text.contains(\"prove\")', use: to-large}]\n"


def attached(name: str, target: str, *pools: str, kind: str = "HTTPRoute", rules: str = "") -> str:
    """A policy with targetRefs; strategy `to-POOL` for each of the pools, the first one by default."""
    strategies = "".join(f"  - {{name: to-{pool}, direct: {{pools: [{{name: {pool}}}]}}}}\n" for pool in pools)
    return f"""---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: {kind}, name: {target}}}]
  models: [auto]
  strategies:
{strategies}  default: {{use: to-{pools[0]}}}
{rules}"""


@pytest.fixture
def forebay(envoy_gateway: EnvoyGateway, room: str, tmp_path: Path) -> Iterator[Installation]:
    """Operator with --gateway-api, a data plane, pools small and large, and a route of the user's own to `theirs`."""
    kube = envoy_gateway.kube
    with installed(kube, room, tmp_path) as made:
        made.listener = free_port()
        made.add_operator("--gateway-api")
        made.add_data_plane("dp-0")
        for name in ("small", "large"):
            at = made.add_server(f"{name}-0", f"{name}-model")
            made.service(name, [8000])
            made.slice(name, f"{name}-0", at, {f"{name}-0": (HOST, READY)})
        theirs = made.add_server("theirs", "auto")
        own = route("llm", "web", "backend/theirs", path="/v1")
        kube.apply(gateway("web", made.listener) + backend("theirs", HOST, theirs) + own, namespace=room)
        kube.apply(pool("small") + pool("large"), namespace=room)
        yield made


def answered_by(forebay: Installation, text: str, **headers: str) -> str:
    """The model that has answered, or the status and what was said."""
    try:
        got = forebay.ask(text, **headers)
    except httpx.TransportError as error:
        return type(error).__name__
    return str(got.json()["model"]) if got.status_code == 200 else f"{got.status_code} {got.text[:300]}"


@contextmanager
def asking(forebay: Installation) -> Iterator[list[str]]:
    """Ask again and again while the block runs; what was answered, of which there is something at once."""
    answers: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answers.append(answered_by(forebay, "hello"))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        wait_until(lambda: answers, "somebody answers", 10)
        yield answers
    finally:
        stop.set()
        thread.join(10)


def kept_strategies(kube: Kube, namespace: str) -> set[str]:
    """Of the policies in the copy that the operator keeps of what it has published."""
    files = {
        key: base64.b64decode(value)
        for name in names("forebay")
        for key, value in (kube.get("ConfigMap", namespace, name) or {}).get("binaryData", {}).items()
    }
    try:
        policies = policies_of(unpack(files)) if files else {}
    except UnusableShards:  # it is being replaced
        return set()
    return {strategy.name for spec in policies.values() for strategy in spec.strategies}


def set_rules(kube: Kube, namespace: str, route_name: str, rules: list[dict[str, Any]]) -> None:
    """As somebody would who edits a route of ours."""
    kube.kubectl(
        "patch", "httproutes.gateway.networking.k8s.io", route_name, "-n", namespace, "--type=json",
        "-p", json.dumps([{"op": "replace", "path": "/spec/rules", "value": rules}]),
    )  # fmt: skip


def generated(kube: Kube, namespace: str) -> list[dict[str, Any]]:
    label = "app.kubernetes.io/managed-by=forebay-operator"
    return list(json.loads(kube.kubectl("get", GENERATED, "-n", namespace, "-l", label, "-o", "json").stdout)["items"])


def test_status_is_told_by_gateway_and_nothing_is_left_behind(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(attached("assistant", "llm", "small", "large", rules=RULES), namespace=namespace)

    kube.wait_condition("RoutingPolicy", namespace, "assistant", "Programmed", seconds=45)

    wait_until(lambda: answered_by(forebay, "hello") == "small-model", "the pool answers", 10)
    assert answered_by(forebay, "prove it") == "large-model"
    told = forebay.ask("prove it").headers
    assert (told["x-forebay-rule"], told["x-forebay-pool"]) == ("hard", f"{namespace}/large")
    stored = kube.get("RoutingPolicy", namespace, "assistant") or {}
    (ancestor,) = stored["status"]["ancestors"]
    assert ancestor["controllerName"] == "forebay.dev/operator"
    assert ancestor["ancestorRef"]["name"] == "web"
    assert {c["type"]: c["status"] for c in ancestor["conditions"]} == {"Accepted": "True", "Programmed": "True"}
    assert condition_of(stored, "FullySupported")["reason"] == "FeaturesMissing"
    assert answered_by(forebay, "hello", **{"x-forebay-cluster": f"pool/{namespace}/large"}) == "small-model"

    kube.delete("RoutingPolicy", namespace, "assistant")
    wait_until(lambda: not generated(kube, namespace), "nothing generated is left", 20)
    wait_until(lambda: answered_by(forebay, "hello") == "auto", "the user's own backend answers", 15)


def test_what_is_changed_or_deleted_by_hand_is_repaired_and_an_event_says_so(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(attached("assistant", "llm", "small"), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "assistant", "Programmed", seconds=45)
    names = {found["kind"]: found["metadata"]["name"] for found in generated(kube, namespace)}

    kube.kubectl(
        "patch", "envoyextensionpolicy", names["EnvoyExtensionPolicy"], "-n", namespace, "--type=json",
        "-p", '[{"op": "replace", "path": "/spec/extProc/0/messageTimeout", "value": "9s"}]',
    )  # fmt: skip
    kube.kubectl("delete", "httproutes.gateway.networking.k8s.io", names["HTTPRoute"], "-n", namespace)

    def repaired() -> bool:
        there = {found["kind"]: found for found in generated(kube, namespace)}
        processor = there["EnvoyExtensionPolicy"]["spec"]["extProc"][0]
        return processor["messageTimeout"] == "2s" and "HTTPRoute" in there

    wait_until(repaired, "both are as they were", 20)
    notes = wait_until(lambda: len(told := _repairs(kube, namespace)) >= 2 and told, "Events say so", 10)
    assert any("was changed by somebody" in note for note in notes)
    assert any("was deleted by somebody" in note for note in notes)


def test_nothing_is_written_while_nothing_changes(forebay: Installation, gateway_plane: ControlPlane) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(attached("assistant", "llm", "small", "large", rules=RULES), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "assistant", "Ready", seconds=45)
    time.sleep(5.0)
    before = len(_writes(gateway_plane, namespace))

    time.sleep(20.0)

    assert _writes(gateway_plane, namespace)[before:] == []


def test_edits_deletion_and_return_of_a_policy_lose_no_request(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(attached("assistant", "llm", "small"), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "assistant", "Programmed", seconds=45)
    wait_until(lambda: answered_by(forebay, "hello") == "small-model", "the pool answers", 10)

    with asking(forebay) as answers:
        kube.apply(attached("assistant", "llm", "large"), namespace=namespace)
        wait_until(lambda: answers[-1] == "large-model", "the other pool answers", 30)
        edited = list(answers)
        kube.wait_condition("RoutingPolicy", namespace, "assistant", "Programmed", seconds=30)
        kube.delete("RoutingPolicy", namespace, "assistant")
        wait_until(lambda: answers[-1] == "auto", "the user's own backend answers", 30)
        kube.apply(attached("assistant", "llm", "small"), namespace=namespace)
        wait_until(lambda: answers[-1] == "small-model", "the pool answers again", 45)

    assert set(answers) == {"small-model", "large-model", "auto"}, f"nothing but answers: {Counter(answers)}"
    assert set(edited) == {"small-model", "large-model"}, "an edit sends no request to the route's own backend"


def test_edits_again_and_again_send_no_request_to_the_routes_own_backend(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(attached("assistant", "llm", "small"), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "assistant", "Programmed", seconds=45)
    wait_until(lambda: answered_by(forebay, "hello") == "small-model", "the pool answers", 10)

    with asking(forebay) as answers:
        for pool_name in ("large", "small") * EDITS:
            kube.apply(attached("assistant", "llm", pool_name), namespace=namespace)
            wait_until(lambda name=pool_name: answers[-1] == f"{name}-model", "the other pool answers", 30)

    assert set(answers) == {"small-model", "large-model"}, Counter(answers)


def test_an_edit_that_the_operator_has_missed_loses_no_request(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(attached("assistant", "llm", "small"), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "assistant", "Programmed", seconds=45)
    wait_until(lambda: answered_by(forebay, "hello") == "small-model", "the pool answers", 10)
    wait_until(lambda: "to-small" in kept_strategies(kube, namespace), "this version is kept", 60)

    with asking(forebay) as answers:
        forebay.operators[0].stop()
        kube.apply(attached("assistant", "llm", "large"), namespace=namespace)
        forebay.operators[0].start()
        wait_until(lambda: answers[-1] == "large-model", "the other pool answers", 60)

    assert set(answers) == {"small-model", "large-model"}, Counter(answers)


def test_a_decision_without_a_route_to_its_pool_is_answered_503_and_meets_nobodys_backend(
    forebay: Installation,
) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(attached("assistant", "llm", "small"), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "assistant", "Programmed", seconds=45)
    wait_until(lambda: answered_by(forebay, "hello") == "small-model", "the pool answers", 10)
    (made,) = [found for found in generated(kube, namespace) if found["kind"] == "HTTPRoute"]
    to_pool, closed = made["spec"]["rules"]
    forebay.operators[0].stop()

    with asking(forebay) as answers:
        set_rules(kube, namespace, made["metadata"]["name"], [closed])
        wait_until(lambda: "route_missing" in answers[-1], "there is no route to the pool", 15)
        told = forebay.ask("hello").headers
        assert told["content-type"] == "application/json"
        assert (told["retry-after"], told["x-forebay-pool"]) == ("1", f"{namespace}/small")
        seen = len(answers)
        wait_until(lambda: len(answers) > seen + 20, "some more are asked", 15)
        # A younger route is as good: it goes before the older one that answers 503.
        later = {
            **made,
            "metadata": {"name": "later", "namespace": namespace},
            "spec": {**made["spec"], "rules": [to_pool]},
        }
        kube.kubectl("apply", "-f", "-", stdin=json.dumps(later))
        wait_until(lambda: answers[-1] == "small-model", "the pool answers again", 15)

    # A route that is served in the very moment when it is made may precede its cluster: Envoy answers 503 by itself then.
    refused = {answer for answer in answers if answer != "small-model"}
    assert all(answer == "503 " or (answer.startswith("503") and "route_missing" in answer) for answer in refused), (
        refused
    )


KINDS_OF_POOLS = """---
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: fixed}
spec:
  backend: {addresses: [{host: 192.0.2.1, port: 9}, {host: gpu.example.com, port: 9}]}
  models: [{name: fixed}]
---
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: bought}
spec:
  backend: {external: {hostname: api.example.com}}
  models: [{name: bought}]
  credentials: [{secretRef: {name: key, key: token}}]
---
apiVersion: v1
kind: Secret
metadata: {name: key, labels: {forebay.dev/credential: "true"}}
stringData: {token: abc, credential: Bearer abc}
"""


def test_every_kind_of_pool_is_written_as_envoy_gateway_takes_it(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(KINDS_OF_POOLS, namespace=namespace)
    kube.apply(attached("assistant", "web", "fixed", "bought", "small", kind="Gateway"), namespace=namespace)

    kube.wait_condition("RoutingPolicy", namespace, "assistant", "Programmed", seconds=45)

    kinds = [
        "Backend", "Backend", "Backend", "ClientTrafficPolicy", "EnvoyExtensionPolicy", "EnvoyPatchPolicy", "HTTPRoute",
        "HTTPRouteFilter", "HTTPRouteFilter",
    ]  # fmt: skip
    found: list[str] = []

    def written() -> bool:
        found[:] = sorted(each["kind"] for each in generated(kube, namespace))
        return found == kinds

    try:
        wait_until(written, "every kind is written")
    except AssertionError as error:
        raise AssertionError(f"{error}; there are {found}") from None


def test_the_way_to_data_planes_with_mutual_tls_is_a_valid_backend(envoy_gateway: EnvoyGateway) -> None:
    to = DataPlaneRef("default/forebay-data-plane", 18001, tls_secret="tls", server_name="forebay-data-plane")
    held = Held(a_spec(), Attached(targets=(("Gateway", "default/web", None),)), "")
    wanted = Wanted(
        installation="i", data_plane=to, policies={"default/p": held}, pools={}, backends={}, services={},
        facts=GatewayFacts(),
    )  # fmt: skip

    for made in AnEnvoyGateway().plan(wanted).objects:
        manifest = json.dumps(body(made))
        envoy_gateway.kube.kubectl(
            "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=manifest
        )


def a_spec() -> PolicySpec:
    direct = Direct(pools=[WeightedPoolRef(name="small")])
    return PolicySpec(strategies=[Strategy(name="only", direct=direct)], default=Default(use="only"))


def _repairs(kube: Kube, namespace: str) -> list[str]:
    events = kube.list("Event", namespace)
    return [str(event.get("note") or event.get("message")) for event in events if event["reason"] == "Repaired"]


def _writes(plane: ControlPlane, namespace: str) -> list[str]:
    """What anybody has written in a namespace, but for the Lease."""
    return [
        f"{event['user']['username']} {event['verb']} {event['requestURI']}"
        for event in plane.audit()
        if event["verb"] not in ("get", "list", "watch")
        and event.get("objectRef", {}).get("namespace") == namespace
        and event["objectRef"].get("resource") != "leases"
    ]

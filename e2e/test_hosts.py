"""Whose host names are whose on our own Envoy: a namespace that may not have one gets nothing of its traffic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from .installation import Installation, installed
from .kube import Kube
from .manifests import policy, pool
from .waiting import wait_until

HOST: Final = "clinic.example.com"


@pytest.fixture
def other(kube: Kube, namespace: str) -> Iterator[str]:
    """A namespace of somebody else's."""
    name = f"{namespace}-x"
    kube.kubectl("create", "namespace", name)
    yield name
    kube.kubectl("delete", "namespace", name, "--wait=false", check=False)


def _confine(forebay: Installation, *namespaces: str) -> None:
    """Have the operator's --config say whose the host is."""
    expression = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(namespaces)}
    admitted = {"namespaces": {"from": "Selector", "selector": {"matchExpressions": [expression]}}}
    hostnames = [{"hostname": HOST, "allowedRoutes": admitted}]
    listener = {"address": "127.0.0.1", "port": forebay.listener, "hostnames": hostnames if namespaces else []}
    forebay.config.write_text(yaml.safe_dump({"listeners": [listener]}))


def test_a_host_goes_to_whom_the_listener_admits_whoever_came_first(
    kube: Kube, namespace: str, other: str, tmp_path: Path
) -> None:
    with installed(kube, namespace, tmp_path) as forebay:
        for space in (namespace, other):
            port = forebay.add_server(f"server-of-{space}", "small-model")
            forebay.service("small", [8000], space)
            forebay.slice("small", "small-0", port, {"small-0": ("192.0.2.1", {"ready": True})}, space)
        forebay.add_operator("--watch-namespace", other)
        forebay.add_data_plane("dp-0")
        forebay.add_envoy("envoy-0")

        kube.apply(pool("small") + policy("squatter", "small", host=HOST), namespace=other)
        kube.wait_condition("RoutingPolicy", other, "squatter", "Ready")
        kube.apply(pool("small") + policy("rightful", "small", host=HOST), namespace=namespace)
        late = kube.wait_condition("RoutingPolicy", namespace, "rightful", "Accepted", status="False")
        assert late["reason"] == "Conflicted"
        assert forebay.wait_served("hello", host=HOST).headers["x-sim-server"] == f"server-of-{other}"

        _confine(forebay, namespace)

        refused = kube.wait_condition("RoutingPolicy", other, "squatter", "Accepted", status="False")
        assert refused["reason"] == "NotAllowedByListeners"
        assert (
            f"listeners[0] (port {forebay.listener}), which admits no policies of namespace {other}"
            in refused["message"]
        )
        kube.wait_condition("RoutingPolicy", namespace, "rightful", "Ready")
        wait_until(lambda: _server(forebay) == f"server-of-{namespace}", "the host is whose it is", 30)

        # Neither a wide name nor a path that the other one leaves free leads to it.
        kube.apply(policy("squatter", "small", host="*"), namespace=other)
        wide = wait_until(lambda: _refusal(kube, other, "'*' would take"), "the wide name is judged", 30)
        assert wide["reason"] == "NotAllowedByListeners"
        kube.apply(policy("beside", "small", host="billing.example.com"), namespace=other)
        kube.wait_condition("RoutingPolicy", other, "beside", "Ready")
        assert forebay.wait_served("hi", host="billing.example.com").headers["x-sim-server"] == f"server-of-{other}"
        assert _server(forebay) == f"server-of-{namespace}"

        # Whoever sets up the listener may change that.
        kube.kubectl("delete", "-n", namespace, "routingpolicy", "rightful")
        _confine(forebay, namespace, other)
        kube.wait_condition("RoutingPolicy", other, "squatter", "Ready")
        wait_until(lambda: _server(forebay) == f"server-of-{other}", "it has been let in", 30)


def _server(forebay: Installation) -> str | None:
    return forebay.ask("hello", host=HOST).headers.get("x-sim-server")


def _refusal(kube: Kube, space: str, words: str) -> dict[str, str] | None:
    conditions = ((kube.get("RoutingPolicy", space, "squatter") or {}).get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c["type"] == "Accepted" and words in c["message"]), None)

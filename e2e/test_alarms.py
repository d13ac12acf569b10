"""What goes wrong is told to whoever looks at no object: the metrics that the chart's alerts ask for, provoked for real."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from .control_plane import ControlPlane
from .installation import Installation, installed
from .isolation import HOST
from .kube import Kube
from .manifests import policy, pool
from .waiting import wait_until


@pytest.fixture(scope="module")
def kube(own_control_plane: ControlPlane) -> Kube:
    """The namespace of a test is made there."""
    return own_control_plane.kube


@pytest.fixture
def forebay(own_control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Installation]:
    with installed(own_control_plane.kube, namespace, tmp_path) as made:
        made.add_operator()
        made.add_data_plane("dp-0")
        made.add_envoy("envoy-0")
        port = made.add_server("small-0", "small-model")
        made.service("small", [8000])
        made.slice("small", "small-0", port, {"small-0": (HOST, {"ready": True})})
        made.kube.apply(pool("small") + policy("first", "small"), namespace=namespace)
        made.kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
        made.kube.wait_condition("ModelPool", namespace, "small", "Ready")
        made.wait_served("hello")
        yield made


def _told(forebay: Installation, family: str) -> dict[str, float]:
    """Labels, as they are written, and value."""
    found = re.findall(rf"^{family}(?:\{{(.*)\}})? (\S+)$", forebay.metrics(0), re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def test_objects_that_are_not_as_they_should_be_are_counted_by_their_reasons(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    wait_until(lambda: _told(forebay, "forebay_objects_amiss") == {}, "all is well")

    kube.apply(policy("lost", "nowhere", host="lost.example.com"), namespace=namespace)
    kube.apply(policy("twice", "small"), namespace=namespace)
    forebay.slice("small", "small-0", 8000, {})

    lost = 'condition="ResolvedRefs",kind="RoutingPolicy",reason="PoolNotFound"'
    twice = 'condition="Accepted",kind="RoutingPolicy",reason="Conflicted"'
    empty = 'condition="Ready",kind="ModelPool",reason="NoReadyEndpoints"'

    def counted() -> bool:
        told = _told(forebay, "forebay_objects_amiss")
        return all(told.get(labels) == 1.0 for labels in (lost, twice, empty))

    wait_until(counted, "they are counted", 30.0)
    assert _told(forebay, "forebay_pool_endpoints")[
        f'pool="{namespace}/small",pool_name="small",pool_namespace="{namespace}",state="ready"'
    ] == 0.0  # fmt: skip
    kube.kubectl("delete", "routingpolicies,modelpools", "--all", "-n", namespace)
    wait_until(lambda: _told(forebay, "forebay_objects_amiss") == {}, "what is gone is not counted", 30.0)


def test_a_copy_that_cannot_be_kept_is_told_until_it_can(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    wait_until(lambda: f"{namespace}/first".encode() in forebay.last_good(), "it is kept", pause=0.5)
    assert _told(forebay, "forebay_last_good_failing") == {"": 0.0}
    kube.kubectl(
        "patch", "configmap", "forebay-last-good-0", "-n", namespace, "--type=merge", "-p", '{"immutable": true}'
    )

    kube.apply(policy("first", "small", extra="  maxRequestBytes: 3Mi\n"), namespace=namespace)

    wait_until(lambda: _told(forebay, "forebay_last_good_failing") == {"": 1.0}, "it is told", 60.0)
    said = [line for line in forebay.operators[0].text().splitlines() if "was not kept" in line]
    assert "immutable" in said[0]
    kube.kubectl("delete", "configmap", "forebay-last-good-0", "-n", namespace)
    wait_until(lambda: _told(forebay, "forebay_last_good_failing") == {"": 0.0}, "it is kept again", 60.0)
    assert len([line for line in forebay.operators[0].text().splitlines() if "was not kept" in line]) == len(said)


def test_what_envoy_refuses_is_told_and_served_is_what_was(forebay: Installation) -> None:
    listeners = [{"address": "127.0.0.1", "port": port} for port in (forebay.listener, forebay.metrics_ports[0])]
    forebay.config.write_text(yaml.safe_dump({"listeners": listeners}))

    refused = 'client="envoy",type="Listener"'
    wait_until(lambda: _told(forebay, "forebay_xds_refused").get(refused) == 1.0, "the port is another's", 60.0)
    assert forebay.ask("hello").status_code == 200
    forebay.config.write_text(yaml.safe_dump({"listeners": listeners[:1]}))
    wait_until(lambda: _told(forebay, "forebay_xds_refused") == {}, "the listener is gone", 60.0)


def test_a_namespace_that_goes_with_all_its_objects_leaves_no_noise(forebay: Installation) -> None:
    kube, other = forebay.kube, f"{forebay.namespace}-gone"
    kube.kubectl("create", "namespace", other)
    forebay.operators[0].stop()
    forebay.operators[0].argv = [*forebay.operators[0].argv, "--watch-namespace", other]
    forebay.operators[0].start()
    forebay.service("small", [8000], other)
    kube.apply(pool("small") + policy("theirs", "small", host="theirs.example.com"), namespace=other)
    kube.wait_condition("RoutingPolicy", other, "theirs", "Programmed", seconds=60.0)
    before = len(forebay.operators[0].text())

    kube.kubectl("delete", "namespace", other, "--timeout=60s")

    wait_until(lambda: other not in "".join(_told(forebay, "forebay_pool_endpoints")), "its pool is forgotten", 60.0)
    assert forebay.ask("hello").status_code == 200
    wait_until(lambda: _told(forebay, "forebay_objects_amiss") == {}, "nothing is amiss", 60.0)
    noise = [
        line for line in forebay.operators[0].text()[before:].splitlines() if "Traceback" in line or "ERROR" in line
    ]
    assert not noise, noise

"""Whose acknowledgement is waited for, and where Envoy finds the data planes."""

from __future__ import annotations

from typing import Any

import pytest

from forebay_operator.cluster.kinds import SLICES
from forebay_operator.cluster.objects import EndpointSlice
from forebay_operator.cluster.replicas import Replicas, find_replicas
from forebay_operator.xds.acknowledgements import Kind

from .objects import meta, there

PORTS = [{"name": "metrics", "port": 9090}, {"name": "grpc", "port": 18001}]


def held(*endpoints: dict[str, Any], ports: Any = PORTS, family: str = "IPv4") -> EndpointSlice:
    body = {"metadata": meta("s"), "addressType": family, "endpoints": list(endpoints), "ports": ports}
    made = there(SLICES, body).value
    assert isinstance(made, EndpointSlice)
    return made


def pod(name: str, address: str, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "conditions": conditions, "targetRef": {"kind": "Pod", "name": name}}


def found(*slices: EndpointSlice) -> Replicas:
    return find_replicas({"forebay/dp": slices}, data_plane="forebay/dp", envoy="forebay/envoy")


def test_replicas_are_named_by_their_pods_and_reached_at_the_port_of_grpc() -> None:
    told = found(held(pod("b", "10.0.0.2"), pod("a", "10.0.0.1")))
    assert told.expected == {"dataplane/a": Kind.DATA_PLANE, "dataplane/b": Kind.DATA_PLANE}
    assert list(told.expected) == sorted(told.expected)
    assert told.ready == {"dataplane/a", "dataplane/b"}
    assert told.data_planes == ("10.0.0.1:18001", "10.0.0.2:18001")


def test_envoys_are_expected_and_are_no_data_planes() -> None:
    told = find_replicas({"forebay/envoy": (held(pod("e", "10.0.0.9")),)}, data_plane=None, envoy="forebay/envoy")
    assert told == Replicas({"envoy/e": Kind.ENVOY}, frozenset({"envoy/e"}), ())


def test_one_that_is_not_ready_yet_is_expected_and_told_apart() -> None:
    told = found(held(pod("a", "10.0.0.1", ready=False)))
    assert list(told.expected) == ["dataplane/a"]
    assert told.ready == frozenset()


def test_one_that_is_being_terminated_is_not_expected_whatever_else_it_says() -> None:
    assert found(held(pod("a", "10.0.0.1", ready=True, serving=True, terminating=True))) == Replicas()


def test_what_is_not_said_counts_as_ready() -> None:
    assert found(held({"addresses": ["10.0.0.1"]})).ready == {"dataplane/10.0.0.1"}


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert found(held(pod("a", "fd00::1"), family="IPv6")).data_planes == ("[fd00::1]:18001",)


def test_a_pod_in_two_slices_is_one_replica() -> None:
    told = found(held(pod("a", "10.0.0.1")), held(pod("a", "10.0.0.1")))
    assert (list(told.expected), told.data_planes) == (["dataplane/a"], ("10.0.0.1:18001",))


def test_a_service_without_a_port_of_that_name_is_reached_at_its_first() -> None:
    assert found(held(pod("a", "10.0.0.1"), ports=[{"name": "", "port": 7}])).data_planes == ("10.0.0.1:7",)
    assert found(held(pod("a", "10.0.0.1"), ports=None)).data_planes == ()


def test_where_there_is_no_service_nobody_is_expected() -> None:
    assert find_replicas({"forebay/dp": (held(pod("a", "10.0.0.1")),)}, data_plane=None, envoy=None) == Replicas()


@pytest.mark.parametrize("slices", [(held(),), (held(pod("e", "10.0.0.9", terminating=True)), held())])
def test_envoys_of_which_there_is_no_pod_are_waited_for_and_a_service_that_is_not_there_is_not(
    slices: tuple[EndpointSlice, ...],
) -> None:
    told = find_replicas({"forebay/envoy": slices}, data_plane=None, envoy="forebay/envoy")
    nobody = "envoy/(no pod of Service forebay/envoy)"
    assert told == Replicas({nobody: Kind.ENVOY}, frozenset({nobody}), ())
    assert find_replicas({}, data_plane=None, envoy="forebay/envoy") == Replicas()

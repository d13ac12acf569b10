"""EndpointSlices to endpoints: the rules of the API, whatever the order of things."""

from __future__ import annotations

import random
from typing import Any

import pytest
from facts import at, slice_of
from hypothesis import given
from hypothesis import strategies as st

from forebay_operator.backends.endpoint import Endpoint
from forebay_operator.backends.slices import slice_endpoints
from forebay_operator.cluster.objects import EndpointSlice, ServicePort

UNNAMED = ServicePort(port=80)
HTTP = ServicePort(port=80, name="http")


def names(*slices: EndpointSlice, port: ServicePort = UNNAMED) -> list[str]:
    return [endpoint.name for endpoint in slice_endpoints(slices, port)]


def standing(**conditions: bool) -> tuple[bool, bool]:
    (endpoint,) = slice_endpoints([slice_of(at("10.0.0.1", **conditions))], UNNAMED)
    return endpoint.ready, endpoint.draining


def test_all_slices_of_a_service_count_and_the_result_is_sorted() -> None:
    assert names(slice_of("10.0.0.2"), slice_of("10.0.0.1", name="web-2")) == ["10.0.0.1:8000", "10.0.0.2:8000"]


def test_an_endpoint_that_stands_in_two_slices_is_one() -> None:
    assert names(slice_of("10.0.0.1"), slice_of("10.0.0.1", name="web-2")) == ["10.0.0.1:8000"]


def test_of_two_slices_that_disagree_the_one_that_sees_life_counts() -> None:
    both = [slice_of(at("10.0.0.1", ready=False)), slice_of(at("10.0.0.1", ready=True), name="web-2")]
    assert [e.ready for e in slice_endpoints(both, UNNAMED)] == [True]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, (True, False)),
        ({"ready": True}, (True, False)),
        ({"ready": False}, (False, False)),
        ({"ready": False, "serving": True}, (False, False)),
        ({"ready": False, "serving": True, "terminating": True}, (False, True)),
        ({"ready": False, "terminating": True}, (False, True)),
        ({"ready": False, "serving": False, "terminating": True}, (False, False)),
        ({"ready": True, "serving": True, "terminating": True}, (False, True)),
    ],
    ids=lambda value: str(value),
)
def test_conditions_that_are_not_told_count_as_ready_and_serving(
    conditions: dict[str, bool], expected: tuple[bool, bool]
) -> None:
    assert standing(**conditions) == expected


def test_ports_belong_together_by_name_and_may_differ_from_slice_to_slice() -> None:
    slices = [
        slice_of("10.0.0.1", port=8000, port_name="http"),
        slice_of("10.0.0.2", port=9000, port_name="http", name="web-2"),
        slice_of("10.0.0.3", port=7000, port_name="metrics", name="web-3"),
    ]
    assert names(*slices, port=HTTP) == ["10.0.0.1:8000", "10.0.0.2:9000"]


@pytest.mark.parametrize("port_name", ["", None])
def test_an_unnamed_port_has_the_empty_name(port_name: str | None) -> None:
    assert names(slice_of("10.0.0.1", port_name=port_name)) == ["10.0.0.1:8000"]
    assert names(slice_of("10.0.0.1", port_name=port_name), port=HTTP) == []


def test_a_slice_that_restricts_no_port_is_reached_on_the_services_own() -> None:
    assert names(slice_of("10.0.0.1", port=None)) == ["10.0.0.1:80"]
    assert names(slice_of("10.0.0.1", port=None), port=ServicePort(port=80, target_port=8080)) == ["10.0.0.1:8080"]


def test_other_protocols_are_another_port() -> None:
    (made,) = [slice_of("10.0.0.1")]
    assert names(made) == ["10.0.0.1:8000"]
    udp = EndpointSlice(metadata=made.metadata, endpoints=made.endpoints, ports=())
    assert names(udp) == []


def test_a_pod_with_both_families_is_one_endpoint_by_its_ipv4_address() -> None:
    four = slice_of(at("10.0.0.1", pod="web-a"), at("10.0.0.2", pod="web-b"))
    six = slice_of(at("fd00::1", pod="web-a"), at("fd00::2", pod="web-b"), family="IPv6", name="web-2")
    assert names(six, four) == ["10.0.0.1:8000", "10.0.0.2:8000"]


def test_where_there_is_only_ipv6_that_is_used() -> None:
    assert names(slice_of(at("fd00::1", pod="web-a"), family="IPv6")) == ["[fd00::1]:8000"]


def test_slices_of_names_are_left_alone() -> None:
    assert names(slice_of("web.example.com", family="FQDN")) == []


def test_zone_and_pod_come_along() -> None:
    (endpoint,) = slice_endpoints([slice_of(at("10.0.0.1", pod="web-a", zone="eu-1a"))], UNNAMED)
    assert endpoint == Endpoint("10.0.0.1", 8000, zone="eu-1a", pod="web-a")


def test_a_slice_without_endpoints_has_none() -> None:
    empty = slice_of()
    assert names(empty) == []
    assert names(EndpointSlice(metadata=empty.metadata, ports=empty.ports, endpoints=None)) == []


addresses = st.sampled_from([f"10.0.0.{n}" for n in range(6)])
conditions = st.fixed_dictionaries(
    {}, optional={name: st.none() | st.booleans() for name in ("ready", "serving", "terminating")}
)
endpoints = st.builds(
    lambda address, pod, zone, told: at(address, pod=pod, zone=zone, **told),
    addresses,
    st.sampled_from(["", "a", "b"]),
    st.sampled_from([None, "z1", "z2"]),
    conditions,
)
slices = st.lists(
    st.builds(
        lambda listed, port, name, family: slice_of(
            *(
                {
                    **one,
                    "addresses": [f"fd00::{a.rpartition('.')[2]}" if family == "IPv6" else a for a in one["addresses"]],
                }
                for one in listed
            ),
            port=port,
            port_name=name,
            family=family,
        ),
        st.lists(endpoints, max_size=4),
        st.sampled_from([8000, 9000]),
        st.sampled_from(["", "http"]),
        st.sampled_from(["IPv4", "IPv6"]),
    ),
    max_size=5,
)


@given(slices, st.randoms(use_true_random=False))
def test_the_order_of_slices_and_endpoints_changes_nothing(found: list[EndpointSlice], dice: random.Random) -> None:
    def shuffled(items: Any) -> list[Any]:
        mixed = list(items)
        dice.shuffle(mixed)
        return mixed

    mixed = [
        EndpointSlice(
            metadata=one.metadata,
            address_type=one.address_type,
            endpoints=tuple(shuffled(one.endpoints or ())),
            ports=one.ports,
        )
        for one in shuffled(found)
    ]
    assert slice_endpoints(mixed, UNNAMED) == slice_endpoints(found, UNNAMED)


@given(slices)
def test_who_drains_takes_nothing_new_and_every_address_was_in_a_slice(found: list[EndpointSlice]) -> None:
    listed = {address for one in found for endpoint in one.endpoints or () for address in endpoint.addresses}
    resolved = slice_endpoints(found, UNNAMED)
    assert not [endpoint for endpoint in resolved if endpoint.draining and endpoint.ready]
    assert {endpoint.host for endpoint in resolved} <= listed
    assert len({(endpoint.host, endpoint.port) for endpoint in resolved}) == len(resolved)


@given(slices)
def test_no_pod_is_there_twice_by_two_families(found: list[EndpointSlice]) -> None:
    families: dict[str, set[bool]] = {}
    for endpoint in slice_endpoints(found, UNNAMED):
        families.setdefault(endpoint.pod, set()).add(":" in endpoint.host)
    assert all(len(seen) == 1 for seen in families.values())

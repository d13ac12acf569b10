"""Where an Envoy that starts without an operator finds data planes: their addresses may all have changed."""

from __future__ import annotations

from envoy.config.cluster.v3 import cluster_pb2

from forebay_operator.envoy.assemble import assemble
from forebay_operator.envoy.clusters import DATA_PLANE
from forebay_operator.envoy.inputs import DataPlane, EnvoyInputs
from forebay_operator.lastgood.shards import without_operator
from forebay_operator.xds.type_urls import CLUSTER, ENDPOINTS


def _inputs(plane: DataPlane) -> EnvoyInputs:
    return EnvoyInputs(policies={}, pools={}, data_plane=plane)


def _cluster(inputs: EnvoyInputs) -> cluster_pb2.Cluster:
    return cluster_pb2.Cluster.FromString(assemble(inputs).of_type(CLUSTER)[DATA_PLANE].value)


def test_they_are_looked_up_by_name_beside_the_addresses_that_were_known() -> None:
    made = _cluster(
        without_operator(_inputs(DataPlane(("10.0.0.5:18001",), service="forebay-data-plane.forebay.svc:18001")))
    )

    (group,) = made.load_assignment.endpoints
    found = [member.endpoint.address.socket_address for member in group.lb_endpoints]
    assert made.type == cluster_pb2.Cluster.STRICT_DNS
    assert [(where.address, where.port_value) for where in found] == [
        ("10.0.0.5", 18001),
        ("forebay-data-plane.forebay.svc", 18001),
    ]


def test_while_an_operator_says_who_they_are_the_name_is_not_asked() -> None:
    made = assemble(_inputs(DataPlane(("10.0.0.5:18001",), service="forebay-data-plane.forebay.svc:18001")))

    assert _cluster(_inputs(DataPlane(("10.0.0.5:18001",), service="x.svc:18001"))).type == cluster_pb2.Cluster.EDS
    assert (
        made.of_type(ENDPOINTS)[DATA_PLANE]
        == assemble(_inputs(DataPlane(("10.0.0.5:18001",)))).of_type(ENDPOINTS)[DATA_PLANE]
    )


def test_without_a_name_nothing_changes() -> None:
    inputs = _inputs(DataPlane(("unix:/0.sock",)))

    assert without_operator(inputs).data_plane == inputs.data_plane

"""What Envoy starts with: who it is, where the operator is, and its own limits. The rest comes by delta ADS."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from forebay_operator.envoy.identity import PeerTls
from forebay_operator.envoy.messages import extension, from_ads, parsed_address, struct
from forebay_operator.envoy.operators import OPERATOR, operator_cluster
from forebay_operator.envoy.overload import overload_manager
from forebay_operator.envoy.proto import bootstrap as boot
from forebay_operator.envoy.proto import core, internal_listener
from forebay_operator.envoy.stats import admin_cluster, stats_listener

MAX_CONNECTIONS: Final = 50_000


def bootstrap(
    *,
    operator: str | Sequence[str],
    admin: str,
    node_id: str,
    node_cluster: str = "forebay",
    max_connections: int = MAX_CONNECTIONS,
    heap: int | None = None,
    tls: PeerTls | None = None,
    stand_in: str | None = None,
    stats: str | None = None,
) -> dict[str, Any]:
    """Envoy's bootstrap as JSON-ready data.

    Addresses are ``unix:/path`` or ``host:port``. The admin interface can stop Envoy, so keep `admin` to a loopback
    address or a private path; `stats` shows of it what is harmless. Connections over `max_connections` are refused at
    accept; `heap` bounds the bytes that Envoy allocates. `operator` may be several, or a name for several: the one that leads is found by its health. `stand_in` is a
    loopback address that is asked while none of them leads.
    """
    operators = (operator,) if isinstance(operator, str) else tuple(operator)
    made = boot.Bootstrap(
        node=core.Node(id=node_id, cluster=node_cluster),
        admin=boot.Admin(address=parsed_address(admin)),
        static_resources=boot.BootstrapStaticResources(
            clusters=[operator_cluster(operators, tls, stand_in), *([] if stats is None else [admin_cluster(admin)])],
            listeners=[] if stats is None else [stats_listener(stats)],
        ),
        dynamic_resources=_dynamic_resources(),
        bootstrap_extensions=[
            extension("envoy.bootstrap.internal_listener", internal_listener.InternalListener(buffer_size_kb=1024))
        ],
        layered_runtime=boot.LayeredRuntime(layers=[boot.RuntimeLayer(name="forebay", static_layer=struct({}))]),
        overload_manager=overload_manager(max_connections, heap),
    )
    return made.to_dict()


def _dynamic_resources() -> boot.BootstrapDynamicResources:
    # However long it takes: an Envoy that is ready without listeners would be sent requests.
    ads = from_ads(first_wait=timedelta(0))
    again = core.RetryPolicy(
        retry_back_off=core.BackoffStrategy(
            base_interval=timedelta(milliseconds=250), max_interval=timedelta(seconds=2)
        )
    )
    return boot.BootstrapDynamicResources(
        ads_config=core.ApiConfigSource(
            api_type=core.ApiConfigSourceApiType.DELTA_GRPC,
            transport_api_version=core.ApiVersion.V3,
            grpc_services=[
                core.GrpcService(envoy_grpc=core.GrpcServiceEnvoyGrpc(cluster_name=OPERATOR, retry_policy=again))
            ],
            set_node_on_first_message_only=True,
        ),
        lds_config=ads,
        cds_config=ads,
    )

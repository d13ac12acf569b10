"""Forms of the patches in an EnvoyPatchPolicy: JSON of what Envoy reads, and where it goes.

A place is found by what is there and never by its number, which moves with everybody's routes.

Source: Envoy Gateway 1.9.1, api/v1alpha1/envoypatchpolicy_types.go, internal/xds/translator/jsonpatch.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from forebay_operator.envoy.messages import type_url
from forebay_operator.envoy.proto import accesslog, cluster, endpoint, hcm, listener, protobuf, route

Patch = dict[str, Any]
Resource = cluster.Cluster | endpoint.ClusterLoadAssignment | listener.Listener | route.RouteConfiguration
MANAGERS: Final = "$..filters[?(@.name == 'envoy.filters.network.http_connection_manager')].typed_config"
"""Every HTTP connection manager of a listener: of its filter chains and of the default one."""
_MISSPELT: Final = {
    "consecutive5Xx": "consecutive5xx",
    "enforcingConsecutive5Xx": "enforcingConsecutive5xx",
}
"""Names that protobuf spells otherwise in JSON than betterproto2 does: Envoy Gateway refuses a resource with an unknown one."""
ROUTER: Final = "envoy.filters.http.router"


def processor_cluster(extension: str) -> str:
    """What Envoy Gateway calls the cluster of an EnvoyExtensionPolicy's processor (internal/gatewayapi/envoyextensionpolicy.go)."""
    return f"envoyextensionpolicy/{extension}/extproc/0"


def processor(extension: str) -> str:
    """What it calls the filter that asks the processor; it is off, but on the routes that the policy is on."""
    return f"envoy.filters.http.ext_proc/{processor_cluster(extension)}"


def added(made: Resource) -> Patch:
    """One resource more."""
    return {
        "type": type_url(type(made)),
        "name": made.cluster_name if isinstance(made, endpoint.ClusterLoadAssignment) else made.name,
        "operation": {"op": "add", "path": "", "value": _spelt(made.to_dict())},
    }


def appended_access_log(name: str, made: accesslog.AccessLog) -> Patch:
    """One more access log on everything that a listener serves; those that are there stay in their places."""
    return {
        "type": type_url(listener.Listener),
        "name": name,
        "operation": {"op": "add", "jsonPath": MANAGERS, "path": "/access_log/-", "value": made.to_dict()},
    }


def inserted_filter(name: str, before: str, made: hcm.HttpFilter) -> Patch:
    """One more HTTP filter on everything that a listener serves, right before the one called `before`."""
    return {
        "type": type_url(listener.Listener),
        "name": name,
        "operation": {"op": "add", "jsonPath": f"$..http_filters[?(@.name == '{before}')]", "value": made.to_dict()},
    }


def configured_route(table: str, marked: str, filter_name: str, made: protobuf.Any) -> Patch:
    """What a filter is told on all routes of a table that have something to say to the filter called `marked`."""
    return {
        "type": type_url(route.RouteConfiguration),
        "name": table,
        "operation": {
            "op": "add",
            "jsonPath": f"$.virtual_hosts[*].routes[?(@.typed_per_filter_config['{marked}'])]",
            "path": f"/typed_per_filter_config/{filter_name}",
            "value": made.to_dict(),
        },
    }


def changed_routes(table: str, rules: Sequence[str], part: str, op: str, value: Any, path: str = "") -> Patch:
    """What a part of the routes of a table becomes that are of one of these rules, as Envoy Gateway calls them:
    ``httproute/NAMESPACE/NAME/rule/NUMBER``. `part` is a JSON path from the route on."""
    named = "|".join(rule.replace(".", "[.]") for rule in rules)
    return {
        "type": type_url(route.RouteConfiguration),
        "name": table,
        "operation": {
            "op": op,
            "jsonPath": f"$.virtual_hosts[*].routes[?(@.name =~ '^({named})/')]{part}",
            **({"path": path} if path else {}),
            "value": value,
        },
    }


def _spelt(value: Any) -> Any:
    if isinstance(value, dict):
        return {_MISSPELT.get(key, key): _spelt(part) for key, part in value.items()}
    return [_spelt(part) for part in value] if isinstance(value, list) else value

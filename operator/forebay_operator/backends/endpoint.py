"""What a backend comes to: the endpoints of one pool, as Envoy and the scraper are told of them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forebay_decision.check import Finding
from forebay_operator.cluster.objects import FailureMode


class Endpoint(msgspec.Struct, frozen=True, order=True):
    """One server. `host` is an IP address (IPv6 without brackets) or, for fixed and external backends, a host name.

    `ready` endpoints take new requests. A `draining` one is on its way out: it finishes what it has and gets nothing
    new unless every other endpoint is gone. `zone` and `pod` are empty where unknown.
    """

    host: str
    port: int
    ready: bool = True
    draining: bool = False
    zone: str = ""
    pod: str = ""

    @property
    def name(self) -> str:
        """``host:port``: how samples, records and status name it. IPv6 stands in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Picker(msgspec.Struct, frozen=True):
    """An inference pool's endpoint picker: an ext_proc service that chooses the replica.

    `endpoints` are the servers of Service `name`; there are none while it is away. Where it cannot be
    reached, any endpoint of the pool serves (FailOpen), or 503 is answered (FailClose). `tls` is on unless the Service's port
    says ``appProtocol: kubernetes.io/h2c``: pickers serve TLS by default, with a certificate that they make themselves
    and nobody can verify.
    """

    endpoints: tuple[Endpoint, ...] = ()
    name: str = ""
    tls: bool = True
    failure_mode: FailureMode = "FailClose"


class Backend(msgspec.Struct, frozen=True):
    """What a pool's backend resolves to now. `findings` say why it resolves to nothing, or to less than was asked."""

    endpoints: tuple[Endpoint, ...] = ()
    picker: Picker | None = None
    findings: tuple[Finding, ...] = ()


NOWHERE = Backend()
"""Of a pool about which nothing is known."""

Backends = Mapping[str, Backend]
"""By pool, ``namespace/name``."""

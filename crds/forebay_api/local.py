"""forebay.yaml: what a machine adds to the manifests when there is no cluster (listeners, secrets, trust, workers)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta, field

from forebay_api.base import CelRule, Strict
from forebay_api.pool import Port


class ListenerTls(Strict):
    cert_file: str
    key_file: str


class Listener(Strict):
    address: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 10080
    """0 takes a free port."""
    tls: ListenerTls | None = None
    access_log: str | None = None
    """File for Envoy's JSON access log; `-` is standard output."""


class SecretSource(Strict):
    """Where one key of a Secret comes from: exactly one member."""

    cel_rules: ClassVar = (CelRule("has(self.file) != has(self.env)", "set exactly one of file or env"),)
    file: str | None = None
    env: str | None = None


class Trust(Strict):
    ca_file: str | None = None
    """PEM bundle that stands in for the system's trust store when `external` pools are verified."""


class LocalConfig(Strict):
    listeners: list[Listener] = field(default_factory=lambda: [Listener()])
    secrets: dict[str, dict[str, SecretSource]] = {}
    """Secret name -> key -> source."""
    trust: Trust = Trust()
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    admin_port: Port | None = None
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] = 0

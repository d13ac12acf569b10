"""What goes out by SDS and nowhere else: pool credentials and listener certificates."""

from __future__ import annotations

from typing import Final

from forebay_api.local import Listener, ListenerTls
from forebay_operator.envoy.messages import from_ads
from forebay_operator.envoy.proto import core, tls

CERTIFICATE_PREFIX: Final = "certificate/"
"""Secrets of this name hold names of files on Envoy's machine, never a key."""


def credential_name(pool: str) -> str:
    return f"credential/{pool}"


def certificate_name(listener: Listener) -> str:
    return f"{CERTIFICATE_PREFIX}{listener.address}:{listener.port}"


def credential(pool: str, value: str) -> tls.Secret:
    return tls.Secret(
        name=credential_name(pool), generic_secret=tls.GenericSecret(secret=core.DataSource(inline_string=value))
    )


def certificate(listener: Listener, files: ListenerTls) -> tls.Secret:
    """By file name: the key stays on Envoy's machine."""
    return tls.Secret(
        name=certificate_name(listener),
        tls_certificate=tls.TlsCertificate(
            certificate_chain=core.DataSource(filename=files.cert_file),
            private_key=core.DataSource(filename=files.key_file),
        ),
    )


def by_sds(name: str) -> tls.SdsSecretConfig:
    return tls.SdsSecretConfig(name=name, sds_config=from_ads())

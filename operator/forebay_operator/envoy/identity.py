"""Envoy's own certificate, and whose it believes: mutual TLS towards the operator and the data plane.

Certificates are files on Envoy's machine that rotate. Envoy reads them again only where SDS has named them, so there
are two SDS files, written once by its launcher; they name the PEM files and the directory to watch.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from forebay_operator.envoy.messages import extension
from forebay_operator.envoy.proto import core, matcher, tls
from forebay_transport.certificates import TlsFiles
from forebay_transport.security import Security

STATE: Final = "/var/lib/forebay"
"""Where Envoy's launcher keeps its files, unless it is told otherwise."""
IDENTITY: Final = "forebay-identity"
TRUST: Final = "forebay-trust"
_SECRET_TYPE: Final = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"  # noqa: S105


class PeerTls(msgspec.Struct, frozen=True):
    """`name` is the DNS name that the other side's certificate must carry, `state` the launcher's directory."""

    name: str
    state: str = STATE


def peer_tls(security: Security) -> PeerTls | None:
    """How Envoy talks to the data plane where this process talks TLS, too; None is plaintext."""
    return None if security.certificates is None else PeerTls(security.names.data_plane)


def peer_socket(peer: PeerTls) -> core.TransportSocket:
    """HTTP/2 over TLS, refused unless both sides show a certificate of the CA and the other side's has the name."""
    name = tls.SubjectAltNameMatcher(
        san_type=tls.SubjectAltNameMatcherSanType.DNS, matcher=matcher.StringMatcher(exact=peer.name)
    )
    context = tls.UpstreamTlsContext(
        sni=peer.name,
        common_tls_context=tls.CommonTlsContext(
            tls_certificate_sds_secret_configs=[_from_file(peer, IDENTITY)],
            combined_validation_context=tls.CommonTlsContextCombinedCertificateValidationContext(
                default_validation_context=tls.CertificateValidationContext(match_typed_subject_alt_names=[name]),
                validation_context_sds_secret_config=_from_file(peer, TRUST),
            ),
            tls_params=tls.TlsParameters(
                tls_minimum_protocol_version=tls.TlsParametersTlsProtocol.TLSv1_3,
                tls_maximum_protocol_version=tls.TlsParametersTlsProtocol.TLSv1_3,
            ),
            alpn_protocols=["h2"],
        ),
    )
    made = extension("envoy.transport_sockets.tls", context)
    return core.TransportSocket(name=made.name, typed_config=made.typed_config)


def sds_path(state: str, secret: str) -> str:
    return f"{state}/{secret}.json"


def sds_files(files: TlsFiles, state: str) -> dict[str, bytes]:
    """The SDS files by path: which PEM files hold each secret, and the directory in which they are replaced."""
    identity = tls.Secret(
        name=IDENTITY,
        tls_certificate=tls.TlsCertificate(
            certificate_chain=core.DataSource(filename=str(files.cert)),
            private_key=core.DataSource(filename=str(files.key)),
            watched_directory=core.WatchedDirectory(path=str(files.cert.parent)),
        ),
    )
    trust = tls.Secret(
        name=TRUST,
        validation_context=tls.CertificateValidationContext(
            trusted_ca=core.DataSource(filename=str(files.ca)),
            watched_directory=core.WatchedDirectory(path=str(files.ca.parent)),
        ),
    )
    return {sds_path(state, secret.name): _document(secret) for secret in (identity, trust)}


def _document(secret: tls.Secret) -> bytes:
    resource: dict[str, Any] = {"@type": _SECRET_TYPE, **secret.to_dict()}
    return msgspec.json.encode({"resources": [resource]})


def _from_file(peer: PeerTls, secret: str) -> tls.SdsSecretConfig:
    source = core.PathConfigSource(path=sds_path(peer.state, secret))
    return tls.SdsSecretConfig(
        name=secret,
        sds_config=core.ConfigSource(path_config_source=source, resource_api_version=core.ApiVersion.V3),
    )

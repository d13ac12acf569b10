"""How a bought endpoint is verified: SNI, chain of trust, name in the certificate."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from forebay_api.backend import External
from forebay_operator.envoy.messages import extension, is_ip, packed
from forebay_operator.envoy.proto import core, matcher, tls

SYSTEM_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, distroless
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)


@cache
def system_bundle() -> str:
    """The system's PEM bundle: Envoy has no default of its own. The first of the well-known paths that exists."""
    return next((path for path in SYSTEM_BUNDLES if Path(path).is_file()), SYSTEM_BUNDLES[0])


def verified_tls(external: External, trust_ca: str | None) -> core.TransportSocket:
    """TLS to `external`, refused unless the chain and the name both hold."""
    ip = is_ip(external.hostname)
    name = tls.SubjectAltNameMatcher(
        san_type=tls.SubjectAltNameMatcherSanType.IP_ADDRESS if ip else tls.SubjectAltNameMatcherSanType.DNS,
        matcher=matcher.StringMatcher(exact=external.hostname),
    )
    context = tls.UpstreamTlsContext(
        sni="" if ip else external.hostname,
        common_tls_context=tls.CommonTlsContext(
            validation_context=tls.CertificateValidationContext(
                trusted_ca=core.DataSource(filename=trust_ca or system_bundle()),
                match_typed_subject_alt_names=[name],
            ),
        ),
    )
    socket = extension("envoy.transport_sockets.tls", context)
    return core.TransportSocket(name=socket.name, typed_config=packed(context))

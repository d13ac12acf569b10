"""Security: how one process secures what it says to the others, from its command line to gRPC.

Mutual TLS everywhere but on Unix sockets. Loopback may go without; anything else only where somebody said so.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
import msgspec

from forebay_transport.address import PlaintextRefused, is_local, is_unix
from forebay_transport.certificates import Certificates, TlsFiles, UnusableTls
from forebay_transport.identities import Identities, Role

_RPC: Final[Any] = grpc
"""Its functions have no annotations."""
NAMES: Final = Identities()


class Security(msgspec.Struct, frozen=True, kw_only=True):
    """`certificates` None means no TLS. `insecure`: an operator of this system has allowed plaintext over a network."""

    certificates: Certificates | None = None
    insecure: bool = False
    names: Identities = NAMES

    def admit(self, addresses: Iterable[str], option: str) -> None:
        """Raise PlaintextRefused where one of these, given as `option`, would carry plaintext over a network."""
        if self.certificates is not None or self.insecure:
            return
        for address in addresses:
            if not is_local(address):
                raise PlaintextRefused(
                    f"{option} {address}: this can be reached over a network and there is no TLS: give --tls-cert, "
                    "--tls-key and --tls-ca, or allow plaintext with --insecure"
                )

    def listen(self, server: grpc.aio.Server, address: str) -> int:
        """Add a port: plaintext on a Unix socket, TLS on TCP where there are certificates. Raises RuntimeError if taken."""
        self.admit((address,), "--listen")
        if self.certificates is None or is_unix(address):
            return server.add_insecure_port(address)
        return server.add_secure_port(address, server_credentials(self.certificates))

    def open_channel(self, address: str, name: str, options: Sequence[tuple[str, Any]] = ()) -> grpc.aio.Channel:
        """A channel to a server whose certificate must carry `name`; it connects when it is used. The caller closes it.

        Certificates are those of this moment: whoever connects again opens a new channel.
        """
        self.admit((address,), "the address")
        if self.certificates is None or is_unix(address):
            return grpc.aio.insecure_channel(address, options=options)
        pems = self.certificates.newest()
        credentials = _RPC.ssl_channel_credentials(pems.ca, pems.key, pems.chain)
        named = (("grpc.ssl_target_name_override", name), ("grpc.default_authority", name))
        return grpc.aio.secure_channel(address, credentials, options=(*options, *named))

    def roles(self, context: grpc.aio.ServicerContext[Any, Any]) -> frozenset[Role] | None:
        """What the caller's certificate says it is; None where the port is plaintext, which proves nothing.

        A plaintext port is one that `admit` let pass: whoever reaches it is trusted.
        """
        proof = context.auth_context()
        if b"ssl" not in proof.get("transport_security_type", ()):
            return None
        return self.names.roles(name.decode("ascii", "replace") for name in proof.get("peer_dns", ()))


PLAINTEXT: Final = Security()
"""No certificates: good for Unix sockets and loopback."""


def server_credentials(certificates: Certificates) -> grpc.ServerCredentials:
    """Clients have to show a certificate of the CA; files are looked at again with each connection, so rotation needs
    no restart. Connections that are open stay."""
    given = certificates.newest()

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        nonlocal given
        newest = certificates.newest()
        if newest is given:
            return None
        given = newest
        return _configuration(certificates)

    first = _configuration(certificates)
    made: grpc.ServerCredentials = _RPC.dynamic_ssl_server_credentials(first, fetch, require_client_authentication=True)
    return made


def _configuration(certificates: Certificates) -> grpc.ServerCertificateConfiguration:
    pems = certificates.newest()
    made: grpc.ServerCertificateConfiguration = _RPC.ssl_server_certificate_configuration(
        [(pems.key, pems.chain)], pems.ca
    )
    return made


def add_security_options(parser: argparse.ArgumentParser) -> None:
    """The options that every process has."""
    group = parser.add_argument_group("security between Forebay's processes")
    group.add_argument("--tls-cert", type=Path, metavar="FILE", help="this process's certificate chain (PEM)")
    group.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key (PEM)")
    group.add_argument("--tls-ca", type=Path, metavar="FILE", help="whom to trust (PEM)")
    group.add_argument("--insecure", action="store_true", help="allow plaintext beyond this machine")
    for option, name in (("operator", NAMES.operator), ("data-plane", NAMES.data_plane), ("envoy", NAMES.envoy)):
        group.add_argument(
            f"--{option}-name", default=name, metavar="NAME", help=f"DNS name in its certificate ({name})"
        )


def security_of(found: argparse.Namespace) -> Security:
    """What the options say. Raises ValueError, UnusableTls."""
    names = Identities(operator=found.operator_name, data_plane=found.data_plane_name, envoy=found.envoy_name)
    files = {"--tls-cert": found.tls_cert, "--tls-key": found.tls_key, "--tls-ca": found.tls_ca}
    missing = [option for option, path in files.items() if path is None]
    if len(missing) == len(files):
        return Security(insecure=found.insecure, names=names)
    if missing:
        raise ValueError(f"{', '.join(missing)}: needed beside the other --tls options")
    return Security(certificates=Certificates(TlsFiles(*files.values())), insecure=found.insecure, names=names)


__all__ = ["PLAINTEXT", "PlaintextRefused", "Security", "UnusableTls", "add_security_options", "security_of"]

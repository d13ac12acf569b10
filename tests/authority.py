"""Certificates for tests: a CA, and files of it as cert-manager leaves them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import trustme

from forebay_transport.certificates import Certificates, TlsFiles
from forebay_transport.security import Security

NAMES = {"operator": "forebay-operator", "data-plane": "forebay-data-plane", "envoy": "forebay-envoy"}


class Authority:
    """A CA, and certificates of it as cert-manager leaves them: three files in a directory that is replaced at once."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self._folder = folder
        self._count = 0

    def issue(self, role: str, name: str | None = None, *, until: datetime | None = None) -> TlsFiles:
        """(Re)issue the certificate of a role; it holds for long unless `until` says otherwise."""
        made = self._ca.issue_cert(name or NAMES[role], not_after=until)
        place = self._folder / role
        place.mkdir(parents=True, exist_ok=True)
        self._count += 1
        data = place / f"..{self._count}"
        data.mkdir()
        (data / "tls.key").write_bytes(made.private_key_pem.bytes())
        (data / "tls.crt").write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
        (data / "ca.crt").write_bytes(self._ca.cert_pem.bytes())
        link = place / "..new"
        link.symlink_to(data.name)
        link.rename(place / "..data")
        for name_ in ("tls.crt", "tls.key", "ca.crt"):
            if not (place / name_).is_symlink():
                (place / name_).symlink_to(f"..data/{name_}")
        return self.files(role)

    def renew(self) -> None:
        """A new CA; what it issued before is no longer believed by what it issues from now on."""
        self._ca = trustme.CA()

    def files(self, role: str) -> TlsFiles:
        place = self._folder / role
        return TlsFiles(place / "tls.crt", place / "tls.key", place / "ca.crt")

    def security(self, role: str) -> Security:
        return Security(certificates=Certificates(self.files(role)))

    def options(self, role: str) -> list[str]:
        files = self.files(role)
        return ["--tls-cert", str(files.cert), "--tls-key", str(files.key), "--tls-ca", str(files.ca)]

"""Certificates from files that rotate: read again when they change, the last good ones kept while they are replaced.

The layout is that of a mounted `kubernetes.io/tls` Secret as cert-manager writes it (tls.crt, tls.key, ca.crt), which is
replaced at once but read file by file, and that of any other tool that writes PEM files, one after the other.
"""

from __future__ import annotations

import logging
import math
import ssl
import threading
import time
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from forebay_transport.validity import expiry

log = logging.getLogger(__name__)

MAX_FILE_BYTES: Final = 1 << 20
_ATTEMPTS: Final = 3
_Stamps = tuple[tuple[int, int, int], ...]


class TlsFiles(msgspec.Struct, frozen=True):
    """PEM files: our certificate chain, its private key, and whom we trust."""

    cert: Path
    key: Path
    ca: Path

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        return self.cert, self.key, self.ca


class Pems(NamedTuple):
    """What the files held; never logged."""

    chain: bytes
    key: bytes
    ca: bytes


class UnusableTls(Exception):
    """The files cannot be used; the message names the file and says what is wrong with it."""


class Certificates:
    """The newest usable content of the files. May be asked from any thread.

    Raises UnusableTls when it is made; later, what cannot be used is logged and the last good content stays. So is, once,
    that what is used has expired: the peer that refuses it tells us no more than that the connection is closed.
    """

    def __init__(self, files: TlsFiles) -> None:
        self.files = files
        self._lock = threading.Lock()
        self._seen = _stamps(files)
        self._pems = read(files)
        self._refused: _Stamps | None = None
        """Of files that could not be used: they are not read again until they change."""
        self._ends = _ends(self._pems)
        self._told: Pems | None = None
        """What was said to have expired."""

    def newest(self) -> Pems:
        """The content now; a few `stat` calls where nothing changed."""
        with self._lock:
            stamps = _stamps(self.files)
            if stamps not in (self._seen, self._refused):
                try:
                    self._pems, self._seen = read(self.files), stamps
                    self._ends = _ends(self._pems)
                    log.info("certificates read again from %s", self.files.cert)
                except UnusableTls as error:
                    self._refused = stamps
                    log.warning("certificates stay as they were: %s", error)
            if self._told is not self._pems and time.time() >= min(self._ends):
                self._told = self._pems
                expired = self.files.cert if self._ends[0] <= self._ends[1] else self.files.ca
                log.warning("%s has expired: no new connection is made with it; replace it", expired)
            return self._pems


def _ends(pems: Pems) -> tuple[float, float]:
    """When our chain and our CA expire, in seconds since 1970; never, where they do not say so."""
    chain, ca = expiry(pems.chain), expiry(pems.ca)
    return (math.inf if chain is None else chain, math.inf if ca is None else ca)


def read(files: TlsFiles) -> Pems:
    """The content of all three, from one moment, fit for use. Raises UnusableTls."""
    for _ in range(_ATTEMPTS):
        before = _contents(files)
        problem = _problem(files)
        if before == _contents(files):
            if problem:
                raise UnusableTls(problem)
            return before
    raise UnusableTls(f"{files.cert}: the files are being replaced")


def _contents(files: TlsFiles) -> Pems:
    return Pems(*(_content(path) for path in files.paths))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UnusableTls(f"{path}: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise UnusableTls(f"{path}: more than {MAX_FILE_BYTES} bytes")
    return data


def _problem(files: TlsFiles) -> str:
    """Why OpenSSL does not take them, empty where it does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # A password, so that an encrypted key is an error and no question on a terminal.
        context.load_cert_chain(files.cert, files.key, password="")
    except (ssl.SSLError, OSError) as error:
        if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
            return f"{files.key}: the key does not belong to {files.cert}"
        return f"{files.cert}, {files.key}: no certificate chain with its unencrypted key in PEM"
    try:
        context.load_verify_locations(files.ca)
    except (ssl.SSLError, OSError):
        return f"{files.ca}: no certificate in PEM"
    return ""


def _stamps(files: TlsFiles) -> _Stamps:
    stamps = []
    for path in files.paths:
        try:
            found = path.stat()
            stamps.append((found.st_mtime_ns, found.st_ino, found.st_size))
        except OSError:
            stamps.append((0, 0, 0))
    return tuple(stamps)

"""Certificates from files that are replaced while they are in use."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forebay_transport.certificates import MAX_FILE_BYTES, Certificates, TlsFiles, UnusableTls

from ..authority import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_what_is_issued_again_is_read_again(authority: Authority) -> None:
    certificates = Certificates(authority.issue("envoy"))
    first = certificates.newest()
    assert certificates.newest() is first, "nothing changed, nothing is read"
    authority.issue("envoy")
    second = certificates.newest()
    assert second != first
    assert second.chain == authority.files("envoy").cert.read_bytes()


def test_a_key_that_does_not_belong_to_its_certificate_is_refused_by_name(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    files = authority.issue("envoy")
    certificates = Certificates(files)
    kept = certificates.newest()
    other = authority.issue("operator")
    mixed = TlsFiles(files.cert, other.key, files.ca)
    with pytest.raises(UnusableTls, match=r"tls\.key: the key does not belong to .*tls\.crt"):
        Certificates(mixed)

    files.key.unlink()
    files.key.write_bytes(other.key.read_bytes())
    assert certificates.newest() == kept, "one file of two is there: the last good pair stays"
    certificates.newest()
    assert caplog.text.count("certificates stay as they were") == 1, "said once, and not read with every connection"
    assert b"PRIVATE".decode() not in caplog.text


def test_the_new_pair_is_taken_once_both_files_are_there(authority: Authority) -> None:
    files = authority.issue("envoy")
    certificates = Certificates(files)
    other = authority.issue("operator")
    for old, new in ((files.key, other.key), (files.cert, other.cert)):
        old.unlink()
        old.write_bytes(new.read_bytes())
        certificates.newest()
    assert certificates.newest().chain == other.cert.read_bytes()


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableTls, match=r"no\.crt: No such file"):
        Certificates(TlsFiles(tmp_path / "no.crt", tmp_path / "no.key", tmp_path / "no.ca"))


def test_what_is_no_pem_is_refused(authority: Authority) -> None:
    files = authority.issue("envoy")
    files.ca.unlink()
    files.ca.write_text("nothing")
    with pytest.raises(UnusableTls, match=r"ca\.crt: no certificate in PEM"):
        Certificates(files)


def test_a_file_without_end_is_refused(authority: Authority) -> None:
    files = authority.issue("envoy")
    files.ca.unlink()
    files.ca.write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    with pytest.raises(UnusableTls, match="more than"):
        Certificates(files)


def test_an_encrypted_key_is_an_error_and_no_question(tmp_path: Path, authority: Authority) -> None:
    files = authority.issue("envoy")
    locked = tmp_path / "locked.key"
    command = ["openssl", "pkcs8", "-topk8", "-in", str(files.key), "-out", str(locked), "-passout", "pass:secret"]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(UnusableTls, match="unencrypted key"):
        Certificates(TlsFiles(files.cert, locked, files.ca))


def test_that_a_certificate_has_expired_is_said_once_by_whoever_shows_it(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """The other side refuses it, and says no more than that the connection is closed."""
    files = authority.issue("data-plane", until=datetime.now(UTC) - timedelta(minutes=1))
    certificates = Certificates(files)
    for _ in range(3):
        certificates.newest()
    assert caplog.messages == [f"{files.cert} has expired: no new connection is made with it; replace it"]

    authority.issue("data-plane", until=datetime.now(UTC) - timedelta(seconds=1))
    certificates.newest()
    assert len([message for message in caplog.messages if "has expired" in message]) == 2
    authority.issue("data-plane")
    for _ in range(3):
        certificates.newest()
    assert len([message for message in caplog.messages if "has expired" in message]) == 2

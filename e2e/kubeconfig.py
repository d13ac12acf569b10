"""Kubeconfig files: written for a token, read into an HTTP client."""

from __future__ import annotations

import base64
import os
import shutil
import ssl
import tempfile
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from .binaries import locate

REQUEST_SECONDS: Final = 30.0
_FILES: Final = ("certificate-authority", "client-certificate", "client-key")


def kubectl() -> str:
    """KUBECTL, else the one of the parts, else the one on PATH."""
    found = os.environ.get("KUBECTL") or locate("kubectl") or shutil.which("kubectl")
    assert found, "there is no kubectl: `make e2e-parts` builds it; or install it, or set KUBECTL"
    return str(found)


def write_kubeconfig(path: Path, server: str, ca_pem: bytes, token: str, namespace: str = "default") -> Path:
    """A kubeconfig for a bearer token, readable by its owner alone."""
    authority = base64.b64encode(ca_pem).decode()
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "e2e", "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": "e2e", "user": {"token": token}}],
        "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e", "namespace": namespace}}],
        "current-context": "e2e",
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content))
    return path


def read_kubeconfig(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cluster and user of the current context, with the content of files in their ``-data`` fields."""
    content = yaml.safe_load(path.read_text())
    context = _named(content["contexts"], content["current-context"])["context"]
    cluster = _named(content["clusters"], context["cluster"])["cluster"]
    user = _named(content["users"], context["user"])["user"]
    return _inline(cluster, path.parent), _inline(user, path.parent)


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _inline(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    files = {key: folder / entry[key] for key in _FILES if key in entry}
    return entry | {f"{key}-data": base64.b64encode(file.read_bytes()).decode() for key, file in files.items()}


def http_client(path: Path) -> httpx.Client:
    """A client with the file's address, trust and identity (a token or a client certificate)."""
    cluster, user = read_kubeconfig(path)
    trust = ssl.create_default_context(cadata=authority_of(cluster).decode())
    headers = {"authorization": f"Bearer {user['token']}"} if "token" in user else {}
    if not headers:
        assert "client-certificate-data" in user, f"{path}: only tokens and client certificates work here"
        _identify(trust, user)
    return httpx.Client(
        base_url=cluster["server"], verify=trust, headers=headers, timeout=REQUEST_SECONDS, trust_env=False
    )


def trust_of(path: Path) -> ssl.SSLContext:
    """Whom a client of this cluster trusts."""
    cluster, _ = read_kubeconfig(path)
    return ssl.create_default_context(cadata=authority_of(cluster).decode())


def authority_of(cluster: dict[str, Any]) -> bytes:
    """The PEM that signs the API server's certificate."""
    return base64.b64decode(cluster["certificate-authority-data"])


def _identify(trust: ssl.SSLContext, user: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory(prefix="fb-") as folder:
        certificate, key = Path(folder) / "tls.crt", Path(folder) / "tls.key"
        key.touch(mode=0o600)
        certificate.write_bytes(base64.b64decode(user["client-certificate-data"]))
        key.write_bytes(base64.b64decode(user["client-key-data"]))
        trust.load_cert_chain(certificate, key)

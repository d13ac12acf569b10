"""``python -m e2e.foreign``: other projects' CustomResourceDefinitions, out of their Go modules, once.

The chart makes Certificates and ServiceMonitors; with the real definitions an API server says whether they are sound. The
modules are checked against Go's checksum database, and the copies against the digests here.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .binaries.catalog import cache_folder

FETCH_SECONDS: Final = 300


@dataclass(frozen=True)
class Definition:
    """One file of a Go module: `module` at its version, the path inside, and the file's SHA-256."""

    module: str
    path: str
    sha256: str

    @property
    def file(self) -> Path:
        """Where the copy is; another content is another file."""
        return cache_folder().parent / "definitions" / f"{self.sha256[:12]}-{Path(self.path).name}"


_CERT_MANAGER: Final = "github.com/cert-manager/cert-manager@v1.19.1"
_PROMETHEUS: Final = "github.com/prometheus-operator/prometheus-operator@v0.84.0"
DEFINITIONS: Final = (
    Definition(
        _CERT_MANAGER,
        "deploy/crds/cert-manager.io_certificates.yaml",
        "7c99af3441710ffb4c0988c87a36a1448b293d4c99bf4e5ca8d3adbfc1f63b3e",
    ),
    Definition(
        _CERT_MANAGER,
        "deploy/crds/cert-manager.io_issuers.yaml",
        "a7ffbadca04b32f3bbce923d545291abb032dddb659791f6e2872dd323513a52",
    ),
    Definition(
        _PROMETHEUS,
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "7b2b9d78425a7d3d219f21168c6fded0501187b7fc0da3f5b14f11035a9b32cb",
    ),
)


def fetch(wanted: Definition) -> str:
    """Fetch it if it is not there; empty, or why it cannot be had."""
    if wanted.file.exists():
        return ""
    go = shutil.which("go")
    if go is None:
        return "there is no go on PATH"
    try:
        done = subprocess.run(
            [go, "mod", "download", "-json", wanted.module],
            cwd="/", capture_output=True, text=True, timeout=FETCH_SECONDS, check=False,
        )  # fmt: skip
        answer = json.loads(done.stdout or "{}")
    except (subprocess.TimeoutExpired, ValueError) as error:
        return f"go mod download: {type(error).__name__}"
    if "Dir" not in answer:
        return str(answer.get("Error") or done.stderr.strip())
    content = (Path(answer["Dir"]) / wanted.path).read_bytes()
    if hashlib.sha256(content).hexdigest() != wanted.sha256:
        return f"{wanted.path} is not the file that is pinned here"
    wanted.file.parent.mkdir(parents=True, exist_ok=True)
    partial = wanted.file.with_suffix(".partial")
    partial.write_bytes(content)
    partial.rename(wanted.file)
    return ""


def main() -> int:
    """Always 0: what cannot be had is said here, and the tests that want it are skipped, loudly."""
    for wanted in DEFINITIONS:
        if not wanted.file.exists():
            sys.stdout.write(f"fetching {Path(wanted.path).name} of {wanted.module}\n")
        if why := fetch(wanted):
            sys.stdout.write(f"not to be had: {Path(wanted.path).name} of {wanted.module}: {why}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m e2e.foreign``: other projects' CustomResourceDefinitions, out of their Go modules, once.

The chart makes Certificates, ServiceMonitors and PrometheusRules; with the real definitions an API server says whether they
are sound. The modules are checked against Go's checksum database, and the copies against the digests here.
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
    Definition(
        _PROMETHEUS,
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        "51298239e92eac7bb4e367216b0cbcd7ab925d4bd7370f7bd7b737678de73f39",
    ),
)

_ENVOY_GATEWAY: Final = "github.com/envoyproxy/gateway@v1.9.1"
_OWN_KINDS: Final = "charts/gateway-helm/charts/crds/crds/generated/gateway.envoyproxy.io"
GATEWAY: Final = (
    Definition(
        _ENVOY_GATEWAY,
        "charts/gateway-helm/charts/crds/crds/gatewayapi-crds.yaml",
        "f0342ed49e7cd1b62624659984ea2934addd334efc8630827d0e1a81194b157a",
    ),
    *(
        Definition(_ENVOY_GATEWAY, f"{_OWN_KINDS}_{plural}.yaml", sha256)
        for plural, sha256 in (
            ("backends", "bb1901aea758d05458b853b07db04a96a1ea4346b177e392e5ce7398573805be"),
            ("backendtrafficpolicies", "cd75a4c222df5487aa9ca8957b48bcc3255eb25de02ed9153faf620bc160f786"),
            ("clienttrafficpolicies", "2c7eaa1ce30de626e9c362b8d9002281c2f435f970020fa81902ad7f30b38d5b"),
            ("envoyextensionpolicies", "608f40a90cc2384f08f9aeb630d5198b70891946bbc6f6eba593b25544cd3b1b"),
            ("envoypatchpolicies", "8e9110c32b414ea5c43a85e272dc2dee8917ed0bfa36a9a2b72fde1f3fba6083"),
            ("envoyproxies", "3e9ea2f348445e3798b02daf02bf024b0d944227cf5ef8a18da7f675a1afd223"),
            ("httproutefilters", "ad46193dbec0a28cc97fa93a64bcd1f464858544d884eeac5e4d767526dcfd3d"),
            ("securitypolicies", "0eddd4bb2ac007b709433fec37669e79fd57b153fbfe7b42446d45ea384c0a74"),
        )
    ),
)
"""Gateway API's kinds and Envoy Gateway's own, of the version that e2e/binaries builds."""
_EXTENSION: Final = "sigs.k8s.io/gateway-api-inference-extension@v1.5.0"
INFERENCE_EXTENSION: Final = (
    Definition(
        _EXTENSION,
        "config/crd/bases/inference.networking.k8s.io_inferencepools.yaml",
        "0bc3ddd94db6f588a5cecc627c39e3d12b4343d51c48d47ffa68c50fa73c290c",
    ),
    Definition(
        _EXTENSION,
        "config/crd/bases/inference.networking.x-k8s.io_inferenceobjectives.yaml",
        "e06a3e13e91f7a3a71a9d4146fb56076a247f43ad72b6401f8039ccf9cfa3700",
    ),
    Definition(
        _EXTENSION,
        "config/crd/bases/inference.networking.x-k8s.io_inferencemodelrewrites.yaml",
        "887abbc047e7e36633f2f28ee47dc59cae5293ebef110e57cc286ab4605d8a97",
    ),
)
"""The kinds that an endpoint picker watches."""


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
    for wanted in (*DEFINITIONS, *GATEWAY, *INFERENCE_EXTENSION):
        if not wanted.file.exists():
            sys.stdout.write(f"fetching {Path(wanted.path).name} of {wanted.module}\n")
        if why := fetch(wanted):
            sys.stdout.write(f"not to be had: {Path(wanted.path).name} of {wanted.module}: {why}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

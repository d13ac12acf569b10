"""Published packages at one version, unpacked: fetched once by the registries' own clients into the build's folder."""

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

Origin: TypeAlias = Literal["pypi", "go", "npm"]
SECONDS: Final = 600
"""For one package."""


class PackageMissing(OSError):
    """A package could not be fetched; the message says with what and why."""


class Package(msgspec.Struct, frozen=True):
    """One of a registry's."""

    origin: Origin
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.origin})"


def unpack(package: Package, folder: Path) -> Path:
    """Where the files of a package lie, below `folder` unless its client has a place of its own."""
    place = folder / package.origin / f"{package.name.replace('/', '!')}@{package.version}"
    if not place.exists():
        part = place.with_name(place.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        _FETCH[package.origin](package, part)
        part.rename(place)
    pointer = place / ".place"
    return Path(pointer.read_text(encoding="utf-8")) if pointer.exists() else place


def _from_pypi(package: Package, part: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    wanted = f"{package.name}=={package.version}"
    _run([str(uv), "pip", "install", "--quiet", "--no-deps", "--target", str(part), wanted], part, package)


def _from_go(package: Package, part: Path) -> None:
    """Go keeps modules unpacked itself, read-only and checked by its own sums."""
    told = _run(["go", "mod", "download", "-json", f"{package.name}@{package.version}"], part, package)
    (part / ".place").write_text(json.loads(told)["Dir"], encoding="utf-8")


def _from_npm(package: Package, part: Path) -> None:
    told = _run(["npm", "pack", "--silent", "--json", f"{package.name}@{package.version}"], part, package)
    archive = part / json.loads(told)[0]["filename"]
    with tarfile.open(archive) as file:
        file.extractall(part / "all", filter="data")
    archive.unlink()
    inner = next((part / "all").iterdir())
    for each in inner.iterdir():
        each.rename(part / each.name)
    shutil.rmtree(part / "all")


_FETCH: Final[dict[Origin, Callable[[Package, Path], None]]] = {
    "pypi": _from_pypi,
    "go": _from_go,
    "npm": _from_npm,
}


def _run(command: list[str], folder: Path, package: Package) -> str:
    try:
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PackageMissing(f"{package}: `{' '.join(command[:3])}` did not run: {error}") from error
    if ran.returncode:
        raise PackageMissing(f"{package}: `{' '.join(command[:3])}` failed: {ran.stderr.strip()[-400:]}")
    return ran.stdout

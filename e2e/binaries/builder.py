"""Builds parts from their pinned Go modules, once, into a cache; finds what is there already."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from .catalog import PARTS, Part, cache_folder

BUILD_SECONDS: Final = 1200.0
PROGRESS_SECONDS: Final = 20.0
FROM_ASSETS: Final = frozenset({"etcd", "kube-apiserver", "kube-controller-manager", "kubectl"})
LINES_OF_AN_ERROR: Final = 8


class Missing(Exception):
    """A part that cannot be had; the message says why and what would help."""


def locate(name: str) -> Path | None:
    """The binary if it is there: in KUBEBUILDER_ASSETS, or in the cache."""
    if (assets := os.environ.get("KUBEBUILDER_ASSETS")) and name in FROM_ASSETS:
        given = Path(assets) / name
        if os.access(given, os.X_OK):
            return given
    built = cache_folder() / PARTS[name].key
    return built if built.exists() else None


def build(name: str, say: Callable[[str], None] = print) -> Path:
    """The binary, built if need be. Missing if it cannot be had. Several may ask at once; one builds."""
    if found := locate(name):
        return found
    part = PARTS[name]
    target = cache_folder() / part.key
    with _lock(target.parent, say):
        if not target.exists():
            _compile(part, target, say)
    return target


def _compile(part: Part, target: Path, say: Callable[[str], None]) -> None:
    go = shutil.which("go")
    if go is None:
        raise Missing("there is no go on PATH: install Go, or set KUBEBUILDER_ASSETS")
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    command = [go, "build", "-mod=readonly", "-ldflags", part.linker_flags, "-o", str(scratch), part.package]
    started = time.monotonic()
    log = scratch.with_suffix(".log")
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=part.folder, env={**os.environ, "CGO_ENABLED": "0"}, stdout=output, stderr=output
            )
            try:
                code = _wait(process, part, started, say)
            finally:
                process.kill()
        if code is None:
            raise Missing(f"not built within {BUILD_SECONDS:.0f} s")
        if code:
            tail = log.read_text(errors="replace").strip().splitlines()[-LINES_OF_AN_ERROR:]
            raise Missing("go build failed:\n    " + "\n    ".join(tail))
        scratch.rename(target)
    finally:
        scratch.unlink(missing_ok=True)
        log.unlink(missing_ok=True)
    _forget_older(part, target)
    say(f"  {part.name} {part.version}: built in {time.monotonic() - started:.0f} s")


def _wait(process: subprocess.Popen[bytes], part: Part, started: float, say: Callable[[str], None]) -> int | None:
    while (elapsed := time.monotonic() - started) < BUILD_SECONDS:
        say(f"  {part.name} {part.version}: building, {elapsed:.0f} s")
        try:
            return process.wait(PROGRESS_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    return None


def _forget_older(part: Part, newest: Path) -> None:
    for path in newest.parent.glob(f"{part.name}@*"):
        if path != newest:
            path.unlink(missing_ok=True)


@contextmanager
def _lock(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("  waiting: another build is running")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield

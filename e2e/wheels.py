"""``python -m e2e.wheels``: fetch the packages that the images are locked to, once, before tests run without a network."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

from .binaries.catalog import cache_folder

LOCKS: Final = {
    path.stem: path for path in sorted((Path(__file__).parents[1] / "docker").glob("*.lock")) if path.stem != "build"
}
FETCH_SECONDS: Final = 900


def wheels_folder(image: str) -> Path:
    """Where the packages of an image are; another lock is another folder."""
    digest = hashlib.sha256(LOCKS[image].read_bytes()).hexdigest()[:12]
    return cache_folder().parent / "wheels" / f"{image}-{digest}"


def fetch(image: str) -> str:
    """Fetch what is not there; empty, or why it could not be had."""
    folder, lock = wheels_folder(image), LOCKS[image]
    if folder.is_dir():
        return ""
    partial = folder.with_suffix(".partial")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    command += ["--require-hashes", f"--requirement={lock}", f"--dest={partial}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer within {FETCH_SECONDS} s"
    if done.returncode:
        return done.stderr.strip().rpartition("\n")[2]
    partial.rename(folder)
    return ""


def main() -> int:
    """Always 0: what cannot be had is said here, and the tests that want it are skipped, loudly."""
    for image in LOCKS:
        if not wheels_folder(image).is_dir():
            sys.stdout.write(f"fetching the packages of docker/{image}.lock\n")
        if why := fetch(image):
            sys.stdout.write(f"not to be had: the packages of docker/{image}.lock: {why}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

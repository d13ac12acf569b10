"""Makes a build resumable: each costly array is kept under a name that holds the digest of what it was made from."""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_atomically(path: Path, content: bytes) -> None:
    """A reader, or a build that is interrupted, sees the old file or the whole new one."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def recall(folder: Path, name: str, inputs: str, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    """The array made from `inputs` (any text that identifies them), from `folder` where an earlier run left it."""
    path = folder / f"{name}-{hashlib.sha256(inputs.encode()).hexdigest()[:16]}.npy"
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, make(), allow_pickle=False)
        part.replace(path)
    result: NDArray[np.float32] = np.load(path, allow_pickle=False)
    return result


def report_progress(what: str) -> Callable[[int, int], None]:
    """Prints to standard error: a moving count on a terminal, else one line per tenth."""
    moving = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def report(done: int, total: int) -> None:
        if moving and (done % 50 == 0 or done == total):
            print(f"\r{what}: {done:,} of {total:,}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif not moving and (done * 10 // total) != ((done - 1) * 10 // total):
            print(f"{what}: {done:,} of {total:,}", file=sys.stderr, flush=True)

    return report

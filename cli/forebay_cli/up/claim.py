"""One supervisor a directory: two would take each other's sockets."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class AlreadyRunning(Exception):
    """Another supervisor runs over the same directory: their sockets would be one another's."""


def claim(run: Path) -> int:
    """Lock the run directory for as long as the descriptor is open; the kernel lets go of it with the process."""
    descriptor = os.open(run / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise AlreadyRunning(f"another `forebay up` runs over {run.parent}: stop it, or copy the directory") from None
    return descriptor

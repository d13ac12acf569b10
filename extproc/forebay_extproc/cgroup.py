"""How much memory this process may use, as its control groups say, and what of that bodies get."""

from __future__ import annotations

from pathlib import Path
from typing import Final

UNLIMITED_BYTES: Final = 512 << 20
"""For bodies, where nothing limits the process."""
LEAST_BYTES: Final = 64 << 20
SHARE: Final = 3 / 8
"""Of a limit. The rest is for encoders, models and the interpreter, and for what copying and fragments add."""
_UNLIMITED: Final = 1 << 50
_PROCESS: Final = Path("/proc/self/cgroup")
_MOUNT: Final = Path("/sys/fs/cgroup")


def bytes_for_bodies(processes: int = 1) -> int:
    """Bytes that bodies may take in each of so many processes that are limited together."""
    limit = memory_limit()
    if limit is None:
        return UNLIMITED_BYTES
    return max(LEAST_BYTES, int(limit * SHARE) // processes)


def memory_limit(process: Path = _PROCESS, mount: Path = _MOUNT) -> int | None:
    """The least limit of the process's control group and those around it in bytes, of either version; None without one."""
    try:
        lines = process.read_text().splitlines()
    except OSError:
        return None
    found: list[int] = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            root, name = mount, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = mount / "memory", "memory.limit_in_bytes"
        else:
            continue
        # In a container the path may be the host's, and the group is then what is mounted at the root.
        inner = Path(path.lstrip("/"))
        found += [limit for folder in (inner, *inner.parents) if (limit := _read(root / folder / name)) is not None]
    return min(found, default=None)


def _read(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and int(text) < _UNLIMITED else None

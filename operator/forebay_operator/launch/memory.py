"""How much memory Envoy may allocate here: the container's limit, less what the launcher and Envoy's own code take.

Source: cgroup v2 (memory.max), cgroup v1 (memory.limit_in_bytes, a number beyond all memory where there is no limit).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
FILES: Final = ("memory.max", "memory/memory.limit_in_bytes")
RESERVED: Final = 256 << 20
"""Bytes that are not Envoy's heap: this process, Envoy's stacks and pages that its allocator has yet to give back."""
UNLIMITED: Final = 1 << 50


def heap_bytes(cgroups: Path = CGROUPS) -> int | None:
    """Half of the limit at least; None where there is no limit, or none to be read."""
    for name in FILES:
        try:
            text = (cgroups / name).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        limit = int(text) if text.isdigit() else UNLIMITED
        return None if limit >= UNLIMITED else max(limit - RESERVED, limit // 2)
    return None

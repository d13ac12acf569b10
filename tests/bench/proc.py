"""What /proc tells about a tree of processes: who belongs to it, its CPU time and memory, and where it listens."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
TICKS: Final = os.sysconf("SC_CLK_TCK")
_LISTENING: Final = "0A"


def tree(root: int) -> list[int]:
    """The process and all its descendants, those that are gone left out."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return [pid for pid in found if _stat(pid)]


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of these processes, all threads, since each began."""
    return sum((int(fields[11]) + int(fields[12])) / TICKS for pid in pids if (fields := _stat(pid)))


def busy_seconds() -> float:
    """CPU time that the whole machine has spent or had stolen, all cores."""
    user, nice, system, _idle, _iowait, *rest = (PROC / "stat").read_text().splitlines()[0].split()[1:]
    return sum(map(int, (user, nice, system, *rest[:3]))) / TICKS


def command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    return ""


def memory_mib(pid: int, field: str = "VmRSS") -> float:
    """Resident memory now (`VmRSS`) or at most so far (`VmHWM`); 0 where the process is gone."""
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


def listening_ports(pid: int) -> list[int]:
    """TCP ports on which this process listens."""
    inodes = set()
    with contextlib.suppress(OSError):
        for link in (PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = os.readlink(link)
                if target.startswith("socket:["):
                    inodes.add(target[len("socket:[") : -1])
    ports = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and fields[9] in inodes:
                    ports.add(int(fields[1].rpartition(":")[2], 16))
    return sorted(ports)


def _stat(pid: int) -> list[str] | None:
    """The fields after the command's name (state, parent, ...), or None for a process that is gone or a zombie."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields
